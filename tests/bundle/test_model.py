"""What a bundle's model promises: the same seed is the same picture, known pixels stay, search never makes it worse."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from bundle import images, latents, paths
from bundle.errors import BundleError, InputError
from bundle.latents import one_hot
from bundle.sessions import choose_provider
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.support import tiny

MODELS = ("gan", "vae")
SEEDS = (3, 14, 15, 92)


@pytest.fixture(scope="module")
def served(tiny_bundle: Path) -> ServedBundle:
    return open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"]


@pytest.fixture(scope="module")
def colour(tmp_path_factory: pytest.TempPathFactory) -> ServedBundle:
    """A served without classes, in colour."""
    folder = tiny.build(tmp_path_factory.mktemp("colour") / "colour", "colour", classes=0, channels=3)
    return open_bundles(folder, choose_provider("cpu"))[0]["colour"]


@pytest.fixture
def example(served: ServedBundle) -> np.ndarray:
    return images.from_uint8(served.engine.bundle.examples[:1])


@pytest.fixture
def mask() -> np.ndarray:
    mask = np.ones((1, 1, 32, 32), np.float32)
    mask[:, :, 8:20, 10:30] = 0
    return mask


# --- sample --------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_same_seed_same_bytes_whatever_the_batch(served: ServedBundle, tiny_bundle: Path, model: str):
    many = images.to_uint8(served.sample(range(40), truncation=0.7, model=model))
    again = open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"]
    for seed in (0, 7, 15, 16, 39):
        alone = images.to_uint8(again.sample([seed], truncation=0.7, model=model))
        assert alone[0].tobytes() == many[seed].tobytes()


@pytest.mark.parametrize("model", MODELS)
def test_without_classes_each_seed_chooses_its_own(served: ServedBundle, model: str):
    free, fixed = served.sample([23], model=model), served.sample([23], one_hot(3, 10), model=model)
    assert free.tobytes() == fixed.tobytes()
    assert free.tobytes() != served.sample([23], one_hot(4, 10), model=model).tobytes()


def test_a_row_of_class_weights_for_each_picture(served: ServedBundle):
    rows = np.stack([one_hot(1, 10), one_hot(7, 10)])
    both = served.sample([5, 5], rows)
    assert both[1] == pytest.approx(served.sample([5], one_hot(7, 10))[0], abs=1e-6)


def test_truncation_zero_is_the_centre(served: ServedBundle):
    w = served.styles([1, 2], one_hot(4, 10), truncation=0)
    assert w == pytest.approx(np.broadcast_to(served.engine.bundle.latents["w_mean"][4], w.shape))
    code = served.codes([1], one_hot(4, 10), temperature=0)
    assert np.abs(code - served.mixture.means).max(axis=1).min() == pytest.approx(0, abs=1e-6)


def test_generator_is_mapping_and_synthesis(served: ServedBundle):
    z = np.stack([latents.seed_latent(seed, tiny.LATENT) for seed in SEEDS])
    inputs = {"z": z, "classes": np.stack([one_hot(seed % 10, 10) for seed in SEEDS])}
    assert served.sample(SEEDS) == pytest.approx(served.engine.run("generator", inputs)["image"], abs=1e-6)


def test_a_studio_without_classes(colour: ServedBundle):
    assert colour.class_count == 0 and colour.models == MODELS
    for model in MODELS:
        assert colour.sample([1, 2], model=model).shape == (2, 3, 32, 32)
        assert colour.at(0.5, 0.5, model=model).shape == (1, 3, 32, 32)
        assert colour.morph_at([1, 2], paths.path_shares(3, False), model=model).shape == (3, 3, 32, 32)
    picture = colour.sample([1])
    assert colour.invert(picture, rounds=1).image.shape == picture.shape


def test_unusable_arguments_are_refused(served: ServedBundle, colour: ServedBundle):
    for call in (
        lambda: served.sample([]),
        lambda: served.sample_many([]),
        lambda: served.sample_many([], model="vae"),
        lambda: served.sample(range(257)),
        lambda: served.sample([1], model="diffusion"),
        lambda: served.sample([1], truncation=float("nan")),
        lambda: served.sample([1], np.full(10, 0.5)),
        lambda: colour.sample([1], one_hot(0, 10)),
        lambda: served.at(float("inf"), 0),
        lambda: served.morph_at([1, 2], paths.path_shares(0, False)),
        lambda: served.morph_at([1, 2], paths.path_shares(257, False)),
        lambda: served.morph_at([1, 2], paths.path_shares(4, False), mode="zigzag"),
        lambda: served.morph_at([], paths.path_shares(4, False)),
        lambda: served.invert(np.zeros((1, 1, 32, 32), np.float32), rounds=101),
        lambda: served.repair(np.zeros((1, 1, 32, 32), np.float32), np.ones((1, 1, 16, 16), np.float32)),
        lambda: served.classify(np.zeros((1, 3, 32, 32), np.float32)),
    ):
        with pytest.raises(InputError):
            call()


def test_a_model_that_the_bundle_lacks(broken_bundle: Path):
    index = tiny.load_index(broken_bundle)
    for graph in ("encoder", "decoder", "repair"):
        del index["graphs"][graph]
    tiny.save_index(broken_bundle, index | {"vae": None})
    only_gan = open_bundles(broken_bundle, choose_provider("cpu"))[0]["tiny"]
    assert only_gan.models == ("gan",)
    with pytest.raises(BundleError, match="no VAE"):
        only_gan.sample([1], model="vae")
    with pytest.raises(BundleError, match="no VAE"):
        only_gan.reconstruct(np.zeros((1, 1, 32, 32), np.float32))


# --- plane and morph -----------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_whole_points_of_the_plane_are_seeds(served: ServedBundle, model: str):
    for x in (0, 42, -3):
        at = images.to_uint8(served.at(x, 0, one_hot(6, 10), 0.8, model))
        assert at.tobytes() == images.to_uint8(served.sample([x % 2**32], one_hot(6, 10), 0.8, model)).tobytes()
    assert served.at(2, 3, None, 1.0, model).tobytes() == served.sample([302], model=model).tobytes()


@pytest.mark.parametrize("model", MODELS)
def test_a_point_of_the_plane_takes_classes_for_all_pictures_or_for_its_one(served: ServedBundle, model: str):
    classes = one_hot(2, 10)
    assert served.at(3.5, 0, classes[None], model=model).tobytes() == served.at(3.5, 0, classes, model=model).tobytes()
    with pytest.raises(InputError):
        served.at(3.5, 0, np.stack([classes, classes]), model=model)


@pytest.mark.parametrize("model", MODELS)
def test_the_plane_has_no_seams(served: ServedBundle, model: str):
    xs = np.linspace(0.9, 1.1, 41)
    line = np.concatenate([served.at(x, 0.95 + x / 20, one_hot(2, 10), 1.0, model) for x in xs])
    assert np.abs(np.diff(line, axis=0)).max() < 0.05


def test_points_between_vae_seeds_stay_as_far_from_the_mean_as_the_seeds(served: ServedBundle):
    class Decoded(Exception):
        pass

    def capture(codes: np.ndarray) -> np.ndarray:
        raise Decoded(codes)

    spy = ServedBundle(served.engine)
    spy.decode = capture
    standard = []
    for x, y in np.random.default_rng(0).uniform(-30, 30, (200, 2)):
        with pytest.raises(Decoded) as caught:
            spy.at(x, y, one_hot(5, 10), 1.0, "vae")
        standard.append(served.to_standard(caught.value.args[0])[0])
    seeds = served.to_standard(served.codes(range(200), one_hot(5, 10)))
    between, at_seeds = np.linalg.norm(standard, axis=1), np.linalg.norm(seeds, axis=1)
    assert between.mean() == pytest.approx(at_seeds.mean(), rel=0.1)
    assert at_seeds.min() * 0.99 <= between.min() and between.max() <= at_seeds.max() * 1.1


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("mode", paths.PATH_MODES)
def test_a_morph_shows_its_keys(served: ServedBundle, model: str, mode: str):
    keys = served.sample(SEEDS, model=model)
    open_path = served.morph_at(SEEDS, paths.path_shares(10, False), mode=mode, model=model)
    assert open_path[[0, 3, 6, 9]] == pytest.approx(keys, abs=1e-4)
    loop = served.morph_at(SEEDS, paths.path_shares(8, True), mode=mode, loop=True, model=model)
    assert loop[[0, 2, 4, 6]] == pytest.approx(keys, abs=1e-4)
    scrubbed = served.morph_at(SEEDS, np.array([0.75]), mode=mode, loop=True, model=model)
    assert scrubbed[0] == pytest.approx(loop[6], abs=1e-4)


def test_a_morph_between_classes_blends_them(served: ServedBundle):
    frames = served.morph_at([5, 5], paths.path_shares(3, False), np.stack([one_hot(1, 10), one_hot(8, 10)]))
    half = served.sample([5], latents.class_weights({1: 1, 8: 1}, 10))
    assert frames[1] == pytest.approx(half[0], abs=1e-5)


# --- the prior of the noise -----------------------------------------------------------------------


@pytest.fixture(params=["uniform", "truncated"])
def other(request: pytest.FixtureRequest, broken_bundle: Path) -> ServedBundle:
    """The tiny bundle, whose generator now knows noise of another prior."""
    index = tiny.load_index(broken_bundle)
    index["gan"]["prior"] = request.param
    tiny.save_index(broken_bundle, index)
    tiny.redraw(broken_bundle)
    return open_bundles(broken_bundle, choose_provider("cpu"))[0]["tiny"]


def drawn_from(served: ServedBundle, normal: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """What the whole generator draws from normal latents [N, D] that are brought to the prior with scipy."""
    share = scipy.stats.norm.cdf(normal)
    z = {"uniform": 2 * share - 1, "truncated": scipy.stats.truncnorm.ppf(share, -2, 2)}[served.info.gan.prior]
    return served.engine.run("generator", {"z": z.astype(np.float32), "classes": classes})["image"]


def test_every_way_to_draw_obeys_the_prior(other: ServedBundle, served: ServedBundle):
    """Seeds, plane and morph: blended as normal numbers, brought to the prior at the very end."""
    two = one_hot(2, 10)[None]
    a, b = (latents.seed_latent(seed, tiny.LATENT) for seed in (7, 8))
    plain = served.sample([7, 8], two[0])
    expected = drawn_from(other, np.stack([a, b]), two.repeat(2, axis=0))
    assert other.sample([7, 8], two[0]) == pytest.approx(expected, abs=1e-5)
    assert np.abs(expected - plain).max() > 0.02
    between = drawn_from(other, latents.plane_latent(7.4, 0, tiny.LATENT)[None], two)
    assert other.at(7.4, 0, two[0]) == pytest.approx(between, abs=1e-5)
    half = drawn_from(other, latents.slerp(a, b, 0.5)[None], two)
    assert other.morph_at([7, 8], paths.path_shares(3, False), two.repeat(2, axis=0))[1] == pytest.approx(
        half[0], abs=1e-5
    )
    assert other.at(7, 0, two[0]).tobytes() == other.sample([7], two[0]).tobytes()


def test_the_vae_does_not_care_for_the_gan_s_prior(other: ServedBundle, served: ServedBundle):
    assert other.sample(SEEDS, model="vae").tobytes() == served.sample(SEEDS, model="vae").tobytes()


def test_normal_noise_reaches_the_graph_untouched(served: ServedBundle):
    """Bundles from before the choice draw the same bytes."""
    z = np.stack([latents.seed_latent(seed, tiny.LATENT) for seed in SEEDS])
    rows = np.stack([one_hot(seed % 10, 10) for seed in SEEDS])
    w = served.engine.run("mapping", {"z": z, "classes": rows})["w"]
    assert served.sample(SEEDS).tobytes() == served.synthesise(w).tobytes()


# --- pictures from pictures ----------------------------------------------------------------------


def test_reconstruction_reports_what_it_shows(served: ServedBundle, example: np.ndarray):
    found = served.reconstruct(example)
    assert found.difference == pytest.approx(np.abs(found.image - example))
    assert found.mse == pytest.approx(np.square(found.image - example).mean(), rel=1e-5)
    assert found.psnr == pytest.approx(-10 * np.log10(found.mse), rel=1e-5)
    assert found.mean.shape == found.logvar.shape == (1, tiny.CODE) and -1 <= found.ssim <= 1


@pytest.mark.parametrize("model", MODELS)
def test_repair_keeps_every_known_byte(served: ServedBundle, example: np.ndarray, mask: np.ndarray, model: str):
    known = np.broadcast_to(mask, example.shape).transpose(0, 2, 3, 1) > 0
    before, after = images.to_uint8(example), images.to_uint8(served.repair(example, mask, model))
    assert (after[known] == before[known]).all()
    assert (after[~known] != before[~known]).any()


@pytest.mark.parametrize("model", MODELS)
def test_hidden_pixels_cannot_leak_into_the_repair(
    served: ServedBundle, example: np.ndarray, mask: np.ndarray, model: str
):
    other = np.where(mask > 0, example, 1 - example).astype(np.float32)
    assert served.repair(example, mask, model).tobytes() == served.repair(other, mask, model).tobytes()


@pytest.mark.parametrize("masked", [False, True])
def test_search_never_makes_the_inversion_worse(served: ServedBundle, mask: np.ndarray, masked: bool):
    target = served.sample([77])
    known = mask if masked else None
    errors = [served.invert(target, known, rounds).mse for rounds in (0, 1, 3, 8, 20)]
    assert all(late <= early for early, late in pairwise(errors))
    assert errors[-1] < 0.7 * errors[0]


def test_an_inversion_s_error_is_that_of_its_picture(served: ServedBundle, mask: np.ndarray):
    target = served.sample([78])
    found = served.invert(target, mask, rounds=2, seed=9)
    assert found.image == pytest.approx(served.synthesise(found.w))
    assert found.mse == pytest.approx(float(images.mse(found.image, target, mask)[0]), rel=1e-4)
    assert found.w.tobytes() == served.invert(target, mask, rounds=2, seed=9).w.tobytes()


def test_judgements(served: ServedBundle):
    pictures = served.sample(SEEDS)
    probabilities = served.classify(pictures)
    assert probabilities.shape == (4, 10) and probabilities.sum(axis=1) == pytest.approx(np.ones(4))
    logits = served.engine.run("classifier", {"image": pictures})["logits"]
    assert np.log(probabilities[:, 1:] / probabilities[:, :1]) == pytest.approx(logits[:, 1:] - logits[:, :1], abs=1e-4)


# --- all bundles ---------------------------------------------------------------------------------


def test_a_bad_bundle_does_not_stop_the_others(tmp_path: Path):
    for name in ("good", "nan", "cut"):
        tiny.build(tmp_path / name, name)
    tiny.replace_graph(tmp_path / "nan", "decoder", float("nan"))
    (tmp_path / "cut" / "synthesis.onnx").unlink()
    models, unavailable = open_bundles(tmp_path, choose_provider("cpu"))
    assert list(models) == ["good"] and models["good"].sample([1]).shape == (1, 1, 32, 32)
    reasons = {bundle.name: bundle.reason for bundle in unavailable}
    assert "'decoder'" in reasons["nan"] and "not finite" in reasons["nan"]
    assert "synthesis.onnx" in reasons["cut"]
