"""The posterior of the codes of a linear decoder given some pixels of its picture, whichever these are.

A picture is W z + b plus noise of variance v in each pixel, and its code z is Gaussian around a guess. The mean of z
given the known pixels solves a linear system (probabilistic PCA with missing data: Tipping & Bishop 1999, "Mixtures of
probabilistic principal component analysers"). The Chebyshev iteration (Golub & Varga 1961) solves it with nothing but
products with W and fixed numbers, so that all runtimes agree closely; conjugate gradients need two thirds of the steps,
but in float32 their errors reach hundredths.

Pictures are cut into square patches, and each patch is described by a few coefficients: its products with orthonormal
components. W maps a code to the coefficients of all patches.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from train.models.layers import Sides

STEPS = 24
LEAST = 0.01  # smallest eigenvalue that the steps solve for, as a share of the largest; below, the guess is kept
LEAST_NOISE = 1e-8  # variance of a pixel that rounding alone would cause


def patches_of(images: Tensor, side: int) -> Tensor:
    """images [N, C, H, W] -> patches [N, patches, C side²]: torch.nn.functional.unfold without overlap, transposed."""
    count, channels, height, width = images.shape
    down, across = height // side, width // side
    cut = images.reshape(count, channels, down, side, across, side)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(count, down * across, channels * side**2)


def patch_components(patches: Tensor, count: int) -> Tensor:
    """The `count` orthonormal directions [count, P] with most of the energy of patches [..., P]."""
    rows = patches.reshape(-1, patches.shape[-1])
    return torch.linalg.eigh((rows.T @ rows).double())[1].flip(1)[:, :count].T.float().contiguous()


def chebyshev(residual: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> Tensor:
    """x [N, D] with residual(x) = b - A x near 0, after `steps` of the Chebyshev iteration from `start` [N, D] (Golub &
    Varga 1961; Saad 2003, "Iterative methods for sparse linear systems", algorithm 12.1).

    Each row has a matrix A of its own, with eigenvalues between LEAST and 1. The residual is computed anew in each
    step: carried along, it would collect several times the rounding error."""
    centre, radius = (1 + LEAST) / 2, (1 - LEAST) / 2  # of the interval of eigenvalues
    update, x, ratio = residual(start) / centre, start, radius / centre
    for _ in range(steps - 1):
        x = x + update
        previous, ratio = ratio, 1 / (2 * centre / radius - ratio)
        update = ratio * previous * update + 2 * ratio / radius * residual(x)
    return x + update


class LinearPosterior(nn.Module):
    """Known pixels and a guess -> codes, by a linear decoder that `fit` sets; training steps do not change it.

    patch: side of the patches. coefficients: how many describe a patch."""

    components: Tensor  # [coefficients, C patch²], orthonormal
    weight: Tensor  # [patches x coefficients, D]: codes -> coefficients of all patches, less those of code 0
    bias: Tensor  # [patches x coefficients]: the coefficients of code 0
    code_logvar: Tensor  # [D]: log variance of each code over the pictures
    noise_ratio: Tensor  # [D]: variance of the noise over that of each code
    preconditioner: Tensor  # [D]: scales the system so that its eigenvalues are at most 1

    def __init__(self, channels: int, sides: Sides, latent_dim: int, patch: int, coefficients: int):
        super().__init__()
        patches = (sides[0] // patch) * (sides[1] // patch)
        self.patch, self.grid = patch, (patches, coefficients)
        self.register_buffer("components", torch.zeros(coefficients, channels * patch**2))
        self.register_buffer("weight", torch.zeros(patches * coefficients, latent_dim))
        self.register_buffer("bias", torch.zeros(patches * coefficients))
        self.register_buffer("code_logvar", torch.zeros(latent_dim))
        self.register_buffer("noise_ratio", torch.ones(latent_dim))
        self.register_buffer("preconditioner", torch.ones(latent_dim))

    def coefficients(self, patches: Tensor) -> Tensor:
        """Patches [N, patches, C patch²] -> their coefficients [N, patches x coefficients]."""
        return (patches @ self.components.T).flatten(1)

    def from_coefficients(self, coefficients: Tensor) -> Tensor:
        """Inverse of `coefficients`: [N, patches x coefficients] -> patches [N, patches, C patch²]."""
        return coefficients.reshape(-1, *self.grid) @ self.components

    def decode(self, codes: Tensor) -> Tensor:
        """codes [N, D] -> coefficients [N, patches x coefficients], less those of code 0."""
        return (self.weight @ codes.T).T  # so that an exported graph holds `weight` once, not transposed as well

    def squared_error(self, one: Tensor, other: Tensor) -> Tensor:
        """Squared error between the pictures of two sets of codes [N, D], summed over pixels, [N]."""
        return self.decode(one - other).square().sum(dim=1)

    def forward(self, image: Tensor, mask: Tensor, guess: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, H, W], mask [N, 1, H, W] (1 = known), guess [N, D] -> mean, logvar of the codes [N, D].

        logvar treats each code alone, and pixels as missing at random: too small for large holes."""
        known, patches = patches_of(mask.expand_as(image), self.patch), patches_of(image, self.patch)

        def residual(codes: Tensor) -> Tensor:
            missed = known * (patches - self.from_coefficients(self.decode(codes) + self.bias))
            gradient = self.coefficients(missed) @ self.weight - self.noise_ratio * (codes - guess)
            return self.preconditioner * gradient

        known_share = nn.functional.avg_pool2d(mask, mask.shape[-2:]).flatten(1)
        evidence = known_share * self.weight.square().sum(dim=0)  # precision that the known pixels add to each code
        logvar = self.code_logvar + (self.noise_ratio / (evidence + self.noise_ratio)).log()
        return chebyshev(residual, guess, STEPS), logvar.clamp(-10, 10)

    @torch.no_grad()
    def fit(self, codes: Tensor, pictures: Tensor, noise: float) -> None:
        """Sets the decoder to the linear one that draws pictures [N, C, H, W] in [0, 1] best from their codes [N, D].

        noise: variance of a pixel; at least LEAST_NOISE is used."""
        from sklearn.linear_model import Ridge  # takes a second to import, which `--help` need not wait for

        patches = patches_of(pictures, self.patch)
        components = patch_components(patches, len(self.components))
        model = Ridge(alpha=1e-3).fit(codes.numpy(), (patches @ components.T).flatten(1).numpy())
        self.components.copy_(components)
        self.weight.copy_(torch.from_numpy(model.coef_))
        self.bias.copy_(torch.from_numpy(model.intercept_))
        variance = codes.var(dim=0).clamp_min(1e-3)
        self.code_logvar.copy_(variance.log())
        self.noise_ratio.copy_(max(noise, LEAST_NOISE) / variance)
        self.scale()

    @torch.no_grad()
    def scale(self) -> None:
        """Sets the (Jacobi) preconditioner such that with all pixels known the largest eigenvalue is 1; a mask lowers
        it."""
        matrix = self.weight.T @ self.weight + torch.diag(self.noise_ratio)
        root = matrix.diagonal().sqrt()
        self.preconditioner.copy_(1 / (root.square() * torch.linalg.eigvalsh(matrix / root / root[:, None])[-1]))
