"""What Explore draws, by the arithmetic of the model itself."""

import json

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.testclient import TestClient

from bundle.errors import Busy
from bundle.read import read
from bundle.sessions import choose_provider
from demo.routes import compare, explore, live, query_parameters
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle
from demo.tabs.explore import directions, latent_map


@pytest.fixture(scope="module")
def served(tiny_bundle) -> ServedBundle:
    return ServedBundle(Engine(read(tiny_bundle), choose_provider("cpu")))


def drawn(served: ServedBundle, word: str, **query: object) -> np.ndarray:
    return explore.PICTURES[word](served, QueryParams({name: str(value) for name, value in query.items()}))


def test_no_stage_all_stages_and_nothing_moved_are_the_pictures_themselves(served: ServedBundle):
    stages, row = served.info.gan.stages, np.eye(10, dtype=np.float32)[4]
    one, two = (served.sample([seed], row) for seed in (7, 8))
    assert np.array_equal(drawn(served, "mix", seed=7, other=8, c=4, stages="0" * stages), one)
    assert np.array_equal(drawn(served, "mix", seed=7, other=8, c=4, stages="1" * stages), two)
    assert np.array_equal(drawn(served, "edit", seed=7, c=4, m="gan"), one)
    assert np.array_equal(drawn(served, "edit", seed=7, c=4, m="vae"), served.sample([7], row, model="vae"))
    assert np.allclose(drawn(served, "sum", seed=7, minus=8, plus=8, c=4, m="gan"), one, atol=1e-5)


def test_a_move_along_a_dimension_is_that_many_deviations(served: ServedBundle):
    code = served.codes([3], np.eye(10, dtype=np.float32)[1])
    code[:, 2] += 1.5 * served.engine.bundle.latents["code_std"][2]
    assert np.array_equal(drawn(served, "edit", seed=3, c=1, m="vae", dimensions="2:1.5"), served.decode(code))


def test_a_whole_move_towards_a_class_carries_one_mean_to_the_other(served: ServedBundle):
    means = served.engine.bundle.latents["w_mean"]
    w = served.styles([3], np.eye(10, dtype=np.float32)[1]) + (means[6] - means[1])
    assert np.allclose(drawn(served, "edit", seed=3, c=1, m="gan", towards="6:1"), served.synthesise(w), atol=1e-6)
    centres = directions.class_centres(served.mixture)
    assert centres.shape == (10, served.info.vae.latent_dim)


def test_the_strongest_direction_is_the_one_of_most_variance(served: ServedBundle):
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((4000, 6)) * np.array([1, 5, 1, 0.5, 2, 1]) + 7
    found = directions.principal_directions(rows)
    axes, deviations, shares = found.axes, found.deviations, found.shares
    assert np.abs(axes[0]).argmax() == 1 and np.abs(axes[1]).argmax() == 4
    assert deviations[:2] == pytest.approx([5, 2], rel=0.05)
    assert shares.sum() == pytest.approx(1, abs=1e-9)
    for model in served.models:
        plain = drawn(served, "edit", seed=3, c=1, m=model)
        there, back = (drawn(served, "edit", seed=3, c=1, m=model, along=f"0:{move}") for move in (2, -2))
        assert not np.array_equal(there, plain) and not np.array_equal(there, back)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("live/tiny/morph?keys=1,2&p=0.3&mode=linear", "live/tiny/morph?keys=1,2&p=0.3&path=linear"),
        ("live/tiny/grid?s=7&g=2&c=3", "live/tiny/grid?seed=7&grid=2&c=3"),
        ("live/tiny/quiz?k=9", "live/tiny/quiz?quiz=9"),
        ("live/tiny/map?way=lda&u=0.4&w=-1", "live/tiny/map?projection=lda&mapx=0.4&mapy=-1"),
        ("explore/tiny?way=lda", "explore/tiny?projection=lda"),
        ("live/tiny/mix?a=1&b=2&s={mixed}", "live/tiny/mix?seed=1&other=2&stages={mixed}"),
        ("live/tiny/sum?a=1&b=2&d=3", "live/tiny/sum?seed=1&minus=2&plus=3"),
        (
            "live/tiny/edit?m=vae&a=1&d=0:2&k=4:1&g=1:2",
            "live/tiny/edit?m=vae&seed=1&dimensions=0:2&towards=4:1&along=1:2",
        ),
        ("compare/figures?l=tiny.gan&r=tiny.vae", "compare/figures?left=tiny.gan&right=tiny.vae"),
        ("compare/quiz/tiny?k=9&a=rg", "compare/quiz/tiny?quiz=9&answers=rg"),
    ],
)
def test_addresses_of_before_lead_to_the_same(served: ServedBundle, old: str, new: str):
    models = {"tiny": served}
    app = Starlette(routes=[*live.routes(models), *explore.routes(models), *compare.routes(models)])
    mixed = f"{1:0{served.info.gan.stages}b}"
    with TestClient(app) as client:
        answers = [client.get(address.format(mixed=mixed)) for address in (old, new)]
        bare = client.get(new.partition("?")[0])
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    assert answers[0].content == answers[1].content != bare.content


def test_where_an_address_has_both_names_the_new_one_counts():
    both = query_parameters.under_current_names(QueryParams("s=1&seed=2&t=1"), "grid")
    assert both["seed"] == "2" and both["t"] == "1" and "s" not in both


def test_annotations_that_an_older_page_calls_marks_are_taken(served: ServedBundle):
    with TestClient(Starlette(routes=explore.routes({"tiny": served}))) as client:

        def told(key: str) -> str:
            vector = client.post(path, files={"request": (None, '{"m": "gan"}')}).json()["variations"][0]
            asked = json.dumps({"m": "gan", key: [{"vector": vector, "has": True}]})
            return client.post(path, files={"request": (None, asked)}).json()["problem"]

        path = "/explore/tiny/own-direction"
        assert "so far it is 1 and 0" in told("annotations") and told("marks") == told("annotations")


def test_a_busy_server_is_no_wrong_request(served: ServedBundle, monkeypatch: pytest.MonkeyPatch):
    def busy(*_: object) -> None:
        raise Busy("Too many.")

    monkeypatch.setattr(latent_map, "dots", busy)
    with TestClient(Starlette(routes=explore.routes({"tiny": served}))) as client:
        answer, wrong = client.get("/explore/tiny"), client.get("/explore/tiny?projection=x")
    assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (503, "Too many.", "no-store")
    assert wrong.status_code == 400
