"""The page of `python -m demo.watch`, in a real Chromium: a run as it learns, narrow and wide, in both languages."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.browser import started
from bundle.images import png
from bundle.snapshot_rows import row_name
from bundle.training_status import Expected, Status, write_status

SHOTS = os.environ.get("TWOFOLD_SHOTS")  # a folder for pictures of the page, to be looked at
SIDE = 32


def row(count: int, seen: int) -> bytes:
    """Pictures side by side that grow clearer: a disc each, in noise."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE]
    pictures = []
    for _ in range(count):
        disc = (x - random.integers(10, 22)) ** 2 + (y - random.integers(10, 22)) ** 2 < 60
        clear = np.where(disc[..., None], random.integers(0, 200, 3), 240)
        noise = random.integers(0, 255, clear.shape)
        share = min(seen / 50_000, 1.0)
        pictures.append((clear * share + noise * (1 - share)).astype(np.uint8))
    return png(np.concatenate(pictures, axis=1))


def made_run(run: Path) -> Path:
    """A run folder of a VAE that is done and a GAN that collapses, as training leaves it."""
    for stage, count in (("vae", 4), ("gan", 16)):
        folder = run / stage / "snapshots"
        folder.mkdir(parents=True)
        for seen in (1_000, 5_000, 20_000, 60_000):
            (folder / row_name(seen, seen / 90)).write_bytes(row(count, seen))
        lines = [
            {"images": n, "mse": 60 / n, "variety_distance": 1 / (1 + 1000 / n)} for n in range(1000, 60_000, 1000)
        ]
        (run / stage / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)))
        (run / stage / "samples").mkdir()
        (run / stage / "samples" / "000060000.png").write_bytes(row(8, 60_000))
    (run / "vae" / "snapshots" / "held-out.png").write_bytes(row(4, 10**9))
    (run / "run.json").write_text(json.dumps({"data": {"height": SIDE, "width": SIDE}}))
    said = {
        "stage": "gan", "number": 2, "of": 4, "state": "training", "images": 60_000, "planned": 200_000, "rate": 91.3,
        "seconds": 660.0, "left": 1540.0, "left_for_all": 2400.0, "pid": os.getpid(),
        "warnings": {"collapse": "possible mode collapse after 60000 pictures"},
        "expected": Expected(images=203_000, enough_for="pictures that one can recognise", is_enough=False),
    }  # fmt: skip
    write_status(run, Status.model_validate(said))
    return run


def test_a_run_is_watched_and_nothing_can_be_changed(browser: Any, tmp_path: Path):
    run = made_run(tmp_path / "leaves")
    with started(["-m", "demo.watch", str(run), "--port"], "Watch it at") as server:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(60_000)
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.goto(server.address)
        page.get_by_role("img", name="GAN: What the GAN draws").first.wait_for()
        page.get_by_role("img", name="VAE: Above, pictures of yours").first.wait_for()
        page.get_by_text("The GAN draws much the same picture again and again").wait_for()
        page.get_by_text("about 200,000 pictures in this step: enough for pictures that one can recognise").wait_for()
        page.get_by_text("26 min left in this step · 40 min for all").wait_for()
        page.get_by_text("Compare two moments").click()
        page.get_by_text("1,000 pictures seen, after 11 s").wait_for()
        page.get_by_text("Curves", exact=True).click()
        page.get_by_role("img", name="variety of the samples relative to the data over the pictures seen").wait_for()
        words = ("Train", "Pause", "Play it now", "Delete", "Go on")
        assert not any(page.get_by_role("button", name=name).count() for name in words)
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            for scheme in ("light", "dark") if SHOTS else ():
                page.emulate_media(color_scheme=scheme)
                page.wait_for_timeout(200)
                page.screenshot(path=Path(SHOTS) / f"watch-{width}-{scheme}.png", full_page=True)
        page.get_by_role("button", name="中文").click()
        page.get_by_text("比较两个时刻").wait_for()
        assert troubles == []
        page.close()
