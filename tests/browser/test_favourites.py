"""Favourites in Chromium: as a file and as one picture, dropped on the page again; and the gallery of a static page."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bundle import images
from bundle.marks import TRAINED, Mark, formats, known_state, xmp
from export.targets import web
from tests.browser.conftest import NARROW, WIDE
from tests.browser.test_marks import PLAY, drop, verified
from tests.browser.test_page import settle
from tests.support import tiny
from tests.support.static_site import hosted, need_runtime
from tests.support.static_visit import settle as settled
from tests.support.static_visit import wait_for_script

Page = Any  # playwright's, which need not be installed
KEPT = "Twofold.favourites()"
STATES = (
    {"b": "digits", "m": "gan", "c": 4, "t": 0.8, "x": 9.25, "y": -3},
    {"b": "digits", "m": "vae", "c": 2, "t": 1, "x": 12, "y": 0},
    {"b": "digits", "m": "gan", "c": 0, "t": 1, "x": 3, "y": 7},
)


def keep(page: Page, *states: dict) -> None:
    for state in states:
        page.evaluate("state => { Twofold.set(state); Twofold.keepFavourite(); }", state)
    settle(page)


def file_of(page: Page, button: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(download.value.path()).read_bytes()


def forget(page: Page) -> None:
    while page.get_by_role("button", name="Remove favourite").count():
        page.get_by_role("button", name="Remove favourite").first.click()


def test_a_file_and_a_picture_bring_them_back(visit, address: str):
    page = visit("?b=digits")
    keep(page, *STATES)
    kept = page.evaluate(KEPT)
    file, picture = file_of(page, "Save as file"), file_of(page, "Save as one picture")
    assert [entry["bundle"] for entry in json.loads(file)["favourites"]] == ["digits"] * 3
    found = verified(address, picture)
    assert (found["place"], found["again"]) == ("here", "same"), found["sentences"]
    with Image.open(io.BytesIO(picture)) as sheet:
        assert sheet.size == (256, 256)  # 2 x 2 pictures of 32 pixels, four times as large
    forget(page)
    for data, name in ((file, "favourites.json"), (picture, "favourites.png")):
        drop(page, PLAY, data, name)
        page.get_by_text("3 favourites were added.").first.wait_for()
        assert page.evaluate(KEPT) == kept
        forget(page)
    page.get_by_label("File of favourites").set_input_files(
        {"name": "f.png", "mimeType": "image/png", "buffer": picture}
    )
    page.wait_for_function(f"{KEPT}.length === 3")


def test_favourites_of_several_bundles_are_one_picture_too(visit, address: str):
    page = visit("?b=plain")
    keep(page, {"b": "plain", "m": "gan", "x": 5, "y": 0, "attributes": "bright:1.5"}, STATES[0])
    kept = page.evaluate(KEPT)
    picture = file_of(page, "Save as one picture")
    mark = xmp.read(picture).mark
    assert mark is not None and mark.bundle is None and known_state(mark) is None
    assert "names no bundle of Twofold" in " ".join(verified(address, picture)["sentences"])
    forget(page)
    drop(page, PLAY, picture)
    page.wait_for_function(f"{KEPT}.length === 2")
    assert page.evaluate(KEPT) == kept


def test_strangers_files_are_read_within_limits(visit):
    page = visit("?b=digits&x=5&y=0")
    before = page.evaluate("JSON.stringify(Twofold.state)")
    blank = np.zeros((8, 8, 1), np.uint8)

    def sheet(pictures: Any) -> bytes:
        state = {"draw": "favourites", "pictures": pictures, "columns": 2}
        return formats.png(blank, Mark(source=TRAINED, bundle="digits", state=state))

    point = {"m": "gan", "x": 1, "y": 0}
    entries = {
        "format": "twofold-favourites",
        "favourites": [{"bundle": "digits", **point}, 7, {"bundle": "others", **point}],
    }
    whole = sheet([point])
    for data, name, words in (
        (b"{" + b" " * 3_000_000, "a.json", "The file is too large for favourites: at most 2.0 MB are read."),
        (
            json.dumps(entries).encode()[:60],
            "a.json",
            "This file is not JSON that can be read; it may have been cut off.",
        ),
        (b'{"format": "other"}', "a.json", "This file holds neither favourites nor a direction."),
        (b'{"format": "twofold-favourites"}', "a.json", "This file holds no favourites that can be read."),
        (sheet({"0": 1}), "a.png", "This file holds no favourites that can be read."),
        (b"<x:xmpmeta" + bytes(10_000_000) + b"</x:xmpmeta>", "a.png", "a block of metadata of more than 64 kB"),
        (whole[: whole.index(b"twofold:state")], "a.png", "The file was cut off in its metadata"),
        (images.png(blank), "a.png", "No mark was found in this file"),
    ):
        drop(page, PLAY, data, name)
        page.get_by_text(words).first.wait_for()
        assert page.evaluate(f"{KEPT}.length") == 0
    drop(page, PLAY, json.dumps(entries).encode(), "a.json")
    page.get_by_text("1 favourite was added. 1 is of a bundle that is not here. 1 cannot be read.").wait_for()
    many = {
        "format": "twofold-favourites",
        "favourites": [{"bundle": "digits", "m": "gan", "x": i, "y": 0} for i in range(500)],
    }
    drop(page, PLAY, json.dumps(many).encode(), "a.json")
    added = "59 favourites were added. 1 was kept already. For 440 there was no room: at most 60 are kept."
    page.get_by_text(added).wait_for()
    assert page.evaluate("JSON.stringify(Twofold.state)") == before
    # Sixty pictures with a long direction each are more than the metadata of a picture hold.
    long = """v => { Twofold.markState = () =>
        ({ draw: "point", m: "gan", x: 1, y: 0, attributes: { own: { amount: 1, vector: v } } }); }"""
    page.evaluate(long, "A" * 1200)
    page.get_by_role("button", name="Save as one picture").click()
    page.get_by_text("These favourites need more room than the metadata of a picture has").wait_for()


def test_the_visitors_own_stay_whatever_is_opened_and_whichever_page_keeps_more(visit):
    page = visit("?b=digits")
    keep(page, STATES[0])
    other = visit("?b=digits")
    keep(page, STATES[1])
    keep(other, STATES[2])
    assert other.evaluate(f"{KEPT}.map((one) => one.x)") == [3, 12, 9.25]
    other.get_by_role("button", name="Remove favourite").last.click()
    keep(page, STATES[1])
    assert page.evaluate(f"{KEPT}.map((one) => one.x)") == [12, 3]

    entry = {"bundle": "digits", "m": "gan", "y": 0}

    def opened(xs: Any) -> None:
        file = {"format": "twofold-favourites", "favourites": [entry | {"x": x} for x in xs]}
        drop(page, PLAY, json.dumps(file).encode(), "a.json")

    opened([100, 100])
    page.get_by_text("1 favourite was added.", exact=True).wait_for()
    opened(range(100, 160))
    page.get_by_text("57 favourites were added. 1 was kept already. For 2 there was no room").wait_for()
    kept = page.evaluate(f"{KEPT}.map((one) => one.x)")
    assert len(kept) == 60 and {12, 3} < set(kept)
    page.evaluate("Twofold.set({ x: 777 }); Twofold.keepFavourite()")
    page.get_by_text("60 favourites are kept, which is the most: remove one first.").first.wait_for()
    assert page.evaluate(f"{KEPT}.map((one) => one.x)") == kept


def test_favourites_of_bundles_that_come_later_and_go_are_kept(visit):
    later = STATES[0] | {"b": "later"}
    store = f"try {{ localStorage['twofold.favourites'] ??= {json.dumps(json.dumps([later, STATES[1]]))}; }} catch {{}}"
    page = visit("?b=digits", script=store, refused="/later")  # which is there for the page alone
    stored = "JSON.parse(localStorage['twofold.favourites']).map((one) => one.b)"
    remove = page.get_by_role("button", name="Remove favourite")
    assert page.evaluate(f"{KEPT}.length") == remove.count() == 1
    keep(page, STATES[2])
    assert page.evaluate(stored) == ["digits", "later", "digits"]
    page.evaluate("Twofold.addBundle({ ...Twofold.bundle('digits'), name: 'later' })")
    assert page.evaluate(f"{KEPT}.length") == remove.count() == 3
    page.evaluate("Twofold.removeBundle('later')")
    assert page.evaluate(f"{KEPT}.length") == remove.count() == 2
    remove.first.focus()
    page.keyboard.press("Enter")
    assert remove.first.evaluate("e => e === document.activeElement")  # the next one, for another press
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Open"
    assert page.evaluate(stored) == ["later"]


def test_favourites_of_bundles_that_are_gone_take_no_room(visit):
    gone = [STATES[0] | {"b": "gone", "x": x} for x in range(300)]
    page = visit(
        "?b=digits",
        script=f"try {{ localStorage['twofold.favourites'] ??= {json.dumps(json.dumps(gone))}; }} catch {{}}",
    )
    keep(page, STATES[1])
    kept = page.evaluate("JSON.parse(localStorage['twofold.favourites']).map((one) => [one.b, one.x])")
    assert kept == [["digits", STATES[1]["x"]], *(["gone", x] for x in range(240))]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a static page with a gallery."""
    need_runtime()
    root = tmp_path_factory.mktemp("gallery")
    entries = [{"bundle": b, **{k: v for k, v in state.items() if k != "b"}} for state in STATES for b in [state["b"]]]
    (root / "favourites.json").write_text(json.dumps({"format": "twofold-favourites", "favourites": entries}))
    web.write([tiny.build(root / "digits", name="digits")], root / "site", favourites=root / "favourites.json")
    assert '"gallery/003.png"' in (root / "site" / "service-worker.js").read_text()  # kept offline
    with hosted(root / "site") as address:
        yield address


@pytest.mark.parametrize(("viewport", "language", "name"), [(WIDE, "en", "Gallery"), (NARROW, "zh-CN", "画廊")])
def test_each_picture_of_the_gallery_opens_its_state(browser: Any, site: str, viewport: dict, language: str, name: str):
    context = browser.new_context(viewport=viewport, service_workers="block")
    page = context.new_page()
    page.goto(f"{site}?lang={language}")
    wait_for_script(page, "window.Twofold?.stats.shown > 0")
    page.get_by_role("tab", name=name).click()
    pictures = page.locator(".tf-gallery img")
    assert pictures.count() == 3
    wait_for_script(
        page,
        "[...document.querySelectorAll('.tf-gallery img')].every((one) => one.complete && one.naturalWidth === 32)",
    )
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    pictures.nth(1).click()
    wait_for_script(page, "Boolean(document.querySelector('.tf-travel').offsetParent)")
    state = page.evaluate("Twofold.state")
    assert {key: state[key] for key in STATES[1]} == STATES[1]
    settled(page)
    shown = page.locator(".tf-travel").evaluate("c => [...c.getContext('2d').getImageData(0, 0, 32, 32).data]")
    with Image.open(io.BytesIO(page.request.get(f"{site}gallery/002.png").body())) as stored:
        wanted = np.asarray(stored.convert("RGBA")).ravel().astype(int)
    assert np.abs(np.array(shown) - wanted).max() <= 1
    context.close()
