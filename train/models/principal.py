"""A VAE that begins as the principal components of the training pictures: body `principal`.

Convolutions alone take long to find the hundreds of small directions that a sharp reconstruction needs; a linear
encoder and decoder have them at once (Tipping & Bishop 1999, "Probabilistic principal component analysis"). So both
stand side by side: a linear path through patches, set from the pictures before the first step, and the residual
networks, which add nothing at first and learn what is not linear. All of it trains on together.
"""

import itertools
import math

import torch
from torch import Tensor, nn

from train.models.convolutional import LEAK, Decoder, Encoder, halved, he
from train.models.linear_posterior import LinearPosterior, patch_basis, patches_of
from train.models.residual import FixupBlock

PATCH, SHARE = 8, 4  # side of a patch at most; a patch keeps one of so many of its numbers
ENOUGH, NUMBERS = 20_000, 2**27  # pictures from which components are found, and their numbers, at most
LEAST = 1e-6  # of a variance that is divided by
OUTSIDE = 0.1  # what an error beyond black or white still counts, so that it can be unlearned


def patch_of(channels: int, size: int) -> tuple[int, int]:
    """(side of a patch, numbers that a patch keeps): the largest power of two up to PATCH that divides the size."""
    side = math.gcd(size, PATCH)
    return side, max(channels * side * side // SHARE, channels)


class LinearEncoder(nn.Module):
    """Picture -> codes, without anything that is not linear: patches first, then all of them."""

    def __init__(self, channels: int, size: int, latent_dim: int):
        super().__init__()
        side, kept = patch_of(channels, size)
        self.patches = nn.Conv2d(channels, kept, side, stride=side, bias=False)
        self.whole = nn.Linear(kept * (size // side) ** 2, latent_dim)

    def forward(self, image: Tensor) -> Tensor:
        """image [N, C, S, S] -> [N, D]."""
        return self.whole(self.patches(image).flatten(1))


class LinearDecoder(nn.Module):
    """Codes -> picture, the way back."""

    def __init__(self, channels: int, size: int, latent_dim: int):
        super().__init__()
        side, kept = patch_of(channels, size)
        self.grid = (kept, size // side, size // side)
        self.whole = nn.Linear(latent_dim, math.prod(self.grid))
        self.patches = nn.ConvTranspose2d(kept, channels, side, stride=side, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        """z [N, D] -> [N, C, S, S]."""
        return self.patches(self.whole(z).reshape(-1, *self.grid))


def fixup_trunk(channels: int, size: int, widths: tuple[int, ...], hidden: int) -> nn.Sequential:
    """A halving and a block a resolution, then one hidden layer: [N, C, S, S] -> [N, hidden]. Nothing is normalised."""
    base = halved(size, widths)
    layers: list[nn.Module] = []
    for a, b in zip((channels, *widths[:-1]), widths, strict=True):
        layers += [he(nn.Conv2d(a, b, 4, stride=2, padding=1), gain=1.0), FixupBlock(b, len(widths))]
    return nn.Sequential(*layers, nn.Flatten(), he(nn.Linear(widths[-1] * base**2, hidden)), nn.LeakyReLU(LEAK))


def fixup_body(widths: tuple[int, ...]) -> nn.Sequential:
    """A block a resolution, pixel shuffles between: [N, widths[0], base, base] -> [N, widths[-1], S, S]."""
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers += [FixupBlock(a, len(widths)), he(nn.Conv2d(a, 4 * b, 3, padding=1), gain=1.0), nn.PixelShuffle(2)]
    return nn.Sequential(*layers, FixupBlock(widths[-1], len(widths)), nn.LeakyReLU(LEAK))


class PrincipalEncoder(Encoder):
    """Picture -> diagonal Gaussian over codes: a linear mean, corrected."""

    make_trunk = staticmethod(fixup_trunk)

    def __init__(self, channels: int, size: int, latent_dim: int, widths: tuple[int, ...], hidden: int = 256):
        super().__init__(channels, size, latent_dim, widths, hidden)
        self.linear = LinearEncoder(channels, size, latent_dim)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, S, S] in [0, 1] -> mean [N, D], logvar [N, D] in [-10, 10]."""
        mean, logvar = super().forward(image)
        return mean + self.linear(image), logvar


class PrincipalDecoder(Decoder):
    """Code -> picture: a linear one, corrected, then cut off at black and white."""

    make_body = staticmethod(fixup_body)

    def __init__(self, channels: int, size: int, latent_dim: int, widths: tuple[int, ...], hidden: int = 256):
        super().__init__(channels, size, latent_dim, widths, hidden)
        self.linear = LinearDecoder(channels, size, latent_dim)

    def logits(self, z: Tensor) -> Tensor:
        """z [N, D] -> the picture before it is cut off, [N, C, S, S]."""
        return super().logits(z) + self.linear(z)

    def picture(self, logits: Tensor) -> Tensor:
        """[N, C, S, S] -> the same in [0, 1]; while training a tenth of what lies outside stays."""
        inside = logits.clamp(0, 1)
        return inside + OUTSIDE * (logits - inside) if self.training else inside


class PrincipalRepairer(nn.Module):
    """Damaged picture -> Gaussian over the codes of the whole one: one hidden layer guesses them, and the posterior of
    a linear decoder takes from the guess what the known pixels gainsay."""

    def __init__(self, channels: int, size: int, latent_dim: int, hidden: int = 256):
        super().__init__()
        self.posterior = LinearPosterior(channels, size, latent_dim, *patch_of(channels, size))
        count, kept = self.posterior.grid
        self.trunk = nn.Sequential(he(nn.Linear((kept + 1) * count, hidden)), nn.LeakyReLU(LEAK))
        self.head = he(nn.Linear(hidden, latent_dim), gain=1.0)

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, S, S] in [0, 1], mask [N, 1, S, S] (1 = known) -> mean [N, D], logvar [N, D] in [-10, 10]."""
        side = self.posterior.side
        seen = self.posterior.numbers(patches_of(image * mask, side))
        known = nn.functional.avg_pool2d(mask, side).flatten(1)
        return self.posterior(image, mask, self.head(self.trunk(torch.cat([seen, known], dim=1))))


@torch.no_grad()
def fit_repair(repairer: PrincipalRepairer, encoder: nn.Module, images: Tensor, noise: float) -> Tensor:
    """Sets the posterior to the linear decoder that draws `images` (uint8 [N, C, S, S]) best from the codes of the
    trained `encoder`. noise: variance of a pixel. Returns the mean of the codes [D]."""
    pictures, device = enough(images), repairer.head.weight.device
    codes = torch.cat([encoder(part.to(device))[0] for part in pictures.split(500)]).cpu()
    repairer.posterior.fit(codes, pictures, noise)
    return codes.mean(dim=0)


@torch.no_grad()
def begin_repair(repairer: PrincipalRepairer, encoder: nn.Module, images: Tensor, noise: float) -> None:
    """The same, and the mean of the codes is all that is guessed at first."""
    repairer.head.bias.copy_(fit_repair(repairer, encoder, images, noise))
    nn.init.zeros_(repairer.head.weight)


@torch.no_grad()
def begin(encoder: PrincipalEncoder, decoder: PrincipalDecoder, images: Tensor, seed: int = 0) -> None:
    """Sets the linear paths to the principal components of `images` (uint8 [N, C, S, S]), scaled so that codes have
    unit variance; the rest of both networks then adds nothing, and the codes' variances are those of the linear model.

    What a code has beyond the components of these pictures stays noise that no picture shows. `seed`: of the search
    for the components of large pictures.
    """
    from sklearn.decomposition import PCA  # takes a second to import, which `--help` need not wait for

    pictures = enough(images)
    kept, _, side, _ = encoder.linear.patches.weight.shape
    patches = patches_of(pictures, side)
    basis = patch_basis(patches, kept)
    numbers = (patches @ basis.T).mT.flatten(1).numpy()  # in the order of the convolution
    found = min(encoder.latent_dim, *numbers.shape)
    model = PCA(found, random_state=seed).fit(numbers)
    shown = model.inverse_transform(model.transform(numbers))
    # |picture - shown|², by the numbers alone: the basis is orthonormal.
    rest = float(pictures.square().sum()) - float((2 * numbers - shown).ravel() @ shown.ravel())
    noise = max(rest / pictures.numel(), LEAST)
    variances, directions, centre = (
        torch.from_numpy(values).float() for values in (model.explained_variance_, model.components_, model.mean_)
    )
    scale, certain = variances.clamp_min(LEAST).sqrt()[:, None], (variances / (variances + noise))[:, None]

    for layer in (encoder.head, decoder.to_image, encoder.linear.whole, decoder.linear.whole):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    kernel = basis.reshape(decoder.linear.patches.weight.shape)
    encoder.linear.patches.weight.copy_(kernel)
    decoder.linear.patches.weight.copy_(kernel)
    into = certain * directions / scale  # mean and variance of the posterior of probabilistic PCA
    encoder.linear.whole.weight[:found] = into
    encoder.linear.whole.bias[:found] = -into @ centre
    encoder.head.bias[encoder.latent_dim :][:found] = (1 - certain[:, 0]).clamp_min(LEAST).log()
    decoder.linear.whole.weight[:, :found] = (directions * scale).T
    decoder.linear.whole.bias.copy_(centre)


def enough(images: Tensor) -> Tensor:
    """uint8 [N, C, S, S] -> as many of them as components are looked for in, float32 in [0, 1]."""
    return images[: min(ENOUGH, NUMBERS // images[0].numel())].cpu().float() / 255
