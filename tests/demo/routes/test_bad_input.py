"""What no widget sends, over real HTTP to every door: each time a sentence, soon, and a server that goes on."""

import io
import json
import struct
import time
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from benchmarks.visitor import Visitor
from bundle import images
from bundle.errors import InputError
from bundle.sessions import choose_provider
from demo.routes.uploads import Uploads
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.support import tiny
from tests.support.demo_page import launched

pytestmark = pytest.mark.serving

SOON = 20.0  # seconds; an answer takes milliseconds, but tests must not depend on a busy machine
NAN, INF = float("nan"), float("inf")
BIG = 10**9
DOT = images.png(np.zeros((8, 8, 1), np.uint8))


def bomb() -> bytes:
    """A PNG of a few kB that claims 13000 x 13000 pixels, and keeps its word."""
    file = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(file, "PNG")
    return file.getvalue()


def liar() -> bytes:
    """A PNG whose head claims two thousand million pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 50_000, 40_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ServedBundle]:
    """Grey digits with classes, and colour pictures without."""
    root = tmp_path_factory.mktemp("bundles")
    tiny.build(root / "digits", "digits")
    tiny.build(root / "plain", "plain", classes=0, channels=3)
    return open_bundles(root, choose_provider("cpu"))[0]


@pytest.fixture(scope="module")
def visitor(bundles: dict[str, ServedBundle], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    uploads, files = Uploads(bundles), tmp_path_factory.mktemp("gradio")
    with launched(bundles, files=files, routes=uploads.routes(), uploads=True) as address:
        yield Visitor(address)
    uploads.close()


@pytest.fixture(autouse=True)
def unharmed(visitor: Visitor) -> Iterator[None]:
    """Each answer comes soon, and afterwards the server is well and draws."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < SOON
    assert visitor.get("healthz").json()["status"] == "ok"
    assert visitor.get("live/digits").status_code == 200


MORPH = "live/digits/morph?keys=1,2&"
LIVE = [
    ("live/digits?x=nan", 400, "'x' must be a finite number"),
    ("live/digits?t=inf", 400, "'t' must be a finite number"),
    (f"live/digits?n={BIG}{BIG}", 400, "'n' takes whole numbers"),
    ("live/digits?m=diffusion", 400, "gan, vae"),
    (f"live/digits?c={BIG}", 400, "below 10"),
    ("live/digits?c=3:nan", 400, "share of class 3"),
    ("live/plain?c=0", 400, "no classes"),
    ("live/digits?f=tiff", 400, "png, raw"),
    ("live/other", 404, "no bundle"),
    (f"live/{'x' * 4000}", 404, "no bundle"),
    ("live/digits/morph", 400, "'keys' takes seeds, whole numbers"),
    (f"live/digits/morph?keys={','.join(['1'] * 2000)}", 400, "at most 16 keys"),
    ("live/digits/map?projection=tsne", 400, "'projection' must be one of"),
    ("live/digits/map?mapx=nan", 400, "'mapx' must be a finite number"),
    ("live/digits/mix?seed=1&other=2&stages=01", 400, "'stages' must be"),
    ("live/digits/sum?seed=1&minus=-2&plus=3", 400, "'minus' takes whole numbers"),
    ("live/digits/edit?m=vae&dimensions=9999:1", 400, "'dimensions' takes whole numbers"),
    ("live/digits/edit?m=vae&dimensions=" + ",".join(["0:1"] * 70), 400, "at most 64 moves"),
    ("live/digits/edit?m=gan&dimensions=0:1", 400, "is for the VAE"),
    ("explore/nothing", 404, "There is no bundle"),
    ("explore/digits?projection=umap", 400, "'projection' must be one of"),
    (f"live/digits/morph?keys={2**32},1", 400, "'keys' takes seeds, whole numbers"),
    (MORPH + "p=nan", 400, "'p' must be a finite number"),
    (MORPH + "path=zigzag", 400, "'path' must be one of"),
    (MORPH + "classes=1,2,3", 400, "2 keys but 3 classes"),
    (MORPH + "classes=1,99", 400, "below 10"),
    (f"live/digits/grid?grid={BIG}", 400, "'grid' takes whole numbers"),
    ("live/digits/grid?seed=4294967295&grid=2", 400, "'seed' takes whole numbers"),
    ("live/digits/grid?grid=9", 400, "'grid' takes whole numbers from 1 to 8"),
    ("live/digits/grid?grid=0", 400, "'grid' takes whole numbers from 1 to 8"),
    ("live/digits/quiz?quiz=nan", 400, "'quiz' takes whole numbers"),
    ("live/other/quiz", 404, "no bundle"),
    ("compare/figures?left=digits.gan&right=digits.diffusion", 400, "choose one of gan, vae"),
    ("compare/figures?left=digits.gan&right=other.gan", 404, "no bundle"),
    (f"compare/figures?left={'x' * 4000}", 404, "no bundle"),
    (f"compare/quiz/digits?quiz={'9' * 5000}&answers=r", 400, "'quiz' takes whole numbers"),
    (f"compare/quiz/digits?quiz=1&answers={'r' * 4000}", 400, "1 to 20 letters"),
    ("bundles/digits/..%2f..%2fetc%2fpasswd", 404, ""),
    ("bundles/digits/README.md", 404, "no such file"),
    (f"bundles/digits/examples/{BIG}.png", 404, "no such held-out picture"),
    (f"bundles/digits/examples/{'9' * 5000}.png", 404, ""),
    ("bundles/digits/examples/-1.png", 404, ""),
    ("bundles/other/bundle.json", 404, "no such file"),
]


@pytest.mark.parametrize(("path", "status", "sentence"), LIVE, ids=[case[0][:48] for case in LIVE])
def test_routes(visitor: Visitor, path: str, status: int, sentence: str):
    answer = visitor.get(path)
    assert answer.status_code == status and sentence in answer.text and len(answer.text) < 300


SAMPLE = ["", "", "", 1]
INTERPOLATE = ["", "", "", 1, "linear", True, 4, "gif", 10]
CALLS: list[tuple[str, list[Any], str]] = [
    ("sample", [[], *SAMPLE], "Seeds must be a list of 1 to 64"),
    ("sample", [[1] * 100_000, *SAMPLE], "Seeds must be a list of 1 to 64"),
    ("sample", [BIG, *SAMPLE], "Seeds must be a list"),
    ("sample", [None, *SAMPLE], "Seeds must be a list"),
    ("sample", [{"a": 1}, *SAMPLE], "Seeds must be a list"),
    ("sample", [[NAN], *SAMPLE], "The seed must be a whole number"),
    ("sample", [[2**32], *SAMPLE], "The seed must be a whole number"),
    ("sample", [[10**400], *SAMPLE], "The seed must be a whole number"),
    ("sample", [[True], *SAMPLE], "The seed must be a whole number"),
    ("sample", [[[1, 2, 3]], *SAMPLE], "A point must be two numbers [x, y], not 3"),
    ("sample", [[[1] * 64], *SAMPLE], "A point must be two numbers [x, y], not 64"),
    ("sample", [[[0, NAN]], *SAMPLE], "The coordinate of a point must be a number"),
    ("sample", [[[0, BIG]], *SAMPLE], "The coordinate of a point must be a number from -1e+06 to 1e+06"),
    ("sample", [[[[0, 1], 2]], *SAMPLE], "The coordinate of a point must be a number"),
    ("sample", [[1], "other", "", "", 1], "There is no bundle 'other': choose one of digits, plain"),
    ("sample", [[1], {"a": 1}, "", "", 1], "There is no bundle"),
    ("sample", [[1], "x" * 100_000, "", "", 1], "There is no bundle"),
    ("sample", [[1], "", "diffusion", "", 1], "The model must be one of gan, vae"),
    ("sample", [[1], "", [["gan"]], "", 1], "The model must be one of gan, vae"),
    ("sample", [[1], "", "", "eleven", 1], "There is no class 'eleven'"),
    ("sample", [[1], "", "", BIG, 1], "There is no class"),
    ("sample", [[1], "plain", "", "3", 1], "has no classes"),
    ("sample", [[1], "", "", "", NAN], "The truncation must be a number from 0 to 1.5"),
    ("sample", [[1], "", "", "", -INF], "The truncation must be a number from 0 to 1.5"),
    ("sample", [[1], "", "", "", BIG], "The truncation must be a number from 0 to 1.5"),
    ("sample", [[1], "", "", "", None], "The truncation must be a number"),
    ("interpolate", [[1], *INTERPOLATE], "Seeds must be a list of 2 to 16"),
    ("interpolate", [[1] * 17, *INTERPOLATE], "Seeds must be a list of 2 to 16"),
    ("interpolate", [[[1, 2, 3], [3, 4]], *INTERPOLATE], "A point must be two numbers"),
    ("interpolate", [[1, 2], "", "", "", 1, "zigzag", True, 4, "gif", 10], "The path must be one of"),
    ("interpolate", [[1, 2], "", "", "", 1, "linear", "yes", 4, "gif", 10], "The loop must be true or false"),
    ("interpolate", [[1, 2], "", "", "", 1, "linear", True, BIG, "gif", 10], "The number of frames must be a whole"),
    ("interpolate", [[1, 2], "", "", "", 1, "linear", True, NAN, "gif", 10], "The number of frames must be a whole"),
    ("interpolate", [[1, 2], "", "", "", 1, "linear", True, 4, "exe", 10], "The format must be one of"),
    ("interpolate", [[1, 2], "", "", "", 1, "linear", True, 4, ["gif"], 10], "The format must be one of"),
    ("interpolate", [[1, 2], "", "", "", 1, "linear", True, 4, "gif", 0], "The number of frames a second must be"),
    ("report", ["other"], "There is no bundle 'other'"),
    ("report", [NAN], "There is no bundle"),
]


@pytest.mark.parametrize(("name", "data", "sentence"), CALLS, ids=[f"{c[0]}-{str(c[1])[:40]}" for c in CALLS])
def test_endpoints(visitor: Visitor, name: str, data: list[Any], sentence: str):
    answer = visitor.call(name, *data)
    assert answer.value is None and sentence in answer.error and len(answer.error) < 400


PICTURE = object()  # stands for a small picture that was uploaded
READS: list[tuple[str, list[Any], str]] = [
    ("reconstruct", [None, ""], "A picture is needed."),
    ("reconstruct", [PICTURE, "other"], "There is no bundle 'other'"),
    ("repair", [PICTURE, None, "", ""], "A mask is needed"),
    ("repair", [None, PICTURE, "", ""], "A picture is needed."),
    ("repair", [PICTURE, PICTURE, "", "diffusion"], "The model must be one of"),
    ("invert", [PICTURE, "", BIG, 0], "The number of rounds must be a whole number from 0 to 100"),
    ("invert", [PICTURE, "", NAN, 0], "The number of rounds must be a whole number"),
    ("invert", [PICTURE, "", 0.5, 0], "The number of rounds must be a whole number"),
    ("invert", [PICTURE, "", 0, -1], "The seed must be a whole number"),
    ("invert", [PICTURE, "", 0, INF], "The seed must be a whole number"),
    ("classify", [None, ""], "A picture is needed."),
    ("classify", [PICTURE, "plain"], "has no classes"),
]


@pytest.mark.parametrize(
    ("name", "data", "sentence"), READS, ids=[f"{c[0]}-{c[2][:30]}-{i}" for i, c in enumerate(READS)]
)
def test_endpoints_that_read_pictures(visitor: Visitor, name: str, data: list[Any], sentence: str):
    sent = [visitor.picture(DOT) if one is PICTURE else one for one in data]
    answer = visitor.call(name, *sent)
    assert answer.value is None and sentence in answer.error


BROKEN = [
    (bomb(), "too many pixels"),
    (liar(), "too many pixels"),
    (b"\x89PNG\r\n\x1a\n" + bytes(200), "not a picture that can be read"),
    (DOT[:45], "not a picture that can be read"),
    (b"", "not a picture that can be read"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture that can be read"),
]


@pytest.mark.parametrize("at", range(len(BROKEN)), ids=["bomb", "liar", "zeros", "cut", "empty", "svg"])
def test_broken_pictures(visitor: Visitor, at: int):
    """Through an endpoint, as a mask, and through the page's own routes."""
    data, sentence = BROKEN[at]
    assert sentence in visitor.call("classify", visitor.picture(data), "digits").error
    assert sentence in visitor.call("repair", visitor.picture(DOT), visitor.picture(data), "", "").error
    for path in ("rebuild/digits", "rebuild/digits/search", "compare/look/digits"):
        assert not data or sentence in visitor.ask(path, {"c": 0}, data).error


def test_huge_uploads(visitor: Visitor):
    refused = visitor.upload(bytes(50_000_000))
    assert refused.status_code == 413 and "maximum allowed size" in refused.text
    for size in (5_100_000, 12_000_000):
        for path in ("rebuild/digits", "rebuild/digits/search", "compare/look/digits"):
            assert "too large: at most 5 MB" in visitor.ask(path, {"c": 0}, bytes(size)).error


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "http://127.0.0.1:1/x.png", "", "\x00"])
def test_paths_that_are_no_uploads(visitor: Visitor, path: str):
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    for answer in (visitor.call("classify", file, "digits"), visitor.ask("rebuild/digits", {"picture": file})):
        assert "root:" not in str(answer) and answer.value is None


EXPORT = {"keys": [1, 2], "format": "gif", "path": "linear", "t": 1, "frames": 4, "fps": 5}
FORMS: list[tuple[str, Any, str]] = [
    ("morph/digits", {}, "The format must be one of"),
    ("morph/other", EXPORT, "There is no bundle of this name here"),
    ("morph/digits", EXPORT | {"m": "diffusion"}, "The model must be one of"),
    ("morph/digits", EXPORT | {"keys": [1, NAN]}, "The seed must be a whole number"),
    ("morph/digits", EXPORT | {"keys": "12"}, "Seeds must be a list"),
    ("morph/digits", EXPORT | {"classes": [1]}, "one class for each keyframe"),
    ("morph/digits", EXPORT | {"classes": [1, BIG]}, "The class must be a whole number from 0 to 9"),
    ("morph/digits", EXPORT | {"classes": {"a": 1}}, "one class for each keyframe"),
    ("morph/digits", EXPORT | {"frames": BIG}, "The number of frames must be a whole number from 2 to 240"),
    ("morph/digits", EXPORT | {"fps": BIG}, "The number of frames a second must be"),
    ("morph/digits", EXPORT | {"t": NAN}, "The truncation must be a number"),
    ("morph/digits", EXPORT | {"format": {"a": 1}}, "The format must be one of"),
    ("morph/digits", EXPORT | {"path": None}, "The path must be one of"),
    ("morph/digits", EXPORT | {"attributes": {"\ud800": {"vector": [1], "amount": 1}}}, "A direction needs a name"),
    ("compare/look/digits", {}, "The seed must be a whole number"),
    ("compare/look/digits", {"c": 0, "seed": NAN}, "The seed must be a whole number"),
    ("compare/look/digits", {"c": BIG, "seed": 1}, "The class must be a whole number from 0 to 9"),
    ("compare/look/digits", {"c": 0, "test": BIG}, "The number of the held-out picture must be"),
    ("compare/look/digits", {"c": 0, "picture": "/etc/passwd"}, "The seed must be a whole number"),
    ("compare/look/plain", {"seed": 1, "cover": "black"}, "The cover must be one of blur, grey"),
    ("compare/look/other", {"seed": 1}, "There is no bundle of this name here"),
    ("rebuild/other", {"test": 0}, "There is no bundle of this name here"),
    ("rebuild/digits", {"test": 0, "other": "7"}, "seed of the completions"),  # its earlier name
]
PICTURE_FORMS: list[tuple[Any, str]] = [
    ({}, "A picture is needed."),
    ([1, 2], "cannot be read"),
    (None, "cannot be read"),
    ({"test": BIG}, "The number of the held-out picture must be a whole number from 0 to 23"),
    ({"test": NAN}, "The number of the held-out picture must be"),
    ({"test": "0"}, "The number of the held-out picture must be"),
    ({"test": 0, "mask": "1"}, "A mask must have one 0 or 1 for each of 32 x 32 pixels"),
    ({"test": 0, "mask": "2" * 1024}, "A mask must have"),
    ({"test": 0, "mask": [1] * 1024}, "A mask must have"),
    ({"test": 0, "mask": "1" * 2_000_000}, "cannot be read"),
    ({"picture": "/etc/passwd"}, "A picture is needed."),
    ({"picture": "data:image/png;base64,@@@"}, "A picture is needed."),
]
FORMS += [(path, asked, said) for path in ("rebuild/digits", "rebuild/digits/search") for asked, said in PICTURE_FORMS]


@pytest.mark.parametrize(("path", "asked", "sentence"), FORMS, ids=[f"{c[0]}-{str(c[1])[:48]}" for c in FORMS])
def test_forms_of_the_page(visitor: Visitor, path: str, asked: Any, sentence: str):
    assert sentence in visitor.ask(path, asked).error


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{}", {"Content-Type": "application/json"}, 400),
        (b"--x", {"Content-Type": "multipart/form-data"}, 400),
        (b"nothing", {"Content-Type": "multipart/form-data; boundary=x"}, 400),
        (iter([b"no length"]), {"Content-Type": "multipart/form-data; boundary=x"}, 411),
    ],
)
def test_bodies_that_are_no_form(visitor: Visitor, body: Any, headers: dict[str, str], status: int):
    answer = visitor.client.post(visitor.url("rebuild/digits"), content=body, headers=headers)
    assert answer.status_code == status and answer.text.endswith(".")


BODIES = [
    b"", b"[]", b"null", b'{"data": 7}', b'{"data": {}}', b'{"data": []}', b"{" * 5000, b"[" * 200_000, bytes(100),
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=[str(body[:16]) for body in BODIES])
def test_bodies_that_are_no_calls(visitor: Visitor, body: bytes):
    head = {"Content-Type": "application/json"}
    for path in ("call/sample", "queue/join", "run/predict", "component_server", "call/nothing"):
        answer = visitor.client.post(visitor.url(f"gradio_api/{path}"), content=body, headers=head)
        assert answer.status_code in (200, 400, 404, 422) and "Traceback" not in answer.text, path
        assert answer.headers["content-type"].startswith("application/json")


def test_half_of_a_surrogate_pair(visitor: Visitor):
    """It cannot be encoded, so a sentence that quotes it could not be sent."""
    answer = visitor.client.post(visitor.url("gradio_api/call/v2/sample"), content=rb'{"\ud800": 1}')
    assert answer.status_code == 400 and r"There is no argument '\ud800'" in answer.json()["detail"]
    assert "A direction needs a name" in visitor.call("sample", [1], *SAMPLE, {"\ud800": {"vector": [1]}}).error


def test_endpoints_that_there_are_not(visitor: Visitor):
    for name in ("nothing", "x" * 3000):
        answer = visitor.call(name, 1)
        assert answer.error.startswith("404") and "There is no endpoint of this name." in answer.error


def test_uploads_of_models_that_are_none(visitor: Visitor):
    def sent(data: bytes, **head: str) -> httpx.Response:
        return visitor.client.post(visitor.url("uploads"), content=data, headers=head)

    assert sent(b"x").status_code == 403
    for data in (b"", b"torn", bytes(100_000), DOT):
        answer = sent(data, **{"X-Twofold": "upload"})
        assert answer.status_code == 400 and answer.text.endswith(".")


def test_latents_of_another_length(bundles: dict[str, ServedBundle]):
    """The functions below the endpoints, which further endpoints and tabs call."""
    served = bundles["digits"]
    bad = [
        lambda: served.decode(np.zeros((1, 3), np.float32)),
        lambda: served.decode(np.full((1, 6), NAN, np.float32)),
        lambda: served.decode(np.zeros((0, 6), np.float32)),
        lambda: served.decode(np.zeros((1000, 6), np.float32)),
        lambda: served.synthesise(np.zeros((1, 4, 9), np.float32)),
        lambda: served.synthesise(np.zeros((1, 5, 8), np.float64)),
        lambda: served.at(NAN, 0),
        lambda: served.sample([]),
        lambda: served.sample([1], np.ones(3, np.float32)),
        lambda: served.invert(np.zeros((1, 1, 32, 32), np.float32), np.zeros((1, 1, 3, 3))),
        lambda: served.invert(np.zeros((1, 1, 32, 32), np.float32), None, BIG),
        lambda: served.classify(np.zeros((1, 3, 32, 32), np.float32)),
    ]
    for call in bad:
        with pytest.raises(InputError, match=r"\.$"):
            call()


def test_json_has_a_word_for_everything_that_is_told(visitor: Visitor):
    """No answer of ours holds NaN, which JSON does not know."""
    for path in ("healthz", "uploads"):
        json.loads(visitor.get(path).text, parse_constant=pytest.fail)
