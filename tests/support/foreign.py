"""A generator as others export them: its class by number, a truncation, pictures with the channels last."""

import io

import torch
from torch import Tensor, nn

LATENT, CLASSES = 32, 5


class Foreign(nn.Module):
    """z [N, 32], label int64 [N], truncation [] -> pictures [N, 16, 16, 3] in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.begin = nn.Embedding(CLASSES, 16), nn.Linear(LATENT + 16, 64 * 16)
        up = [nn.ConvTranspose2d(a, b, 4, stride=2, padding=1) for a, b in ((64, 16), (16, 3))]
        self.body = nn.Sequential(up[0], nn.ReLU(), up[1], nn.Tanh())

    def forward(self, z: Tensor, label: Tensor, truncation: Tensor) -> Tensor:
        x = self.begin(torch.cat([z * truncation, self.embed(label)], dim=1))
        return self.body(x.view(-1, 64, 4, 4)).permute(0, 2, 3, 1)


def exported() -> bytes:
    """The generator as an ONNX file, with weights large enough for pictures that differ."""
    torch.manual_seed(0)
    net = Foreign().eval()
    with torch.no_grad():
        for weights in net.parameters():
            weights.mul_(3)
    file = io.BytesIO()
    arguments = torch.randn(2, LATENT), torch.zeros(2, dtype=torch.int64), torch.tensor(1.0)
    names = {"input_names": ["z", "label", "truncation"], "output_names": ["img"]}
    axes = {name: {0: "n"} for name in ("z", "label", "img")}
    torch.onnx.export(net, arguments, file, dynamo=False, dynamic_axes=axes, opset_version=18, **names)
    return file.getvalue()
