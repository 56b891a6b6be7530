"""Sampling priors: the GAN's noise, and the mixture fitted to the codes of a trained VAE.

The codes of a calibrated VAE do not fill N(0, I), so samples from there look wrong. A mixture of full-covariance
Gaussians, fitted to the codes after training (Ghosh et al. 2020, arXiv 1903.12436), is sampled instead.
"""

import numpy as np
import torch
from torch import Tensor

from bundle.latents import CUT
from train.progress_bar import with_bar
from train.settings import Prior


def draw(
    prior: Prior, n: int, dim: int, device: torch.device | str = "cpu", generator: torch.Generator | None = None
) -> Tensor:
    """Noise float32 [n, dim] for the GAN. `generator`, if given, must be on `device`."""
    return from_normal(prior, torch.randn(n, dim, device=device, generator=generator))


def from_normal(prior: Prior, normal: Tensor) -> Tensor:
    """N(0, 1) numbers of any shape -> numbers of the prior with the same quantiles, which keeps their order.

    normal: unchanged; uniform: U(-1, 1); truncated: N(0, 1) restricted to [-CUT, CUT] (BigGAN: Brock et al. 2019, arXiv
    1809.11096). bundle.latents.from_normal is the same in numpy.
    """
    if prior == "normal":
        return normal
    known = normal.cpu() if normal.device.type == "mps" else normal  # Apple's GPU has no float64
    share = torch.special.ndtr(known.double())
    if prior == "uniform":
        return (2 * share - 1).to(normal.dtype).to(normal.device)
    low = torch.special.ndtr(torch.tensor(-CUT, dtype=torch.double, device=share.device))
    return torch.special.ndtri(low + (1 - 2 * low) * share).to(normal.dtype).to(normal.device)


def fit(codes: np.ndarray, labels: np.ndarray, classes: int, components: int, seed: int = 0) -> dict[str, np.ndarray]:
    """A mixture of Gaussians over codes [N, D] with labels [N]: `components` for each class, weighted by the class's
    share of the codes.

    Returns float32 arrays: weights [M], means [M, D], cholesky [M, D, D] (lower), classes [M, K]. With classes = 0
    there are ten times as many components, and K = 1.
    """
    from sklearn.mixture import GaussianMixture  # takes a second to import, which `--help` need not wait for
    from threadpoolctl import threadpool_limits

    groups = [(codes, 0)] if classes == 0 else [(codes[labels == k], k) for k in range(classes)]
    wanted = components * 10 if classes == 0 else components
    weights, means, factors, owners = [], [], [], []
    for group, owner in with_bar(groups, "sampling prior", unit="classes"):
        # A full covariance needs samples: two per dimension and component.
        count = max(min(wanted, len(group) // (2 * codes.shape[1])), 1)
        if len(group) < 2:
            continue
        mixture = GaussianMixture(
            count, covariance_type="full", reg_covar=1e-4, random_state=seed, max_iter=60, init_params="k-means++"
        )
        with threadpool_limits(1):  # its matrix products are too small for several threads
            mixture.fit(group.astype(np.float64))
        weights.append(mixture.weights_ * len(group) / len(codes))
        means.append(mixture.means_)
        factors.append(np.linalg.cholesky(mixture.covariances_))
        owners.append(np.eye(max(classes, 1))[[owner] * count])
    total = np.concatenate(weights)
    return {
        "weights": (total / total.sum()).astype(np.float32),
        "means": np.concatenate(means).astype(np.float32),
        "cholesky": np.concatenate(factors).astype(np.float32),
        "classes": np.concatenate(owners).astype(np.float32),
    }
