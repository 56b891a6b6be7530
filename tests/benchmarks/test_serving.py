"""The measurements of serving see what they claim to see: wrong pictures, refusals, contestants that draw others."""

import asyncio
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import contest, load, queued, serve
from benchmarks.browser import served
from bundle.errors import UserError
from bundle.read import read
from bundle.sessions import choose_provider
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle
from tests.support.trained import Exported
from train.run_folder import Run

pytestmark = pytest.mark.serving


def test_wrong_and_missing_answers_are_counted(tiny_bundle: Path):
    known = load.requests(ServedBundle(Engine(read(tiny_bundle), choose_provider("cpu"))))[:2]
    swapped = dataclasses.replace(known[0], answer=known[1].answer)
    impossible = dataclasses.replace(known[0], seeds=[-1] * load.PICTURES)

    async def visits() -> load.Outcome:
        outcome = load.Outcome([])
        async with load.httpx.AsyncClient(timeout=60) as client:
            for request in (*known, swapped, impossible):
                await load.timed(client, server.address, request, outcome)
        return outcome

    with served(tiny_bundle, "cpu") as server:
        outcome = asyncio.run(visits())
        steady = asyncio.run(load.at_rate(server.address, known, rate=20, seconds=0.5))
        for useless in (impossible, swapped):
            with pytest.raises(UserError, match="keeps up with no rate"):
                asyncio.run(load.highest_rate(server.address, [useless], rate=20, seconds=0.05, rest=0))
    assert (len(outcome.seconds), outcome.wrong, outcome.failed) == (2, 1, 1)
    assert (len(steady.seconds), steady.wrong, steady.failed) == (10, 0, 0)


@pytest.mark.parametrize("begin", [10.0, 39.0, 100.0])
def test_capacity_is_searched_from_below_and_from_above(monkeypatch, begin: float):
    async def at_rate(address: str, known: list[load.Request], rate: float, seconds: float) -> load.Outcome:
        return load.Outcome([0.1 if rate <= 40 else 1.0])

    monkeypatch.setattr(load, "at_rate", at_rate)
    found = asyncio.run(load.highest_rate("here", [], begin, seconds=1, rest=0))
    assert 40 * load.STEP <= found <= 40


def test_without_a_right_answer_there_is_no_median():
    with pytest.raises(UserError, match="No answer of the server was right: 2 were wrong, 3 failed"):
        _ = load.Outcome([], wrong=2, failed=3).median


def test_the_queued_slider_runs_on_the_provider_that_is_asked_for(tiny_bundle: Path, monkeypatch):
    def asked(name: str) -> None:
        raise RuntimeError(f"asked for {name}")

    monkeypatch.setattr(queued, "choose_provider", asked)
    with pytest.raises(RuntimeError, match="asked for cuda"):
        queued.main(tiny_bundle, "cuda", 0)


def test_the_version_of_the_runtime_is_stored_whatever_its_package_is_called(monkeypatch):
    monkeypatch.setattr(serve, "installed", lambda name: False)
    assert serve.versions() == {"onnxruntime": serve.ort.__version__}


def test_quantiles():
    outcome = load.Outcome([float(n) for n in range(101)])
    assert outcome.median == 50 and outcome.quantile(0.99) == 99 and outcome.quantile(1) == 100


@pytest.fixture
def short(exported: Exported, trained_run: Path) -> serve.Settings:
    """One moment of each contestant."""
    return serve.Settings(
        exported.folder, trained_run, batches=(1, 3), rounds=1, seconds=0.01, provider="cpu", compile=False
    )


def test_the_engine_is_measured_beside_the_others(short: serve.Settings, capsys):
    found = serve.measure(short)
    for batch in ("1", "3"):
        assert {"twofold", "onnxruntime, defaults", "torch eager", "torch bf16"} <= set(found["batches"][batch])
        assert all(row["pictures_per_second"] > 0 for row in found["batches"][batch].values())
        eager = found["batches"][batch]["torch eager"]
        assert eager["largest_drift"] < 0.1 and eager["same_picture"]
    assert found["operations_per_picture"] > 1e5 and found["peak_operations_per_second"] > 1e8
    assert "x the best that draws the same picture" in capsys.readouterr().out


def test_who_draws_another_picture_is_compared_apart():
    fast = {"twofold": 100.0, "exact": 50.0, "coarse": 400.0}
    text = "\n".join(serve.lines(16, fast, {"twofold": 0.0, "exact": contest.SAME, "coarse": 4.0}, 1e-3))
    same, other = text.split("another picture")
    assert "exact" in same and "0.25 x" not in same and "coarse" in other and "0.25 x" in other
    assert text.endswith("twofold is 2.00 x the best that draws the same picture, exact.")
    assert "another picture" not in "\n".join(serve.lines(1, fast, dict.fromkeys(fast, 0.0), 1e-3))


def test_contestants_take_turns_and_each_round_counts_the_same():
    drawn = []
    draws = {name: lambda name=name: drawn.append(name) or np.zeros(1) for name in ("a", "b")}
    found = contest.speeds(draws, batch=4, rounds=2, seconds=0.001)
    assert set(found) == {"a", "b"} and all(value > 0 for value in found.values())
    assert list(dict.fromkeys(drawn[: drawn.index("b")])) == ["a"] and drawn[-1] == "a"  # the second round: b, then a


def test_without_a_run_pytorch_draws_with_the_weights_of_the_bundle(exported: Exported, trained_run: Path):
    bundle = read(exported.folder)
    z, classes = torch.zeros(1, bundle.info.require_gan().latent_dim), torch.eye(len(bundle.info.dataset.classes))[:1]
    with torch.inference_mode():
        own, trained = (contest.generator_of(bundle, run)(z, classes) for run in (None, trained_run))
    assert torch.allclose(own, trained, atol=1e-3) and own.std() > 0


def test_contestants_that_draw_other_pictures_are_found(short: serve.Settings, monkeypatch):
    real = contest.load_networks

    def brighter(run: Run, stage: str) -> dict:
        nets = real(run, stage)
        nets["generator"].register_forward_hook(lambda module, given, image: 1 - image)
        return nets

    monkeypatch.setattr(contest, "load_networks", brighter)
    with pytest.raises(UserError, match="torch eager draws other pictures"):
        serve.measure(short)
