"""Generators in the shapes in which people export them, and networks that are none, small enough for tests."""

import io
import math
import warnings
from collections.abc import Callable

import torch
from torch import nn

DIM, CLASSES = 8, 5


class Net(nn.Module):
    """A small generator; `finish` brings its picture in [-1, 1] into a shape of its own."""

    def __init__(self, finish: Callable[..., object] = lambda x: x, side: int = 16, channels: int = 3):
        super().__init__()
        torch.manual_seed(5)
        self.side, self.channels, self.finish = side, channels, finish
        self.layer = nn.Linear(DIM, channels * side * side)
        self.named = nn.Embedding(CLASSES, DIM)

    def forward(self, z: torch.Tensor) -> object:
        return self.finish(self.draw(z))

    def draw(self, z: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.layer(z)).reshape(-1, self.channels, self.side, self.side)


class Numbered(Net):
    def forward(self, z: torch.Tensor, label: torch.Tensor) -> object:
        return self.draw(z + 2 * self.named(label.reshape(-1)))


class OneHot(Net):
    def forward(self, z: torch.Tensor, c: torch.Tensor) -> object:
        return self.draw(z + 2 * c @ self.named.weight)


class Truncated(Net):
    def forward(self, z: torch.Tensor, truncation_psi: torch.Tensor) -> object:
        return self.draw(z * truncation_psi)


class Noisy(Net):
    def forward(self, z: torch.Tensor, noise_map: torch.Tensor, seed: torch.Tensor, strength: torch.Tensor) -> object:
        return self.draw(z) + strength * (noise_map + seed)


class Half(Net):
    def forward(self, z: torch.Tensor) -> object:
        return super().draw(z.float()).half()


Z = torch.zeros(2, DIM)


def exported(made: nn.Module, *example: torch.Tensor, opset: int = 17, free: bool = True) -> bytes:
    """By the exporter that most files on the Hub come from. Every input of more than one number has a batch."""
    file = io.BytesIO()
    names = list(made.forward.__code__.co_varnames[1 : 1 + len(example)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            made.eval(), example, file, dynamo=False, opset_version=opset, input_names=names,
            dynamic_axes={n: {0: "n"} for n, t in zip(names, example, strict=True) if t.ndim} if free else None,
        )  # fmt: skip
    return file.getvalue()


class Translator(nn.Module):
    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return torch.tanh(picture * 2)


class Judge(nn.Module):
    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return picture.mean((2, 3))


class Bytes(nn.Module):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return z.float()[..., None, None].expand(-1, -1, 4, 4)


class Decoder(nn.Module):
    """As diffusers exports the decoder of an autoencoder: latent_sample [N, 4, h, w], with norms and attention."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.head, self.norm, self.qkv = nn.Conv2d(4, 16, 3, 1, 1), nn.GroupNorm(4, 16), nn.Linear(16, 48)
        self.up, self.tail = nn.Conv2d(16, 16, 3, 1, 1), nn.Conv2d(16, 3, 3, 1, 1)

    def forward(self, latent_sample: torch.Tensor) -> torch.Tensor:
        x = nn.functional.silu(self.norm(self.head(latent_sample)))
        q, k, v = self.qkv(x.flatten(2).transpose(1, 2)).chunk(3, -1)
        x = x + nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
        x = self.up(nn.functional.interpolate(x, scale_factor=2.0))
        return 2 * self.tail(nn.functional.silu(x))


class Style(nn.Module):
    """As the StyleGAN family does it: a mapping, scaled weights, constant input, noise by trigonometry, no tanh."""

    def __init__(self, side: int = 32, width: int = 16):
        super().__init__()
        torch.manual_seed(2)
        self.start = nn.Parameter(torch.randn(1, width, 4, 4))
        self.mapping = nn.Sequential(nn.Linear(DIM, width), nn.LeakyReLU(0.2), nn.Linear(width, width))
        self.layers = nn.ModuleList(nn.Conv2d(width, width, 3, 1, 1) for _ in range(int(math.log2(side // 4))))
        self.tail = nn.Conv2d(width, 3, 1)
        self.middle, self.contrast = 0.0, 1.0
        with torch.no_grad():  # as after training: around 0, and some of it beyond -1 and 1
            drawn, _ = self(torch.randn(2, DIM), torch.tensor(1.0))
        self.middle, self.contrast = float(drawn.mean()), 0.6 / float(drawn.std())

    def forward(self, z: torch.Tensor, truncation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        w = self.mapping(z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)) * truncation
        x = self.start.repeat(z.shape[0], 1, 1, 1) + torch.sin(w)[..., None, None]
        for layer in self.layers:
            x = nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear")
            x = nn.functional.leaky_relu(layer(x * (1 + w[..., None, None])), 0.2) * 2**0.5
        return (self.tail(x) - self.middle) * self.contrast, w


class Everything(Net):
    """Operators that real generators use, one after the other; the picture stays what it is."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.draw(z)
        n = torch.arange(x.shape[-1]).float() + torch.zeros(x.shape[-1]).cumsum(0)
        keep = ((n % 5 >= 0) & ~(n > 99) & (n.sin() < 2) & (n.cos() <= 1.5)).float()
        grid = torch.tril(torch.ones(x.shape[-1], x.shape[-1])).amax(0) * keep
        order = torch.arange(x.shape[-1]).expand_as(x)
        return x.gather(3, order) * grid + 0 * x.prod(1, keepdim=True) + 0 * x.logsumexp(1, keepdim=True)
