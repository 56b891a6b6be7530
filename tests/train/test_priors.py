"""The fitted mixture."""

import numpy as np

from train.priors import fit


def test_weights_classes_and_factors():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [300, 100])
    codes = np.where(labels[:, None] == 0, rng.normal(-5, 1, (400, 3)), rng.normal(5, 0.5, (400, 3)))
    mixture = fit(codes, labels, classes=2, components=3)
    assert mixture["weights"].sum() == np.float32(1)
    share = mixture["weights"] @ mixture["classes"]
    np.testing.assert_allclose(share, [0.75, 0.25], atol=1e-6)
    owners = mixture["classes"].argmax(axis=1)
    assert (mixture["means"][owners == 0] < 0).all()
    assert (mixture["means"][owners == 1] > 0).all()
    assert np.allclose(mixture["cholesky"], np.tril(mixture["cholesky"]))


def test_one_component_is_the_sample_mean_and_covariance():
    rng = np.random.default_rng(1)
    codes = rng.multivariate_normal([1, -2], [[2, 0.8], [0.8, 1]], 30)
    mixture = fit(codes, np.zeros(30), classes=0, components=1)
    single = {k: v for k, v in fit(codes[:4], np.zeros(4), 0, 1).items()}
    assert mixture["classes"].shape[1] == single["classes"].shape[1] == 1
    factor = single["cholesky"][0].astype(np.float64)
    np.testing.assert_allclose(
        factor @ factor.T, np.cov(codes[:4], rowvar=False, bias=True) + 1e-4 * np.eye(2), rtol=1e-3
    )
    np.testing.assert_allclose(single["means"][0], codes[:4].mean(axis=0), rtol=1e-4)
