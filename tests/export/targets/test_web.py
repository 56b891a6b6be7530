"""The static page: which files make it up, what it refuses. What it draws: tests/browser/static_page/."""

import hashlib
import json
import re
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest

from bundle import on_device
from bundle.read import read
from export.__main__ import main
from export.targets import hub, space_check, web
from export.targets.folder import files_in
from tests.export.targets import hub_server
from tests.support import tiny
from tests.support.static_site import written

PAGE = {
    "embed.html", "embed.js", "embed.css",
    "service-worker.js", "offline.js", "manifest.webmanifest", "icon-192.png", "icon-512.png",
    "index.html", "facts.json", "LICENSE", "README.md", "LICENSES.txt", "twofold-files.txt",
    "style.css", "page.css", "theme.js", "start.js", "page.js", "strip.js", "marks.js", "verify.js", "verify_here.js",
    "words.js", "core.js", "live.js", "local.js", "worker.js", "gpu.js", "device_words.js", "device.js", "latents.js",
    "paths.js", "bend.js", "random.js", "ort.js", "ort-jspi.js",
    "ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.jspi.wasm",
    "bar.js", "play.js", "favourites.js", "morph.js", "samples.js", "about-page.js",
    "play.css", "morph.css", "about.css", "keyframes.js", "keyframe_list.js", "timing.js", "timeline.js", "plot.js",
    "film_export.js", "morph_address.js",
    "how_it_learned.css", "how_it_learned.js",
    "address.js", "language.js", "elements.js", "attributes.js", "own_directions.js", "canvas.js", "storage.js",
    "requests.js", "family.js", "gallery.js", "sample_sheet.js", "full_screen.js", "parameters.js", "drift_loop.js",
    "travel_parameters.js", "instrument_fold.js", "instrument.js", "instrument.css", "class_mix.js", "bending.js",
}  # fmt: skip
NAMES = {
    "www.w3.org",
    "cv.iptc.org",
    "iptc.org",
    "ns.adobe.com",
    "ns.twofold",
}  # of SVG and in marks: names, never fetched
RUNTIME = {"ort.js", "ort-jspi.js"}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One with both models and ten classes, one with a GAN alone and none."""
    root = tmp_path_factory.mktemp("bundles")
    both, gan = tiny.build(root / "both", name="both"), tiny.build(root / "gan", name="gan", classes=0)
    index = tiny.load_index(gan)
    index["graphs"] = {name: index["graphs"][name] for name in ("generator", "mapping", "synthesis")}
    tiny.save_index(gan, index | {"vae": None, "title": "<b>Only</b> a GAN"})
    return [both, gan]


@pytest.fixture(scope="module")
def site(bundles: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(bundles, tmp_path_factory.mktemp("site") / "web")


def places(folder: Path) -> set[str]:
    return {path.as_posix() for path in files_in(folder)}


def refused(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> str:
    """The one sentence with which the command ends."""
    assert main([str(word) for word in argv]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    return line


def test_only_what_draws_from_latents_is_in_it(site: Path):
    both = {f"bundles/both/{name}" for name in ("mapping.onnx", "synthesis.onnx", "decoder.onnx")}
    gan = {f"bundles/gan/{name}" for name in ("mapping.onnx", "synthesis.onnx")}
    more = {f"bundles/{name}/{file}" for name in ("both", "gan") for file in ("latents.bin", "sheet.png")}
    assert places(site) == PAGE | both | gan | more


def test_the_facts_name_every_file_as_it_is(site: Path, bundles: list[Path]):
    facts = json.loads((site / "facts.json").read_text())
    assert [bundle["models"] for bundle in facts["bundles"]] == [["gan", "vae"], ["gan"]]
    package = json.loads((web.REPOSITORY / "demo" / "web" / "package.json").read_text())
    version = package["dependencies"][on_device.RUNTIME]
    assert facts["runtime"] == f"onnxruntime-web {version}"
    files = [file for bundle in facts["bundles"] for file in (*bundle["graphs"].values(), bundle["latents"])]
    assert [(build["script"], build["gpu"]) for build in facts["builds"].values()] == [
        ("ort.js", False),
        ("ort-jspi.js", True),
    ]
    for file in [*files, *(build["wasm"] for build in facts["builds"].values())]:
        data = (site / file["url"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert facts["bundles"][0]["graphs"]["mapping"]["inputs"] == {"z": [8], "classes": [10]}


def test_play_is_a_place_on_its_tab_and_a_verb_on_a_button(site: Path):
    of_tabs, of_buttons = json.loads((site / "facts.json").read_text())["tabs"]["zh-CN"], web.page_words()["zh-CN"]
    assert (of_tabs["Play"], of_buttons["Play"]) == ("玩一玩", "播放")
    assert {"Play", "Morph", "About"} <= set(of_tabs)


def test_the_numbers_are_those_of_the_bundle(site: Path, bundles: list[Path]):
    facts = json.loads((site / "facts.json").read_text())["bundles"][0]
    latents = read(bundles[0]).latents
    rest = np.fromfile(site / facts["latents"]["url"], "<f4")
    for name, length in facts["latents"]["lengths"].items():
        np.testing.assert_array_equal(rest[:length], latents[name].ravel())
        rest = rest[length:]
    assert not len(rest)


def test_no_file_of_the_page_names_a_foreign_host(site: Path):
    for path in site.iterdir():
        if path.suffix in {".js", ".css", ".html"} and path.name not in RUNTIME:
            hosts = set(re.findall(r"https?://([\w.-]+)", path.read_text(encoding="utf-8")))
            assert hosts <= NAMES, path.name
    assert not any("sourceMappingURL" in (site / name).read_text() for name in RUNTIME)


def test_every_module_that_is_imported_is_there(site: Path):
    modules = {name: (site / name).read_text() for name in PAGE if name.endswith(".js") and name not in RUNTIME}
    wanted = {name for text in modules.values() for name in re.findall(r'"\./([\w-]+\.js)"', text)}
    assert wanted >= {"gpu.js", "random.js", "worker.js"} and wanted <= PAGE


def test_every_file_that_a_document_names_is_there(site: Path):
    for document in web.DOCUMENTS:
        named = set(re.findall(r'(?:src|href)="([\w.-]+)"', (site / document).read_text(encoding="utf-8")))
        assert {"index.html": "instrument_fold.js", "embed.html": "embed.js"}[document] in named
        assert sorted(named - places(site)) == [], document


def test_titles_are_text_not_markup(bundles: list[Path], tmp_path: Path, site: Path):
    web.write(bundles[1:], tmp_path / "page")
    page = (tmp_path / "page" / "index.html").read_text()
    assert "<title>&lt;b&gt;Only&lt;/b&gt; a GAN</title>" in page and "from seeds by a GAN, computed" in page


def test_only_an_earlier_page_is_replaced(bundles: list[Path], tmp_path: Path, capsys, site: Path):
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    for name, content in (("facts.json", "[]"), ("chapter.txt", "mine")):
        (thesis / name).write_text(content)
        assert "holds files but no page" in refused(capsys, "web", bundles[0], thesis)
    assert "holds files but no page" in refused(capsys, "web", bundles[1], bundles[0])
    assert (thesis / "chapter.txt").read_text() == "mine"
    assert main(["web", *map(str, bundles), str(tmp_path / "page")]) == 0
    assert f"python -m http.server --directory {tmp_path / 'page'}" in capsys.readouterr().out
    assert main(["web", str(bundles[1]), str(tmp_path / "page")]) == 0
    assert not (tmp_path / "page" / "bundles" / "both").exists()
    (tmp_path / "page" / "CNAME").write_text("example.org")
    assert main(["web", str(bundles[0]), str(tmp_path / "page")]) == 0
    assert (tmp_path / "page" / "CNAME").read_text() == "example.org"
    assert not (tmp_path / "page" / "bundles" / "gan").exists()
    assert "CNAME" not in (tmp_path / "page" / "service-worker.js").read_text()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_what_it_cannot_show_it_refuses(bundles: list[Path], tmp_path: Path, capsys, monkeypatch, site: Path):
    page = tmp_path / "page"
    assert f"{bundles[1]} is named twice: name it once" in refused(capsys, "web", bundles[1], bundles[1], page)
    assert "There is no folder" in refused(capsys, "web", tmp_path / "nowhere", page)
    monkeypatch.setattr(web, "RUNTIME_HOME", tmp_path)
    assert "run `python -m demo.web`" in refused(capsys, "web", bundles[0], page)
    assert not page.exists()


# --- to the Hub ----------------------------------------------------------------------------------


def test_a_push_makes_a_static_space_of_it(bundles: list[Path], tmp_path: Path, capsys, monkeypatch, site: Path):
    with hub_server.running() as server:
        api = huggingface_hub.HfApi(endpoint=server.endpoint, token="hf_local")
        monkeypatch.setattr(hub, "log_in", lambda to: api)
        page = tmp_path / "page"
        assert main(["web", str(bundles[1]), str(page), "--push", "me/page", "--title", "Ours"]) == 0
        assert f"me/page: {server.endpoint}/spaces/me/page" in capsys.readouterr().out
        assert server.sent["/api/repos/create"]["sdk"] == "static"
        assert server.files == {".gitattributes": b"", **{name: (page / name).read_bytes() for name in places(page)}}
        facts = huggingface_hub.metadata_load(page / "README.md")
        assert (facts["title"], facts["sdk"], facts["app_file"]) == ("Ours", "static", "index.html")
        assert "(bundles/gan/sheet.png)" in (page / "README.md").read_text()
        server.files = {"demo/app.py": b"", "README.md": b""}
        assert "holds something else" in refused(capsys, "web", bundles[1], page, "--push", "me/page")


def test_a_dry_run_checks_the_page_and_sends_nothing(
    bundles: list[Path], tmp_path: Path, capsys, monkeypatch, site: Path
):
    page = ("web", bundles[1], tmp_path / "page")
    assert main([*map(str, page), "--push", "me/page", "--private", "--dry-run"]) == 0
    assert "go to the private Space me/page" in capsys.readouterr().out
    assert "--push user/name" in refused(capsys, *page, "--dry-run")
    assert "'no name' is no name of a Space" in refused(capsys, *page, "--push", "no name", "--dry-run")
    monkeypatch.setattr(space_check, "MAX_PAGE_BYTES", 20_000_000)
    assert "leave gan out" in refused(capsys, *page, "--push", "me/page", "--dry-run")
