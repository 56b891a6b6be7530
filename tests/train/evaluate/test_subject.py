"""Runs and bundles behind the same functions of arrays."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bundle import adopt, latents
from bundle.errors import UserError
from bundle.model import BundleModel
from bundle.read import read
from bundle.runner import BundleRunner
from tests.support import tiny
from tests.support.trained import train
from train.evaluate import subject as subjects
from train.evaluate.evaluation import augmentations, check_enough, is_steered_by_held_out
from train.evaluate.handles import Subject
from train.evaluate.subject import open_subject
from train.run_folder import read_json, write_json


@pytest.fixture(scope="module")
def run(trained_run) -> Subject:
    return open_subject(trained_run)


def test_a_generator_is_read_from_a_bundle(tiny_bundle):
    subject, info = open_subject(tiny_bundle), read(tiny_bundle).info
    z, classes = np.zeros((3, subject.gan.latent_dim), np.float32), np.eye(10, dtype=np.float32)[:3]
    images = subject.gan.draw(z, classes)
    assert (images.shape, subject.gan.prior) == ((3, 1, 32, 32), "normal")
    assert not np.array_equal(images[0], images[1])
    assert subject.classifier.sha256 == info.graphs["classifier"].sha256
    assert (subject.data.fit, subject.data.background) == (info.dataset.fit, info.dataset.background)


def test_any_number_of_rows_may_be_asked_of_a_bundle(tiny_bundle):
    """More than its largest batch."""
    subject = open_subject(tiny_bundle)
    z = np.random.default_rng(0).normal(size=(300, subject.vae.latent_dim)).astype(np.float32)
    images = subject.vae.decode(z)
    assert images.shape == (300, 1, 32, 32)
    np.testing.assert_allclose(images[290:], subject.vae.decode(z[290:]), atol=1e-6)


def test_a_bundle_truncates_as_the_demo_does(tiny_bundle):
    subject, model = open_subject(tiny_bundle), BundleModel(BundleRunner(read(tiny_bundle)))
    seeds, classes = [3, 4, 5], np.eye(10, dtype=np.float32)[:3]
    z = np.stack([latents.seed_latent(seed, subject.gan.latent_dim) for seed in seeds])
    for psi in (0.0, 0.5, 1.0):
        np.testing.assert_allclose(subject.gan.truncated(psi)(z, classes), model.sample(seeds, classes, psi), atol=2e-6)
    assert not np.allclose(model.sample(seeds, classes, 0.5), model.sample(seeds, classes, 1.0), atol=1e-3)


def test_a_run_truncates_towards_the_mean_of_the_class(run):
    z = np.random.default_rng(0).normal(size=(2, run.gan.latent_dim)).astype(np.float32)
    classes = np.eye(3, dtype=np.float32)[[1, 1]]
    np.testing.assert_allclose(run.gan.truncated(1)(z, classes), run.gan.draw(z, classes), atol=1e-5)
    alike = run.gan.truncated(0)(z, classes)
    np.testing.assert_allclose(alike[0], alike[1], atol=1e-6)


def test_a_run_and_its_bundle_are_the_same_models(run, exported):
    bundle = open_subject(exported.folder)
    images = np.random.default_rng(0).random((2, 1, 16, 16), dtype=np.float32)
    mask = np.ones_like(images)
    for own, theirs in (
        (run.vae.reconstruct(images), bundle.vae.reconstruct(images)),
        (run.gan.invert(images, mask), bundle.gan.invert(images, mask)),
        (run.vae.repair(images, mask)[0], bundle.vae.repair(images, mask)[0]),
        (run.classifier.classify(images)[1], bundle.classifier.classify(images)[1]),
    ):
        np.testing.assert_allclose(own, theirs, atol=1e-4)


def test_an_adopted_generator_is_a_gan_without_truncation_or_inversion(tmp_path):
    """And its largest batch is smaller than that of other bundles."""
    made = tiny.build(tmp_path / "made", classes=0, channels=3, height=16, width=16)
    adopt.adopt(made / "generator.onnx", tmp_path / "adopted", adopt.About("adopted", "Adopted"))
    subject = open_subject(tmp_path / "adopted")
    assert subject.vae is subject.classifier is subject.gan.truncated is subject.gan.invert is None
    z = np.random.default_rng(0).normal(size=(130, subject.gan.latent_dim)).astype(np.float32)
    assert subject.gan.draw(z).shape == (130, 3, 16, 16)


def test_the_pictures_of_a_run_are_where_it_last_found_them(trained_run, tmp_path):
    moved = shutil.copytree(trained_run, tmp_path / "run")
    write_json(moved / "run.json", read_json(moved / "run.json") | {"place": "/elsewhere/pets"})
    assert open_subject(moved).source == "/elsewhere/pets"


def test_too_few_pictures_are_refused_before_anything_is_measured(run):
    check_enough(replace(run.data, test_images=4))
    with pytest.raises(UserError, match="has 3 held-out pictures, and at least 4 are needed"):
        check_enough(replace(run.data, test_images=3))


def test_a_stage_that_goes_on_learning_is_not_measured_with_what_it_left_when_it_was_finished(trained_run, tmp_path):
    resumed = shutil.copytree(trained_run, tmp_path / "run")
    for stage in ("gan", "vae"):
        path = resumed / stage / "record.json"
        write_json(path, read_json(path) | {"finished": False})
    subject = open_subject(resumed)
    assert subject.gan.truncated is subject.vae.sigma is subject.vae.mixture is None
    assert {"gan", "vae"} <= set(subject.unfinished)


def test_a_bundle_is_measured_with_all_threads_unless_told_otherwise(tiny_bundle, monkeypatch):
    asked = []
    made = BundleRunner.__init__
    monkeypatch.setattr(subjects, "usable_cores", lambda: 7)
    monkeypatch.setattr(
        BundleRunner, "__init__", lambda self, bundle, threads: asked.append(threads) or made(self, bundle)
    )
    open_subject(tiny_bundle)
    open_subject(tiny_bundle, threads=2)
    assert asked == [7, 2]


def test_a_fully_connected_gan_of_a_run_draws(shape_pictures, tmp_path):
    """Its mapping has no weights."""
    train("gan", tmp_path / "r", "--preset", "mlp", "--data", shape_pictures, "--images", "64", "--batch", "32",
          "--width", "16", "--latent-dim", "8", "--threads", "1")  # fmt: skip
    gan = open_subject(tmp_path / "r").gan
    z, classes = np.zeros((2, 8), np.float32), np.eye(3, dtype=np.float32)[:2]
    np.testing.assert_allclose(gan.truncated(1)(z, classes), gan.draw(z, classes), atol=1e-6)


def test_a_set_that_has_grown_is_still_measured_as_the_small_one_with_which_the_gan_began(run):
    grown = replace(run.data, train_images=10_500)
    small = replace(run.gan, augment=None, gap_pictures="held-out", began_with=9_500)
    assert augmentations(small, grown) and is_steered_by_held_out(small, grown)
    for began_with in (None, 10_500):
        large = replace(small, began_with=began_with)
        assert not augmentations(large, grown) and not is_steered_by_held_out(large, grown)


def test_the_classifier_is_called_by_its_folder_also_from_within(trained_run, tiny_bundle, monkeypatch):
    for folder in (trained_run, tiny_bundle):
        monkeypatch.chdir(folder)
        assert open_subject(Path()).classifier.name == f"classifier of {folder.name}"


def test_a_run_says_how_many_pictures_its_gan_began_with(trained_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained_run, run)
    record = read_json(run / "gan" / "record.json")
    write_json(run / "gan" / "record.json", record | {"data": [[0, 9_500], [640, 10_500]]})
    assert open_subject(run).gan.began_with == 9_500
