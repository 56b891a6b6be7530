"""Pictures that leave the static page are marked, and it checks marked files as the command does."""

from pathlib import Path
from typing import Any

import numpy as np

from bundle import images
from bundle.latents import class_weights, one_hot
from bundle.marks import TRAINED, Mark, MorphFrame, Point, formats, of_sheet, trained, xmp
from bundle.marks.verify import finding
from tests.browser.test_marks import drop
from tests.support.static_visit import settle, tab


def test_what_leaves_is_marked_and_is_checked_here(show, models):
    """Save PNG, a sheet of samples and a strip: a bundle at hand draws them again, this page as well as the command."""

    def saved(button: str) -> bytes:
        with page.expect_download() as download:
            page.locator("button:visible, a:visible", has_text=button).click()
        return Path(download.value.path()).read_bytes()

    page = show(b="mnist", x=3.25, y=1, c=4, t=0.8)
    files = {"point": saved("Save PNG")}
    tab(page, "Samples")
    settle(page)
    files["sheet"] = saved("Save PNG")
    tab(page, "Morph")
    page.get_by_label("Seeds of the keyframes").fill("2,9.5:0.25")
    page.get_by_label("Frames of a strip").fill("12")
    page.get_by_role("button", name="Export PNG strip").click()
    files["film"] = saved("Download mnist-morph")
    for kind, data in files.items():
        reading = xmp.read(data)
        assert reading.mark and reading.mark.state and reading.mark.state["draw"] == kind
        assert finding(data, reading, models["mnist"]).again == "same"
    tab(page, "About")
    same, zone = page.get_by_text("draws the same picture again"), ".tf-verify-drop"
    for data in files.values():
        drop(page, zone, data)
        same.wait_for(timeout=60_000)
        drop(page, zone, b"")
        page.get_by_text("No mark of a generated picture was found.").wait_for()
    drop(page, zone, formats.png(np.zeros((32, 32, 1), np.uint8), xmp.read(files["point"]).mark))
    page.get_by_text("the mark was taken from another one").wait_for()
    page.get_by_role("button", name="Open it").click()
    assert page.evaluate("[Twofold.state.x, Twofold.state.c, Twofold.state.t]") == [3.25, 4, 0.8]


MIX, NO_MIX = {3: 0.25, 5: 0.5}, {3: 0.5, 10: 0.5}
ALONG = {"draw": "morph", "m": "gan", "keys": [2, 9], "path": "linear", "loop": False, "p": 0.25}
FILM = {**ALONG, "draw": "film", "frames": 24, "columns": 6}
CANNOT = "The bundle cannot draw what the mark asks for."
UNSOUND: list[dict[str, Any]] = [
    {"draw": "point", "m": "gan", "x": 3.5, "y": 1, "c": NO_MIX},
    {"draw": "seed", "m": "gan", "seed": 7, "c": NO_MIX},
    {"draw": "sheet", "m": "gan", "seed": 0, "count": 4, "columns": 2, "c": {}},
    {**ALONG, "classes": [4, NO_MIX]},
    {**ALONG, "path": "zigzag"},
    {**ALONG, "classes": [4]},
    {"draw": "point", "m": "gan", "x": 3.5, "y": 1, "c": 10},
    {"draw": "point", "m": "none", "x": 3.5, "y": 1},
    {"draw": "point", "m": "gan", "x": "3.5", "y": 1},
    {"draw": "point", "m": "gan", "x": 3.5, "y": 1, "attributes": {"glasses": 1}},
    {**FILM, "classes": [4, 10]},
]
IN_THE_DEMO, BY_THE_COMMAND = "About in the demo draws more of them.", "python -m bundle verify does."
NOT_DRAWN_HERE: list[tuple[dict[str, Any], str]] = [
    *((state, CANNOT) for state in UNSOUND),
    ({"draw": "edit", "m": "vae", "seed": "3"}, IN_THE_DEMO),
    ({**FILM, "print": True}, IN_THE_DEMO),
    ({"draw": "repair", "m": "vae"}, "It was made from another picture"),
    ({"m": "gan"}, "does not say what draws the picture again"),
    ({**FILM, "columns": 0}, BY_THE_COMMAND),
    ({**FILM, "frames": 300}, BY_THE_COMMAND),
    ({**ALONG, "keys": [["pca", 0.5, 1], 9]}, BY_THE_COMMAND),
    ({"draw": "favourites", "columns": 1, "pictures": [{"m": "gan", "x": 1, "y": 0}]}, BY_THE_COMMAND),
]


def test_what_this_page_does_not_draw_it_does_not_call_changed(show, models):
    page, bundle = show(b="mnist"), models["mnist"].engine.bundle
    tab(page, "About")
    for state, why in NOT_DRAWN_HERE:
        mark = trained(bundle, state)
        drop(page, ".tf-verify-drop", formats.png(np.zeros((32, 32, 1), np.uint8), mark))
        page.get_by_text(why).wait_for()
        told = page.locator(".tf-verified").inner_text()
        assert "could not be checked" in told and "was changed" not in told, state
        drop(page, ".tf-verify-drop", b"")
        page.get_by_text("No mark of a generated picture was found.").wait_for()


def test_films_that_lost_pixels_are_not_sent_to_the_command(show, models):
    page = show(b="plain")
    tab(page, "About")
    block = xmp.block(trained(models["plain"].engine.bundle, {**FILM, "columns": 0}))
    for begins, why in ((b"\0\0\0\x14ftypisom", "MP4 stores pixels with losses"), (b"GIF89a", "to 256 colours")):
        drop(page, ".tf-verify-drop", begins + block)
        page.get_by_text(why).wait_for()
        assert "python -m" not in page.locator(".tf-verified").inner_text()


def test_a_generator_from_elsewhere_is_known_at_home(show, models):
    """Its graph is written anew for the page, and the mark still names the bundle that was exported."""
    page = show(b="foreign", x=3, y=0, c=2, t=0.8)
    with page.expect_download() as download:
        page.locator("button:visible", has_text="Save PNG").click()
    data = Path(download.value.path()).read_bytes()
    found = finding(data, xmp.read(data), models["foreign"])
    assert (found.place, found.again) == ("here", "same")


def test_mixes_of_classes_are_drawn_again(show, models):
    page, served = show(b="mnist"), models["mnist"]
    mix = class_weights(MIX, 10)
    point = Point(m="vae", x=3.5, y=1, c=MIX, t=0.7)
    frame = MorphFrame(m="gan", keys=(2, 9), classes=(4, MIX), path="linear", loop=False, p=0.25)
    rows = np.stack([one_hot(4, 10), mix])
    drawn = [
        (point, served.at(3.5, 1, mix, 0.7, "vae")),
        (frame, served.morph_at([2, 9], np.array([0.25]), rows, "linear", False)),
    ]
    tab(page, "About")
    for state, image in drawn:
        drop(page, ".tf-verify-drop", formats.png(images.to_uint8(image)[0], trained(served.engine.bundle, state)))
        page.get_by_text("draws the same picture again").wait_for()
        drop(page, ".tf-verify-drop", b"")
        page.get_by_text("No mark of a generated picture was found.").wait_for()


def test_a_mark_is_believed_as_far_as_it_goes(show, models):
    page, served = show(b="plain"), models["plain"]
    tab(page, "About")
    told = page.locator(".tf-verified")
    seeds = images.sheet(images.to_uint8(served.sample(range(16))), 8)
    drop(page, ".tf-verify-drop", formats.png(seeds, of_sheet("plain", "gan", 16, 8)))
    page.get_by_text("draws the same picture again").wait_for()
    assert "names the bundle 'plain'." in told.inner_text()
    assert "sha256" not in told.inner_text() and "another version" not in told.inner_text()
    other = Mark(source=TRAINED, bundle="plain", sha256="0" * 64, state=None)
    drop(page, ".tf-verify-drop", formats.png(seeds, other))
    page.get_by_text("another version of it").wait_for()
    drop(page, ".tf-verify-drop", formats.png(seeds, Mark(source=TRAINED)))
    page.get_by_text("names no bundle of Twofold").wait_for()
    assert f"written by {xmp.TOOL}." in told.inner_text() and "sha256" not in told.inner_text()
    drop(page, ".tf-verify-drop", formats.png(seeds, Mark(source=TRAINED, bundle="elsewhere")))
    page.get_by_text("That bundle is not here.").wait_for()
