"""Sampling priors fitted to the codes of a trained VAE.

A calibrated VAE cannot be sampled from N(0, I): its codes do not fill that Gaussian. A mixture of full-covariance
Gaussians, fitted after training (Ghosh et al. 2020, arXiv 1903.12436), can.
"""

import numpy as np
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits
from tqdm import tqdm


def fit(codes: np.ndarray, labels: np.ndarray, classes: int, components: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Mixture over codes [N, D], one set of `components` a class, weighted by the class's share.

    Returns weights [M], means [M, D], cholesky [M, D, D] (lower), classes [M, K]; without classes there are ten
    times as many components, and K = 1.
    """
    groups = [(codes, 0)] if classes == 0 else [(codes[labels == k], k) for k in range(classes)]
    wanted = components * 10 if classes == 0 else components
    weights, means, factors, owners = [], [], [], []
    for group, owner in tqdm(groups, desc="sampling prior", unit=" class", leave=False):
        # Full covariances need samples: about two for every dimension and component.
        count = max(min(wanted, len(group) // (2 * codes.shape[1])), 1)
        if len(group) < 2:
            continue
        mixture = GaussianMixture(
            count, covariance_type="full", reg_covar=1e-4, random_state=seed, max_iter=60, init_params="k-means++"
        )
        with threadpool_limits(1):  # the products are too small to share among threads
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
