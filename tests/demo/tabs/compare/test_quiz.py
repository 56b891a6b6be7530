"""Real or generated?: balanced, fixed by its key, without a trace of the answer, and marked by known statistics."""

from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle import images
from bundle.errors import InputError
from bundle.sessions import choose_provider
from demo.routes import compare, live
from demo.serving.served_bundle import ServedBundle, open_bundles
from demo.tabs.compare import quiz
from tests.support import tiny

LABELS = np.arange(24) % 10


@pytest.fixture(scope="module")
def served(tiny_bundle: Path) -> ServedBundle:
    return open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"]


def test_half_is_real_the_classes_agree_and_the_key_fixes_everything():
    one, again, other = quiz.plan(5, LABELS), quiz.plan(5, LABELS), quiz.plan(6, LABELS)
    assert one.real.sum() == 10 and len(one.real) == 20
    assert len(set(one.examples.tolist())) == len(one.seeds) == 10
    assert sorted(one.classes) == sorted(LABELS[one.examples])
    assert (one.real == again.real).all() and one.seeds == again.seeds and (one.examples == again.examples).all()
    assert (one.real != other.real).any() and one.seeds != other.seeds


def test_no_place_in_the_order_gives_it_away():
    real = np.stack([quiz.plan(key, LABELS).real for key in range(400)])
    assert np.abs(real.mean(axis=0) - 0.5).max() < 0.12  # 5 standard deviations
    assert np.abs(np.corrcoef(real.T.astype(float)) - np.eye(20)).max() < 0.3


def test_few_pictures_make_a_short_quiz_and_none_a_sentence():
    assert quiz.plan(1, LABELS[:3]).real.tolist().count(True) == 3 and len(quiz.plan(1, LABELS[:3]).real) == 6
    with pytest.raises(InputError, match="no held-out pictures"):
        quiz.plan(1, LABELS[:0])


def test_pictures_are_where_the_plan_says(served: ServedBundle):
    of, shown = quiz.plan_of(served, 3), images.to_uint8(quiz.pictures(served, "gan", 3))
    assert (shown[of.real] == served.engine.bundle.examples[of.examples]).all()
    rows = np.eye(10, dtype=np.float32)[of.classes]
    assert (shown[~of.real] == images.to_uint8(served.sample(of.seeds, rows))).all()


@pytest.mark.parametrize(
    ("right", "of", "low", "high"), [(0, 10, 0, 0.27753), (10, 20, 0.29930, 0.70070), (14, 20, 0.48102, 0.85452)]
)
def test_wilson_as_in_the_literature(right: int, of: int, low: float, high: float):
    assert quiz.wilson(right, of) == pytest.approx((low, high), abs=2e-4)


def test_wilson_covers_the_true_share():
    rng, share, n = np.random.default_rng(0), 0.7, 20
    intervals = [quiz.wilson(int(k), n) for k in rng.binomial(n, share, 2000)]
    assert 0.93 < np.mean([low <= share <= high for low, high in intervals]) < 0.98


def test_what_guessing_gives():
    assert quiz.guessing(20) == (6, 14)
    assert quiz.guessing(1) == (0, 1) and quiz.guessing(2) == (0, 2)
    assert quiz.p_value(0, 20) == 1 and quiz.p_value(20, 20) == 2**-20
    assert quiz.p_value(15, 20) == pytest.approx(0.020695, abs=1e-6)


def test_marks():
    real = np.array([True, False, False, True])
    assert quiz.score_of("rg", real).right == 2 and quiz.score_of("grrr", real).right == 1
    for wrong in ("", "rgrgr", "rx", "R"):
        with pytest.raises(InputError, match="1 to 4 letters"):
            quiz.score_of(wrong, real)


def test_a_game_over_the_routes(served: ServedBundle):
    routes = [*live.routes({"tiny": served}), *compare.routes({"tiny": served})]
    with TestClient(Starlette(routes=routes)) as visitor:
        sheet = visitor.get("/live/tiny/quiz?quiz=9&f=raw")
        assert sheet.headers["x-shape"] == "128,160,1"
        leaks = " ".join(f"{name}: {value}" for name, value in sheet.headers.items()).lower()
        assert not any(word in leaks for word in ("real", "generated", "example", "truth"))
        real = quiz.plan_of(served, 9).real
        first = visitor.get("/compare/quiz/tiny?quiz=9&answers=r").json()
        assert first["truth"] == ("r" if real[0] else "g") and first["right"] == int(real[0])  # one answer, one truth
        last = visitor.get(f"/compare/quiz/tiny?quiz=9&answers={'r' * 20}").json()
        assert last["right"] == 10 and last["truth"].count("r") == 10 and last["questions"] == 20
        wrong = (
            *("", "quiz=9", "quiz=-1&answers=r", "quiz=4294967296&answers=r", "quiz=9&answers=maybe"),
            *(f"quiz={'9' * 5000}&answers=r", f"quiz=9&answers={'r' * 21}"),
        )
        for query in wrong:
            refused = visitor.get(f"/compare/quiz/tiny?{query}")
            assert refused.status_code == 400 and refused.text.endswith("."), query
        assert visitor.get("/compare/quiz/none?quiz=9&answers=r").status_code == 404


def test_a_bundle_without_classes_asks_too(tmp_path: Path):
    plain = open_bundles(tiny.build(tmp_path / "plain", name="plain", classes=0), choose_provider("cpu"))[0]["plain"]
    assert quiz.pictures(plain, "vae", 1).shape == (20, 1, 32, 32)
