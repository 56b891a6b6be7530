"""Figures side by side: what belongs together, who is better, what must not be compared; sheets of the same seeds."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle import images
from bundle.latents import one_hot
from bundle.read import read
from bundle.schema import BundleIndex, Figure, Quality
from bundle.sessions import choose_provider
from demo.routes import compare as compare_routes
from demo.routes import live
from demo.serving.served_bundle import ServedBundle, open_bundles
from demo.tabs.compare.figures import Side, compare, report, table, verdict


@pytest.fixture(scope="module")
def served(tiny_bundle: Path) -> ServedBundle:
    return open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"]


@pytest.fixture(scope="module")
def client(served: ServedBundle) -> TestClient:
    bundles = {"tiny": served}
    return TestClient(Starlette(routes=[*live.routes(bundles), *compare_routes.routes(bundles)]))


def figure(name: str, value: float, better: str = "lower", floor: float | None = None, error: float | None = None,
           label: str = "") -> Figure:  # fmt: skip
    return Figure(name=name, label=label or name, value=value, floor=floor, unit="", better=better, error=error)


def bundle(
    of: BundleIndex, *figures: Figure, features: str = "a classifier", source: str = "", command: str = "m"
) -> BundleIndex:
    quality = Quality(command=command, samples=100, features=features, figures=figures)
    dataset = of.dataset.model_copy(update={"source": source or of.dataset.source})
    return of.model_copy(update={"quality": quality, "dataset": dataset})


@pytest.mark.parametrize(
    ("a", "b", "better", "floor", "error", "who"),
    [
        (1.0, 2.0, "lower", None, None, "left"),
        (1.0, 2.0, "higher", None, None, "right"),
        (0.45, 0.6, "floor", 0.5, None, "left"),
        (0.7, 0.45, "floor", 0.5, None, "right"),
        (1.0, 1.009, "lower", None, None, "level"),
        (1.0, 1.02, "lower", None, None, "left"),
        (1.0, 2.0, "lower", None, 0.4, "level"),  # two standard errors of the difference are 1.13
        (1.0, 2.2, "lower", None, 0.4, "left"),
        (0.0, 0.0, "lower", 0.01, None, "level"),
    ],
)
def test_who_is_better(a: float, b: float, better: str, floor: float | None, error: float | None, who: str):
    assert verdict(figure("x", a, better, floor, error), figure("x", b, better, floor, error)) == who


def test_a_gan_and_a_vae_of_one_bundle(tiny_bundle: Path):
    both = bundle(
        read(tiny_bundle).info,
        figure("classifier.accuracy", 0.9, "higher"),
        figure("gan.frechet", 1.0, label="Fréchet distance of GAN samples"),
        figure("vae.frechet_prior", 3.0, label="Fréchet distance of VAE samples of the fitted prior"),
        figure("vae.psnr", 20, "higher"),
        figure("control.frechet", 9.0),
        figure("repair.left", 0.1),
        command="measure --seed 3 --samples 100",
    )
    rows = {row.measure: row for row in compare(Side(both, "gan"), Side(both, "vae"))}
    assert set(rows) == {"classifier.accuracy", "frechet", "psnr", "left"}
    assert rows["frechet"].verdict == "left" and rows["frechet"].label == "Fréchet distance of samples"
    assert rows["psnr"].verdict == "alone" and rows["psnr"].left is None
    assert report(Side(both, "gan"), Side(both, "vae"))["left"]["seed"] == 3


def test_other_pictures_and_other_features_are_not_compared(tiny_bundle: Path):
    info = read(tiny_bundle).info
    figures = (figure("vae.precision", 0.5, "higher"), figure("vae.psnr", 20, "higher"))
    ours = Side(bundle(info, *figures), "vae")
    elsewhere = Side(bundle(info, *figures, source="others"), "vae")
    assert {row.verdict for row in compare(ours, elsewhere)} == {"incomparable"}
    seen = Side(bundle(info, *figures, features="another network"), "vae")
    assert {row.measure: row.verdict for row in compare(ours, seen)} == {"precision": "incomparable", "psnr": "level"}
    unmeasured = Side(info.model_copy(update={"quality": None}), "vae")
    assert {row.verdict for row in compare(ours, unmeasured)} == {"alone"} and compare(unmeasured, unmeasured) == []
    assert unmeasured.facts["samples"] is None


def test_the_table_can_be_read_again_and_runs_no_formula(tiny_bundle: Path):
    side = Side(
        bundle(read(tiny_bundle).info, figure("vae.negative_elbo", -3.5, error=0.1, label="-ELBO, nats")), "vae"
    )
    (row,) = csv.DictReader(io.StringIO(table(side, side)))
    assert row["label"] == "'-ELBO, nats" and float(row["left"]) == -3.5 and row["verdict"] == "level"
    assert row["left_error"] == "0.1" and row["left_floor"] == ""


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_the_table_is_a_formula(tiny_bundle: Path, text: str):
    measured = figure("vae.negative_elbo", 1.0, label=text).model_copy(
        update={"unit": text, "floor_is": text, "floor": 1.0}
    )
    side = Side(bundle(read(tiny_bundle).info, measured), "vae")
    (row,) = csv.DictReader(io.StringIO(table(side, side), newline=""))
    assert row["label"] == row["unit"] == row["left_floor_is"] == row["right_floor_is"] == f"'{text}"


def test_figures_over_the_route(client: TestClient):
    told = client.get("/compare/figures?left=tiny.gan&right=tiny.vae").json()
    assert told["left"]["samples"] == 24 and told["rows"][0]["left"]["floor"] == 0.5
    table = client.get("/compare/figures?left=tiny.gan&right=tiny.vae&f=csv")
    assert table.headers["content-disposition"] == 'attachment; filename="tiny-gan-tiny-vae.csv"'
    assert table.text.startswith("figure,label,unit")
    sides = {"": 404, "left=tiny.gan&right=none.gan": 404, "left=tiny&right=tiny.gan": 400}
    more = {"left=tiny.gan&right=tiny.exe": 400, "left=tiny.gan&right=tiny.vae&f=exe": 400}
    for query, status in (sides | more).items():
        assert client.get(f"/compare/figures?{query}").status_code == status, query


@pytest.mark.parametrize("model", ["gan", "vae"])
def test_a_sheet_holds_the_seeds_in_their_order(client: TestClient, served: ServedBundle, model: str):
    answer = client.get(f"/live/tiny/grid?seed=7&grid=3&m={model}&t=0.8")
    with Image.open(io.BytesIO(answer.content)) as png:
        sheet = np.asarray(png)
    wanted = images.to_uint8(served.sample(range(7, 16), None, 0.8, model))[..., 0]
    for i, picture in enumerate(wanted):
        row, column = divmod(i, 3)
        assert np.abs(sheet[32 * row : 32 * row + 32, 32 * column : 32 * column + 32].astype(int) - picture).max() <= 1
    of_class = client.get(f"/live/tiny/grid?seed=7&grid=1&m={model}&c=4&f=raw").content
    again = images.to_uint8(served.sample([7], one_hot(4, 10), 1.0, model))
    assert np.abs(np.frombuffer(of_class, np.uint8).astype(int) - again.ravel()).max() <= 1


@pytest.mark.parametrize(
    "query",
    ["grid=9", "grid=0", "grid=-1", "grid=1e9", "seed=-1", "seed=4294967295&grid=2", "seed=nan", "c=10", "m=x"],
)
def test_wrong_sheets_are_answered_with_a_sentence(client: TestClient, query: str):
    answer = client.get(f"/live/tiny/grid?{query}")
    assert answer.status_code == 400 and answer.text.endswith(".")
