"""The posterior of the codes of a linear decoder given some pixels of its picture, whichever these are.

A picture is W z + b plus noise of variance v in each pixel, and its code z is Gaussian around a guess. The mean of z
given the known pixels solves a linear system (probabilistic PCA with missing data: Tipping & Bishop 1999). The
Chebyshev iteration (Golub & Varga 1961) solves it with nothing but products with W and fixed numbers, so that all
runtimes agree closely; conjugate gradients need two thirds of the steps, but in float32 their errors reach hundredths.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

STEPS = 24
LEAST = 0.01  # smallest eigenvalue that the steps solve for, as a share of the largest; below, the guess is kept
QUIET = 1e-8  # variance of a pixel that rounding alone would cause


def patches_of(images: Tensor, side: int) -> Tensor:
    """images [N, C, S, S] -> patches [N, patches, C side²]: torch.nn.functional.unfold without overlap, transposed."""
    count, channels, size, _ = images.shape
    across = size // side
    cut = images.reshape(count, channels, across, side, across, side)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(count, across**2, channels * side**2)


def patch_basis(patches: Tensor, kept: int) -> Tensor:
    """The `kept` orthonormal directions [kept, P] with most of the energy of patches [..., P]."""
    rows = patches.reshape(-1, patches.shape[-1])
    return torch.linalg.eigh((rows.T @ rows).double())[1].flip(1)[:, :kept].T.float().contiguous()


def chebyshev(residual: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> Tensor:
    """x [N, D] with residual(x) = b - A x near 0, after `steps` of the Chebyshev iteration from `start` [N, D].

    Each row has a matrix A of its own, with eigenvalues between 0 and 1.

    The residual is computed anew in each step: carried along, it would collect several times the rounding error."""
    middle, reach = (1 + LEAST) / 2, (1 - LEAST) / 2
    move, found, ratio = residual(start) / middle, start, reach / middle
    for _ in range(steps - 1):
        found = found + move
        before, ratio = ratio, 1 / (2 * middle / reach - ratio)
        move = ratio * before * move + 2 * ratio / reach * residual(found)
    return found + move


class LinearPosterior(nn.Module):
    """Known pixels and a guess -> codes, by a linear decoder that `fit` sets; training steps do not change it.

    side: of the patches that pictures are cut into. kept: numbers that describe a patch."""

    patches: Tensor  # [kept, C side²], orthonormal
    whole: Tensor  # [patches x kept, D]: codes -> numbers of all patches, less those of code 0
    middle: Tensor  # [patches x kept]: the numbers of code 0
    spread: Tensor  # [D]: log variance of the codes
    precision: Tensor  # [D]: variance of the noise over that of the codes
    inverse: Tensor  # [D]: scales the system so that its eigenvalues are at most 1

    def __init__(self, channels: int, size: int, latent_dim: int, side: int, kept: int):
        super().__init__()
        self.side, self.grid = side, ((size // side) ** 2, kept)
        self.register_buffer("patches", torch.zeros(kept, channels * side**2))
        self.register_buffer("whole", torch.zeros(self.grid[0] * kept, latent_dim))
        self.register_buffer("middle", torch.zeros(self.grid[0] * kept))
        self.register_buffer("spread", torch.zeros(latent_dim))
        self.register_buffer("precision", torch.ones(latent_dim))
        self.register_buffer("inverse", torch.ones(latent_dim))

    def numbers(self, patches: Tensor) -> Tensor:
        """Patches [N, patches, C side²] -> their numbers [N, patches x kept]."""
        return (patches @ self.patches.T).flatten(1)

    def shown(self, numbers: Tensor) -> Tensor:
        """Inverse of `numbers`: [N, patches x kept] -> patches [N, patches, C side²]."""
        return numbers.reshape(-1, *self.grid) @ self.patches

    def decoded(self, codes: Tensor) -> Tensor:
        """codes [N, D] -> numbers [N, patches x kept], less those of code 0."""
        return (self.whole @ codes.T).T  # written so that an exported graph holds `whole` once, not transposed as well

    def squared_error(self, found: Tensor, codes: Tensor) -> Tensor:
        """Squared error between the pictures of two sets of codes [N, D], summed over pixels, [N]."""
        return self.decoded(found - codes).square().sum(dim=1)

    def forward(self, image: Tensor, mask: Tensor, guess: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, S, S], mask [N, 1, S, S] (1 = known), guess [N, D] -> mean, logvar of the codes [N, D].

        logvar treats each code alone, and pixels as missing at random: too small for large holes."""
        known, seen = patches_of(mask.expand_as(image), self.side), patches_of(image, self.side)

        def residual(codes: Tensor) -> Tensor:
            missed = known * (seen - self.shown(self.decoded(codes) + self.middle))
            return self.inverse * (self.numbers(missed) @ self.whole - self.precision * (codes - guess))

        share = nn.functional.avg_pool2d(mask, mask.shape[-1]).flatten(1)
        told = share * self.whole.square().sum(dim=0)
        logvar = self.spread + (self.precision / (told + self.precision)).log()
        return chebyshev(residual, guess, STEPS), logvar.clamp(-10, 10)

    @torch.no_grad()
    def fit(self, codes: Tensor, pictures: Tensor, noise: float) -> None:
        """Sets the decoder to the linear one that draws pictures [N, C, S, S] in [0, 1] best from their codes [N, D].

        noise: variance of a pixel; at least QUIET is used."""
        from sklearn.linear_model import Ridge  # takes a second to import, which `--help` need not wait for

        cut = patches_of(pictures, self.side)
        basis = patch_basis(cut, len(self.patches))
        model = Ridge(alpha=1e-3).fit(codes.numpy(), (cut @ basis.T).flatten(1).numpy())
        self.patches.copy_(basis)
        self.whole.copy_(torch.from_numpy(model.coef_))
        self.middle.copy_(torch.from_numpy(model.intercept_))
        variance = codes.var(dim=0).clamp_min(1e-3)
        self.spread.copy_(variance.log())
        self.precision.copy_(max(noise, QUIET) / variance)
        self.scale()

    @torch.no_grad()
    def scale(self) -> None:
        """Sets `inverse` such that with all pixels known the largest eigenvalue is 1; a mask lowers it."""
        matrix = self.whole.T @ self.whole + torch.diag(self.precision)
        root = matrix.diagonal().sqrt()
        self.inverse.copy_(1 / (root.square() * torch.linalg.eigvalsh(matrix / root / root[:, None])[-1]))
