"""The static page keeps itself: whole after one visit, without a server, and a new version takes its place."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bundle.sessions import choose_provider
from demo.serving.served_bundle import open_bundles
from tests.browser.conftest import WIDE
from tests.browser.test_instrument import wav
from tests.support import tiny
from tests.support.static_site import FileServer, written
from tests.support.static_visit import close, picture, settle, tab, wait_for_script

KEPT = "window.Twofold?.keptOffline"


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    tiny.build(tmp_path / "bundles" / "digits", name="digits")
    tiny.build(tmp_path / "bundles" / "plain", name="plain", classes=0, channels=3)
    return tmp_path / "bundles"


def write(bundles: Path, target: Path, title: str) -> None:
    written([bundles / "digits", bundles / "plain"], target, title)


def test_after_one_visit_the_whole_page_opens_without_a_server(browser: Any, bundles: Path, tmp_path: Path):
    write(bundles, tmp_path / "site", "First")
    host = FileServer(tmp_path / "site")
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.goto(host.address)
    wait_for_script(page, KEPT)  # only one of the two bundles has been looked at
    tab(page, "About")
    assert page.get_by_text("This browser keeps the whole page").is_visible()
    host.switch_off()

    page.goto(f"{host.address}?b=plain&x=4.5&y=1")
    wait_for_script(page, "window.Twofold?.stats.shown > 0")
    settle(page)
    models = dict(open_bundles(bundles, choose_provider("cpu"))[0])
    assert close(picture(page, ".tf-travel"), models["plain"].at(4.5, 1))
    page.locator(".tf-instrument-fold > summary").click()  # a script that was not loaded before
    page.get_by_label("A sound file", exact=True).set_input_files(wav(tmp_path / "drum.wav", 3))
    page.get_by_text("“drum.wav” is played and measured here").wait_for()  # the page's content policy allows it
    tab(page, "Morph")
    settle(page)
    assert picture(page, ".tf-morph .tf-viewer canvas").max() > 0

    host.folder = tmp_path / "again"
    write(bundles, host.folder, "Second")
    host.switch_on()
    page.goto(host.address)
    wait_for_script(page, "navigator.serviceWorker.getRegistration().then((found) => Boolean(found.waiting))")
    page.goto("about:blank")  # the old version's last page has gone
    page.wait_for_timeout(500)
    host.switch_off()
    page.goto(host.address)
    wait_for_script(page, "window.Twofold?.stats.shown > 0")
    assert page.title() == "Second"
    assert len(page.evaluate("caches.keys()")) == 1
    context.close()


def test_a_file_damaged_on_its_way_is_not_kept(browser: Any, bundles: Path, tmp_path: Path):
    write(bundles, tmp_path / "site", "First")
    damaged = tmp_path / "site" / "bundles" / "plain" / "sheet.png"
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    host = FileServer(tmp_path / "site")
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.goto(host.address)
    wait_for_script(page, "window.Twofold?.keptOffline === false")
    kept = page.evaluate(
        "caches.keys().then((n) => caches.open(n[0])).then((c) => c.keys()).then((k) => k.map((r) => r.url))"
    )
    assert kept and not any(url.endswith("plain/sheet.png") for url in kept)
    assert page.evaluate("Twofold.stats.shown") > 0  # it works with its network
    host.switch_off()
    context.close()


def test_a_visit_that_was_cut_short_does_not_mix_its_files_with_those_of_a_new_version(
    browser: Any, bundles: Path, tmp_path: Path
):
    write(bundles, tmp_path / "site", "First")
    with (tmp_path / "site" / "style.css").open("ab") as style:
        style.write(b"\n")  # what is not kept is the end of keeping: the graphs come before it, facts.json as well
    host = FileServer(tmp_path / "site")
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.goto(host.address)
    wait_for_script(page, "window.Twofold?.keptOffline === false")
    tiny.build(tmp_path / "other" / "digits", name="digits", classes=0)
    host.switch_off()
    host.folder = written([tmp_path / "other" / "digits"], tmp_path / "again", "Second")
    host.switch_on()
    page.goto(host.address)
    wait_for_script(page, "window.Twofold?.facts?.bundles?.[0].classes.length === 0")
    wait_for_script(page, "window.Twofold?.stats.shown > 0", seconds=30)
    assert page.title() == "Second"
    wait_for_script(page, "window.Twofold.keptOffline !== null", seconds=30)  # the first version's worker has answered
    facts = page.evaluate("fetch('facts.json').then((answer) => answer.json())")
    assert facts["bundles"][0]["classes"] == []
    host.switch_off()
    context.close()


def test_the_manifest_names_icons_of_the_sizes_that_it_says(bundles: Path, tmp_path: Path):
    write(bundles, tmp_path / "site", "My digits and more")
    manifest = json.loads((tmp_path / "site" / "manifest.webmanifest").read_bytes())
    assert manifest["name"] == "My digits and more" and len(manifest["short_name"]) <= 12
    for entry in manifest["icons"]:
        icon = Image.open(tmp_path / "site" / entry["src"])
        assert f"{icon.width}x{icon.height}" == entry["sizes"] and icon.format == "PNG"
