"""Completions keep what is known and differ in what is not; searches never lose ground and can be taken up again."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bundle import images
from bundle.errors import BundleError, ImageError, InputError
from bundle.latents import Mixture
from bundle.sessions import choose_provider
from demo.data_urls import image_url
from demo.serving.served_bundle import ServedBundle, open_bundles
from demo.tabs.rebuild import completions
from demo.tabs.rebuild.answers import made, rebuilt, refined
from tests.support import tiny


@pytest.fixture(scope="module")
def served(tiny_bundle: Path) -> ServedBundle:
    return open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"]


@pytest.fixture
def image(served: ServedBundle) -> np.ndarray:
    return images.from_uint8(served.engine.bundle.examples[:1])


@pytest.fixture
def mask() -> np.ndarray:
    mask = np.ones((1, 1, 32, 32), np.float32)
    mask[..., 16:] = 0
    return mask


# --- completions ---------------------------------------------------------------------------------


def test_completions_keep_every_known_bit_and_differ_in_the_rest(
    served: ServedBundle, image: np.ndarray, mask: np.ndarray
):
    found = completions.completions(served, image, mask, 4, seed=5)
    known = np.broadcast_to(mask > 0, found.shape)
    assert found.shape == (4, 1, 32, 32)
    assert found[known].tobytes() == np.broadcast_to(image, found.shape)[known].tobytes()
    hidden = images.to_uint8(found)[:, :, 16:]
    assert len({one.tobytes() for one in hidden}) == 4
    assert found.tobytes() == completions.completions(served, image, mask, 4, seed=5).tobytes()
    assert found.tobytes() != completions.completions(served, image, mask, 4, seed=5 + completions.DRAWN).tobytes()


def test_completions_know_nothing_of_the_hidden_pixels(served: ServedBundle, image: np.ndarray, mask: np.ndarray):
    other = np.where(mask > 0, image, 1 - image).astype(np.float32)
    first, second = (completions.completions(served, one, mask) for one in (image, other))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("classes", [0, 10])
def test_where_all_is_hidden_completions_are_samples_of_the_prior(tmp_path: Path, classes: int):
    """Whatever the repair then answers is the same for all pictures. Three pictures a run, as the bundle asks for."""
    folder = tiny.build(tmp_path / "tiny", classes=classes)
    tiny.save_index(folder, tiny.load_index(folder) | {"max_batch": 3})
    served = open_bundles(folder, choose_provider("cpu"))[0]["tiny"]
    image, mask = images.from_uint8(served.engine.bundle.examples[:1]), np.zeros((1, 1, 32, 32), np.float32)
    found = completions.completions(served, image, mask, 4, seed=5)

    def sampled(weights: np.ndarray | None) -> np.ndarray:
        codes = [served.mixture.sample(5 + i, weights) for i in range(completions.DRAWN)]
        return np.concatenate([served.decode(code[None]) for code in codes])

    drawn = sampled(None)
    if classes:
        drawn = sampled(np.mean([served.classify(one[None])[0] for one in drawn], axis=0))
    gaps = np.abs(found[:, None] - drawn[None]).max(axis=(2, 3, 4))
    assert len(found) == 4 and gaps.min(axis=1).max() < 1e-5
    assert len(set(gaps.argmin(axis=1))) == 4


def test_a_certain_posterior_has_one_completion(served: ServedBundle, image: np.ndarray, mask: np.ndarray):
    assert len(completions.completions(served, image, mask, 4, temperature=0)) == 1


def test_energy_is_the_negative_log_posterior_of_a_code(image: np.ndarray, mask: np.ndarray):
    """One standard normal component and a decoder's answer that is off by 0.1 on 5 known pixels and wild elsewhere."""
    prior = Mixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None], np.ones((1, 1)))
    drawn = np.where(mask > 0, image, 9).astype(np.float32)
    drawn[0, 0, :5, 3] += 0.1
    code = np.array([[1.0, -2.0]], np.float32)
    expected = 5 * 0.01 / (2 * 4 * 0.05**2) + 0.5 * 5 + np.log(2 * np.pi)
    assert completions.energy(drawn, code, image, mask, 0.05, prior) == pytest.approx([expected], rel=1e-5)


def test_the_plausible_half_and_the_distant_ones():
    assert list(completions.plausible(np.array([3.0, 1.0, 2.0, 9.0, 1.0]))) == [1, 4, 2]
    points = np.array([[0.0, 0], [1, 0], [10, 0], [0, 9], [0.1, 0]])
    assert completions.distant(points, 3) == [0, 2, 3]
    assert completions.distant(np.zeros((5, 2)), 4) == [0]


# --- search --------------------------------------------------------------------------------------


@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("model", ["gan", "vae"])
def test_errors_never_rise_and_a_search_goes_on_where_it_was_stopped(
    served: ServedBundle, mask: np.ndarray, model: str, masked: bool
):
    target, known = served.sample([77], model=model), mask if masked else None
    steps = list(completions.search(served, model, target, known, rounds=8, seed=3))
    errors = [step.error for step in steps]
    assert len(steps) == 9
    assert all(late <= early for early, late in pairwise(errors)) and errors[-1] < errors[0]
    again = list(completions.search(served, model, target, known, rounds=3, seed=4, start=steps[5].point))
    assert again[0].error == pytest.approx(errors[5], rel=1e-5)
    assert again[0].image == pytest.approx(steps[5].image, abs=1e-6)
    repeated = list(completions.search(served, model, target, known, rounds=8, seed=3))
    assert repeated[-1].point.tobytes() == steps[-1].point.tobytes()


def test_the_round_s_error_is_that_of_its_picture(served: ServedBundle, image: np.ndarray, mask: np.ndarray):
    for step in completions.search(served, "gan", image, mask, 2):
        assert step.error == pytest.approx(float(images.mse(step.image, image, mask)[0]), rel=1e-4)
    for step in completions.search(served, "vae", image, mask, 2):
        found = completions.energy(step.image, step.point[None], image, mask, served.info.vae.sigma, served.mixture)
        assert step.error == pytest.approx(float(found[0]), rel=1e-4)


def test_a_vae_without_a_repair_encoder_says_so(broken_bundle: Path, image: np.ndarray, mask: np.ndarray):
    index = tiny.load_index(broken_bundle)
    del index["graphs"]["repair"]
    tiny.save_index(broken_bundle, index)
    without = open_bundles(broken_bundle, choose_provider("cpu"))[0]["tiny"]
    with pytest.raises(BundleError, match="no VAE that repairs"):
        completions.completions(without, image, mask)
    answer = rebuilt(without, {"test": 0, "mask": "0" * 512 + "1" * 512})
    assert answer["repair"]["vae"] is None and answer["repair"]["completions"] == [] and answer["repair"]["gan"]


def test_no_graph_runs_twice_on_the_same_picture(served: ServedBundle, monkeypatch: pytest.MonkeyPatch):
    run, fed = served.engine.run, []

    def spy(graph: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        fed.append((graph, *(value.tobytes() for value in inputs.values())))
        return run(graph, inputs)

    monkeypatch.setattr(served.engine, "run", spy)
    rebuilt(served, {"test": 0, "mask": "0" * 512 + "1" * 512})
    reading_pictures = [one for one in fed if one[0] in ("encoder", "repair", "inverter")]
    assert len(reading_pictures) == len(set(reading_pictures)) >= 3


def test_a_repair_is_what_the_endpoint_gives(served: ServedBundle, image: np.ndarray):
    """One pass for the picture and for its completions changes no byte."""
    mask = np.concatenate([np.zeros((1, 1, 16, 32)), np.ones((1, 1, 16, 32))], axis=2).astype(np.float32)
    asked = {"test": 0, "mask": "0" * 512 + "1" * 512, "parts": "repair", "completion_seed": 9}
    shown = rebuilt(served, asked)["repair"]
    assert shown["vae"]["image"] == image_url(served.repair(image, mask, "vae"), made("repair", served, "vae"))
    several = completions.completions(served, image, mask, 4, 9)
    mark = made("repair", served, "vae")
    assert [one["image"] for one in shown["completions"]] == [image_url(one[None], mark) for one in several]


def test_the_file_of_a_held_out_picture_is_seen_as_that_picture(served: ServedBundle):
    data = images.png(served.engine.bundle.examples[3])
    assert rebuilt(served, {"parts": "seen"}, data) == rebuilt(served, {"test": 3, "parts": "seen"})


# --- what the tab answers ------------------------------------------------------------------------


def test_the_tab_answers_with_the_parts_that_are_asked_for(served: ServedBundle):
    ask = {"test": 2, "mask": "0" * 512 + "1" * 512, "samples": 5}
    whole = rebuilt(served, ask)
    assert set(whole) == {"seen", "posterior", "repair"}
    assert set(whole["seen"]) == {"input", "vae", "gan"} and len(whole["posterior"]["samples"]) == 5
    for one in (
        *whole["seen"].values(),
        whole["repair"]["vae"],
        whole["repair"]["gan"],
        *whole["repair"]["completions"],
    ):
        assert sum(one["reading"]) == pytest.approx(1, abs=1e-3)
    assert rebuilt(served, ask | {"parts": ["posterior"]}) == {"posterior": whole["posterior"]}
    assert rebuilt(served, {"test": 2, "mask": "1" * 1024, "parts": ["repair"]}) == {"repair": None}


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"test": 10**9}, "number of the held-out picture"),
        ({}, "A picture is needed"),
        ({"test": 0, "mask": "01"}, "A mask must have"),
        ({"test": 0, "parts": ["everything"]}, "part must be one of"),
        ({"test": 0, "parts": {"seen": 1}}, "part must be one of"),
        ({"test": 0, "temperature": float("nan")}, "temperature must be a number"),
        ({"test": 0, "samples": 10**9}, "number of samples"),
        ({"test": 0, "seed": -1}, "seed must be"),
        ({"test": 0, "completion_seed": "7"}, "seed of the completions"),
        ({"test": 0, "variety": float("inf")}, "variety of the completions"),
    ],
)
def test_wrong_wishes_are_answered_with_a_sentence(served: ServedBundle, wish: dict, sentence: str):
    with pytest.raises((InputError, ImageError), match=sentence):
        rebuilt(served, wish)


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"model": "diffusion"}, "model must be one of"),
        ({"rounds": 10**9}, "number of rounds"),
        ({"start": [0.0] * 31}, "list of 32 numbers"),
        ({"start": [float("nan")] * 32}, "start of the search must be a number"),
        ({"start": "0" * 32}, "list of 32 numbers"),
    ],
)
def test_wrong_searches_are_answered_with_a_sentence(served: ServedBundle, wish: dict, sentence: str):
    with pytest.raises(InputError, match=sentence):
        refined(served, {"test": 0, "model": "gan"} | wish)


def test_a_search_reports_all_errors_so_far(served: ServedBundle):
    ask = {"test": 0, "model": "vae", "rounds": 3, "mask": "0" * 512 + "1" * 512}
    reports = list(refined(served, ask))
    assert [len(report["errors"]) for report in reports] == [1, 2, 3, 4]
    assert reports[-1]["mse"] > 0 and len(reports[-1]["point"]) == tiny.CODE
