"""A bundle's files: verified as they are handed out, whole or in part, and not sent again to who has them."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from bundle import on_device, packed_files
from bundle.sessions import choose_provider
from demo import static_files
from demo.routes import device, files, health, live, page_files
from demo.routes.not_modified import NotModified, matches
from demo.serving.served_bundle import open_bundles

FILES = ("bundle.json", "sheet.png", "latents.npz", "decoder.onnx")


@pytest.fixture
def folder(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    bundles = open_bundles(folder, choose_provider("cpu"))[0]
    routes = [*files.routes(bundles), *live.routes(bundles), *health.routes(bundles, []), *device.routes(bundles)]
    app = Starlette(routes=[*routes, *page_files.routes()], middleware=[Middleware(NotModified)])
    app.get_blocks = lambda: None
    with TestClient(app) as client:
        yield client


def replaced(path: Path) -> None:
    """Other bytes, as many, of the same time: only their checksum tells."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES = [Path.unlink, replaced, lambda path: path.write_bytes(b"")]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_deleted_or_replaced_is_not_handed_out(
    client: TestClient, folder: Path, name: str, change: Callable[[Path], None]
):
    assert client.get("/healthz").json()["status"] == "ok"
    data = (folder / name).read_bytes()
    assert client.get(f"/bundles/tiny/{name}").content == data
    change(folder / name)
    assert client.get(f"/bundles/tiny/{name}").status_code == 404
    report = client.get("/healthz")
    assert report.status_code == 200 and report.json()["status"] == "degraded"
    assert f"'{name}'" in report.json()["bundles"]["tiny"]["files"]
    assert client.get("/live/tiny?x=3").status_code == 200  # with what is in memory
    (folder / name).write_bytes(data)
    assert client.get(f"/bundles/tiny/{name}").content == data
    assert client.get("/healthz").json()["status"] == "ok"


@pytest.mark.parametrize("checked", [True, False], ids=["checked", "unchecked"])
@pytest.mark.parametrize("change", CHANGES)
def test_drawing_from_a_graph_that_is_gone(folder: Path, change: Callable[[Path], None], checked: bool):
    """One that is not in memory: the bundle was never used, or others have taken its place."""
    bundles = open_bundles(folder, choose_provider("cpu"), check=checked)[0]
    bundles["tiny"].engine.unload()
    graph = folder / "synthesis.onnx"
    data = graph.read_bytes()
    with TestClient(Starlette(routes=[*live.routes(bundles), *health.routes(bundles, [])])) as client:
        change(graph)
        for _ in range(2):
            answer = client.get("/live/tiny?x=3")
            assert answer.status_code == 404 and "File 'synthesis.onnx' of bundle 'tiny' is " in answer.text
        report = client.get("/healthz")
        assert (report.status_code, report.json()["status"]) == (200, "degraded")
        assert "'synthesis.onnx'" in report.json()["bundles"]["tiny"]["files"]
        graph.write_bytes(data)
        assert client.get("/live/tiny?x=3").status_code == 200
        assert client.get("/healthz").json()["status"] == "ok"


def test_a_packed_bundle_whose_archive_is_gone(folder: Path):
    graphs = {path.name: path.read_bytes() for path in folder.glob("*.onnx")}
    archive = folder / packed_files.PACKED_GRAPHS
    archive.write_bytes(packed_files.pack(graphs))
    for name in graphs:
        (folder / name).unlink()
    bundles = open_bundles(folder, choose_provider("cpu"))[0]
    bundles["tiny"].engine.unload()
    with TestClient(Starlette(routes=[*live.routes(bundles), *health.routes(bundles, [])])) as client:
        for change in (lambda: archive.write_bytes(b"torn"), archive.unlink):
            change()
            assert client.get("/live/tiny?x=3").status_code == 404
            assert client.get("/healthz").json()["status"] == "degraded"


@pytest.fixture
def own_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's files in a folder of their own, with one build of onnxruntime-web."""
    installed = on_device.installed(device.WEB)
    if installed is None:
        pytest.skip(f"{on_device.RUNTIME} is not installed ({on_device.HOW_TO_GET_IT})")
    shutil.copytree(static_files.STATIC, tmp_path / "static")
    for name in ("package.json", *on_device.BUILDS["wasm"].files):
        place = tmp_path / "web" / "node_modules" / on_device.RUNTIME / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(installed.read(name))
    monkeypatch.setattr(static_files, "STATIC", tmp_path / "static")
    monkeypatch.setattr(device, "WEB", tmp_path / "web")
    kept = (device._known, device.release)
    for function in kept:
        function.cache_clear()
    yield tmp_path
    for function in kept:
        function.cache_clear()


@pytest.mark.parametrize("change", CHANGES)
def test_what_browsers_draw_with_is_watched_too(own_page: Path, change: Callable[[Path], None]):
    with TestClient(Starlette(routes=[*device.routes({}), *files.routes({}), *health.routes({}, [])])) as client:
        home = f"/device/{device.release()}"
        scripts = ("gpu.js", "latents.js", "open.js", "ort.js", on_device.BUILDS["wasm"].wasm)
        addresses = {name: (f"{home}/{name}",) for name in scripts}
        addresses |= {"latents.js": (f"{home}/latents.js", "/web/twofold.js"), "open.js": ("/web/twofold.js",)}
        before = {address: client.get(address).content for all in addresses.values() for address in all}
        assert client.get("/healthz").json()["page"] == ""
        for name, of_it in addresses.items():
            source = "ort.wasm.bundle.min.mjs" if name == "ort.js" else name
            (path,) = own_page.rglob(source)
            data = path.read_bytes()
            change(path)
            assert [client.get(address).status_code for address in of_it] == [404] * len(of_it), name
            assert client.get("/healthz").json()["page"] == f"File '{name}' of the page is missing or was changed."
            path.write_bytes(data)
            assert [client.get(address).content for address in of_it] == [before[address] for address in of_it], name
            assert client.get("/healthz").json()["page"] == ""


def test_a_device_file_that_was_replaced_before_anybody_asked_is_not_handed_out(own_page: Path):
    with TestClient(Starlette(routes=device.routes({}))) as client:
        home = f"/device/{device.release()}"
        (own_page / "static" / "device" / "gpu.js").write_text("alert('not ours')")
        assert client.get(f"{home}/gpu.js").status_code == 404


def test_the_page_s_own_files_that_are_gone(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    def gone(*_: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(static_files, "page_script", gone)
    page_files._file.cache_clear()
    assert client.get("/page/any/page.js").status_code == 404


def test_health_reads_no_file_twice_that_has_not_changed(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    client.get("/healthz")
    monkeypatch.setattr("demo.serving.file_watch.verified_bytes", lambda *_: pytest.fail("it was read"))
    assert client.get("/healthz").json()["status"] == "ok"


@pytest.mark.parametrize(
    "path",
    [
        "/bundles/tiny/decoder.onnx",
        "/bundles/tiny/bundle.json",
        "/bundles/tiny/examples/0.png",
        "/live/tiny?x=3",
        "/web/twofold.js",
        f"/page/{static_files.version()}/page.js",
        f"/device/{device.release()}/device.js",
    ],
)
def test_what_a_client_has_is_not_sent_again(client: TestClient, path: str):
    first = client.get(path)
    mark = first.headers["etag"]
    assert first.status_code == 200 and client.get(path).headers["etag"] == mark
    again = client.get(path, headers={"If-None-Match": f'"other", W/{mark}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", mark)
    assert again.headers["cache-control"] == first.headers["cache-control"] and "content-length" not in again.headers
    other = client.get(path, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200 and other.content == first.content


def test_what_must_not_be_kept_has_no_mark(client: TestClient):
    assert "etag" not in client.get("/healthz").headers
    assert client.get("/healthz", headers={"If-None-Match": "*"}).status_code == 200
    wrong = client.get("/live/tiny?x=wrong", headers={"If-None-Match": "*"})
    assert wrong.status_code == 400 and "etag" not in wrong.headers


@pytest.mark.parametrize(
    ("known", "same"), [("", False), ("*", True), ('"a"', True), ('"b", "a"', True), ('W/"a"', True), ("a", False)]
)
def test_marks(known: str, same: bool):
    assert matches(known, '"a"') == matches(known, 'W/"a"') == same


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-7", 206, slice(-7, None)),
        ("bytes=0-1,4-5", 200, slice(None)),
        ("lines=1-2", 200, slice(None)),
        ("bytes=-", 200, slice(None)),
        ("bytes=99999999-", 416, slice(0, 0)),
    ],
)
def test_a_download_that_broke_off_goes_on(client: TestClient, folder: Path, asked: str, status: int, part: slice):
    data = (folder / "decoder.onnx").read_bytes()
    answer = client.get("/bundles/tiny/decoder.onnx", headers={"Range": asked})
    assert answer.status_code == status and answer.content == data[part]
    if status == 206:
        assert answer.headers["content-range"].endswith(f"/{len(data)}")
        changed = client.get("/bundles/tiny/decoder.onnx", headers={"Range": asked, "If-Range": '"other"'})
        assert changed.status_code == 200 and changed.content == data
