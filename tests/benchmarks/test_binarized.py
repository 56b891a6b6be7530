"""Binarized pictures: a Bernoulli VAE is measured in nats, and how it was trained is kept with the figures."""

import json

import numpy as np
import pytest

from benchmarks import binarized, results
from tests.support.pictures import draw_folder
from tests.support.trained import FEW, NARROW, train
from train.evaluate.evaluation import evaluate
from train.settings import EvaluateSettings


@pytest.mark.slow
def test_a_bernoulli_vae_is_measured_in_nats_of_binarized_pictures(monkeypatch, tmp_path):
    """One without classes, and nothing else in its run."""
    run, data = tmp_path / "run", draw_folder(tmp_path / "plain", 150, classes=False)
    train("vae", run, "--data", data, "--likelihood", "bernoulli", "--binarize", "--seed", "7", *FEW, *NARROW["vae"])
    found = evaluate(EvaluateSettings(run, samples=100, bound_samples=4, bound_pictures=8)).report
    assert "binarized" in found["vae.negative_elbo"].label
    assert 0 < found["vae.weighted_bound"].value < found["vae.negative_elbo"].value < 256 * np.log(2) * 3
    assert "own encoder" in str(found.facts["features"])
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    assert binarized.main([str(run), "--bound-samples", "4", "--bound-pictures", "8"]) == 0
    stored = json.loads((tmp_path / "binarized_mnist.json").read_text())
    assert stored["figures"]["vae.negative_elbo"]["value"] == pytest.approx(found["vae.negative_elbo"].value, abs=1e-4)
    assert (stored["training"]["seed"], stored["training"]["images"]) == (7, 256)
    assert str(tmp_path) not in json.dumps(stored)
