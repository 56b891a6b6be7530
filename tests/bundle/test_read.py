"""A bundle is read whole and right, or refused with one sentence."""

import io
import json
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.errors import BundleError
from bundle.read import discover, graph_bytes, read
from bundle.schema import USUAL_GRAPHS
from tests.support import tiny
from tests.support.checksums import sha256


def edit(folder: Path, change: Callable[[dict], object]) -> None:
    index = tiny.load_index(folder)
    change(index)
    tiny.save_index(folder, index)


def refused(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        read(folder)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence
    return sentence


def test_a_good_bundle(tiny_bundle: Path):
    bundle = read(tiny_bundle)
    assert bundle.info.name == "tiny" and set(bundle.info.graphs) == set(USUAL_GRAPHS)
    assert bundle.examples.shape == (24, 32, 32, 1) and bundle.examples.dtype == np.uint8
    assert bundle.example_labels.dtype == np.int64
    assert all(array.dtype == np.float32 for array in bundle.latents.values())
    assert graph_bytes(bundle, "critic") == (tiny_bundle / "critic.onnx").read_bytes()
    assert sha256(tiny_bundle / "critic.onnx") == bundle.info.graphs["critic"].sha256


@pytest.mark.parametrize(
    ("classes", "channels", "height", "width"), [(0, 3, 16, 16), (2, 3, 64, 64), (3, 3, 16, 24), (0, 1, 40, 24)]
)
def test_other_shapes_of_bundles(tmp_path: Path, classes: int, channels: int, height: int, width: int):
    bundle = read(tiny.build(tmp_path / "other", "other", classes, channels, height, width))
    info = bundle.info
    assert info.image.shape == (channels, height, width)
    assert bundle.golden.shape == (2, height, width, channels) and bundle.tiles == tiny.TILES
    assert np.array_equal(bundle.golden, tiny.drawn(tmp_path / "other", "generator", classes)[:2])
    assert [t.name for t in info.graphs["generator"].inputs] == (["z", "classes"] if classes else ["z"])


def test_a_gan_alone_and_a_vae_alone_are_bundles(tmp_path: Path):
    for model, graphs in (("gan", ("encoder", "decoder", "repair")), ("vae", ("generator", "mapping", "synthesis"))):
        folder = tiny.build(tmp_path / model)
        gone = {*graphs, "critic", "inverter"}
        edit(folder, lambda index, gone=gone: [index["graphs"].pop(graph) for graph in gone])
        edit(folder, lambda index, model=model: index.update({"gan": None, "vae": None, model: index[model]}))
        read(folder)


def test_missing_folder_and_missing_index(tmp_path: Path):
    assert "no folder" in refused(tmp_path / "nowhere")
    assert "no bundle.json" in refused(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\ud800".encode("utf-8", "surrogatepass")])
def test_an_index_that_is_not_json(broken_bundle: Path, text: str | bytes):
    (broken_bundle / "bundle.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert "not valid JSON" in refused(broken_bundle)


@pytest.mark.parametrize("text", ["[]", "null", "3", '"x"'])
def test_an_index_that_is_no_object(broken_bundle: Path, text: str):
    (broken_bundle / "bundle.json").write_text(text)
    assert "wrong" in refused(broken_bundle)


def test_an_endless_index_is_not_read(broken_bundle: Path):
    (broken_bundle / "bundle.json").write_bytes(b" " * 1_000_001)
    assert "too large" in refused(broken_bundle)


def test_a_newer_format(broken_bundle: Path):
    edit(broken_bundle, lambda index: index.update(schema_version=4, surprise="yes"))
    assert "needs a newer Twofold" in refused(broken_bundle)


@pytest.mark.parametrize("file", ["decoder.onnx", "latents.npz", "examples.npz", "sheet.png"])
def test_a_wrong_checksum_names_the_file(broken_bundle: Path, file: str):
    data = bytearray((broken_bundle / file).read_bytes())
    data[len(data) // 2] ^= 1
    (broken_bundle / file).write_bytes(bytes(data))
    assert file in refused(broken_bundle) and "checksum" in refused(broken_bundle)


@pytest.mark.parametrize("file", ["decoder.onnx", "latents.npz", "examples.npz", "sheet.png"])
def test_a_missing_file_is_named(broken_bundle: Path, file: str):
    (broken_bundle / file).unlink()
    assert f"'{file}'" in refused(broken_bundle) and "missing" in refused(broken_bundle)


@pytest.mark.parametrize(
    "name", ["../secret.onnx", "/etc/passwd", "sub/critic.onnx", "..", ".hidden", "a\\b", "C:evil", "", "critic.onnx\n"]
)
def test_a_file_name_that_leaves_the_folder(broken_bundle: Path, name: str):
    (broken_bundle.parent / "secret.onnx").write_bytes((broken_bundle / "critic.onnx").read_bytes())
    edit(broken_bundle, lambda index: index["graphs"]["critic"].update(file=name))
    assert "not a plain file name" in refused(broken_bundle)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda i: i.pop("image"), "at image"),
        (lambda i: i["image"].update(width=0), "at image.width"),
        (lambda i: i["image"].update(height=1025), "at image.height"),
        (lambda i: i["image"].update(width=48), "'image' of graph 'generator' must have shape"),
        (lambda i: i.update(extra=1), "at extra"),
        (lambda i: i.update(gan=None, vae=None), "needs a 'gan' or a 'vae'"),
        (lambda i: i.update(gan=None), "describes its latents"),
        (lambda i: i.update(name="Not a name"), "at name"),
        (lambda i: i.update(name="../x"), "at name"),
        (lambda i: i["graphs"].pop("synthesis"), "graphs.synthesis missing"),
        (lambda i: i["files"].pop("sheet"), "files.sheet missing"),
        (lambda i: i["graphs"].update(evil=i["graphs"]["critic"]), "unknown graph 'evil'"),
        (lambda i: i["graphs"]["decoder"]["inputs"][0].update(name="noise"), "inputs of graph 'decoder' must be z"),
        (lambda i: i["graphs"]["decoder"]["inputs"][0].update(shape=["batch", 7]), "must have shape"),
        (lambda i: i["graphs"]["decoder"]["inputs"][0].update(shape=[1, 6]), "must be 'batch' and then"),
        (lambda i: i["graphs"]["decoder"].update(sha256="abc"), "at graphs.decoder.sha256"),
        (lambda i: i["graphs"]["decoder"].update(bytes=10**12), "at graphs.decoder.bytes"),
        (lambda i: i["dataset"].update(classes=[]), "inputs of graph"),
        (lambda i: i["vae"].update(sigma=0), "at vae.sigma"),
        (lambda i: i.update(max_batch=0), "at max_batch"),
    ],
)
def test_a_wrong_index_says_where(broken_bundle: Path, change: Callable[[dict], object], words: str):
    edit(broken_bundle, change)
    assert words in refused(broken_bundle)


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("w_mean", None, "lack a valid float32 array 'w_mean'"),
        ("w_mean", np.zeros((10, 8)), "lack a valid float32 array 'w_mean'"),
        ("w_mean", np.zeros((10, 9), np.float32), "has shape (10, 9)"),
        ("code_std", np.full(6, np.nan, np.float32), "not finite"),
        ("mixture_weights", np.ones(3, np.float32), "number of components"),
        ("mixture_weights", np.zeros(20, np.float32), "not all 0"),
        ("mixture_classes", np.full((20, 10), -0.1, np.float32), "none negative"),
        ("mixture_cholesky", np.zeros((20, 6, 6), np.float32), "standard deviations above 0"),
        ("code_std", np.zeros(6, np.float32), "standard deviations above 0"),
        ("code_mean", np.array([{"a": 1}] * 6), "not a plain .npz"),
    ],
)
def test_wrong_latent_statistics(broken_bundle: Path, name: str, array: np.ndarray | None, words: str):
    arrays = dict(read(broken_bundle).latents)
    arrays.pop(name)
    data = tiny.npz(**arrays, **({} if array is None else {name: array}))
    edit(broken_bundle, lambda i: i["files"].update(latents=tiny.write(broken_bundle / "latents.npz", data)))
    assert words in refused(broken_bundle)


@pytest.mark.parametrize("data", [b"not a zip", tiny.npz(images=np.zeros((2, 8, 8, 1), np.uint8))])
def test_wrong_examples(broken_bundle: Path, data: bytes):
    edit(broken_bundle, lambda i: i["files"].update(examples=tiny.write(broken_bundle / "examples.npz", data)))
    assert refused(broken_bundle)


@pytest.mark.parametrize(
    "labels",
    [np.array(["c"] * 24), np.full(24, np.nan), np.full(24, 1.0), np.arange(24) + 99, np.full(24, -2)],
    ids=["words", "NaN", "floats", "too high", "too low"],
)
def test_labels_that_are_no_classes_stop_their_own_bundle_only(tmp_path: Path, labels: np.ndarray):
    tiny.build(tmp_path / "good", "good")
    folder = tiny.build(tmp_path / "bad", "bad")
    pictures = read(folder).examples
    index = tiny.load_index(folder)
    data = tiny.npz(images=pictures, labels=labels)
    index["files"]["examples"] |= tiny.write(folder / index["files"]["examples"]["file"], data)
    tiny.save_index(folder, index)
    bundles, unavailable = discover(tmp_path)
    assert [bundle.info.name for bundle in bundles] == ["good"]
    assert "The example labels of bundle 'bad' must be whole numbers from -1 to 9." in unavailable[0].reason


def npy(header: str) -> bytes:
    """A .npz whose one array has this header, and hardly any data."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        text = header.encode().ljust(117) + b"\n"
        archive.writestr("images.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(8))
    return buffer.getvalue()


@pytest.mark.parametrize("count", [10**9, 10**15, 10**40])
def test_an_array_that_claims_to_be_huge_is_not_allocated(broken_bundle: Path, count: int):
    data = npy(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({count},)}}")
    edit(broken_bundle, lambda i: i["files"].update(examples=tiny.write(broken_bundle / "examples.npz", data)))
    assert "unpacks to too much data" in refused(broken_bundle)


@pytest.mark.parametrize("error", [MemoryError, NotImplementedError, RuntimeError, zlib.error])
def test_whatever_numpy_raises_is_a_sentence(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, error: type):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(np, "load", fail)
    assert "not a plain .npz" in refused(tiny_bundle)


def picture(form: str, width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height)).save(buffer, form)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x89PNG and no more", "not a PNG"),
        (picture("BMP", 256, 96), "not a PNG"),
        (picture("PNG", 224, 96), "224 x 96"),
        (picture("PNG", 256, 97), "256 x 97"),
        (picture("PNG", 256, 288), "256 x 288"),
    ],
)
def test_a_sheet_that_is_none(broken_bundle: Path, data: bytes, words: str):
    edit(broken_bundle, lambda i: i["files"].update(sheet=tiny.write(broken_bundle / "sheet.png", data)))
    assert words in refused(broken_bundle)


@pytest.mark.parametrize("file", ["critic.onnx", "latents.npz", "sheet.png"])
def test_the_version_changes_with_every_file(broken_bundle: Path, file: str):
    bundle = read(broken_bundle)
    assert bundle.tiles == 24 and len(bundle.version) == 8
    index = json.loads(json.dumps(tiny.load_index(broken_bundle)).replace(sha256(broken_bundle / file), "0" * 64))
    other = replace(bundle, info=type(bundle.info).model_validate(index))
    assert other.version != bundle.version


def test_a_graph_changed_after_reading_is_noticed_when_it_is_loaded(broken_bundle: Path):
    bundle = read(broken_bundle)
    data = (broken_bundle / "critic.onnx").read_bytes()
    (broken_bundle / "critic.onnx").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(BundleError, match=r"critic\.onnx"):
        graph_bytes(bundle, "critic")
    with pytest.raises(BundleError, match="no graph 'nothing'"):
        graph_bytes(bundle, "nothing")


def test_discover_sorts_the_good_from_the_bad(tmp_path: Path):
    for name in ("zebra", "apple", "broken", "twin"):
        tiny.build(tmp_path / name, "apple" if name == "twin" else name)
    (tmp_path / "broken" / "critic.onnx").unlink()
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "critic.onnx").write_bytes(b"x")
    (tmp_path / "unrelated").mkdir()
    bundles, unavailable = discover(tmp_path)
    assert [bundle.info.name for bundle in bundles] == ["apple", "zebra"]
    reasons = {bundle.name: bundle.reason for bundle in unavailable}
    assert set(reasons) == {"broken", "half", "twin"}
    assert "critic.onnx" in reasons["broken"] and "bundle.json" in reasons["half"] and "same name" in reasons["twin"]


@pytest.mark.parametrize("method", ["stat", "read_bytes", "iterdir"])
def test_discover_survives_what_it_may_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str):
    tiny.build(tmp_path / "good", "good")
    tiny.build(tmp_path / "shut", "shut")
    whole = getattr(Path, method)

    def refuse(path: Path, *args, **kwargs):
        if path.is_relative_to(tmp_path if method == "iterdir" else tmp_path / "shut"):
            raise PermissionError(13, "Permission denied")
        return whole(path, *args, **kwargs)

    monkeypatch.setattr(Path, method, refuse)
    bundles, unavailable = discover(tmp_path)
    assert [bundle.info.name for bundle in bundles] == ([] if method == "iterdir" else ["good"])
    (reason,) = [bundle.reason for bundle in unavailable]
    assert "cannot be read" in reason


def test_bundles_begin_with_the_nearest_to_its_pictures_and_end_with_those_nobody_measured_by_age(tmp_path: Path):
    """Figures that no measurement gives count as none; a time without a zone is one of UTC."""
    about = {
        "far": (2.0, 1.0, "2026-01-01T00:00:00Z"),
        "near": (9.0, 9.0, "2026-01-09T00:00:00Z"),
        "first": (None, None, "2026-01-02"),
        "second": (1.0, None, "2026-01-03T00:00:00+09:00"),
        "third": (1.0, 0.0, "2026-01-03T00:00:00"),
        "fourth": (1.0, -1.0, "2026-01-04T00:00:00Z"),
        "fifth": (-1.0, 1.0, "2026-01-05T00:00:00Z"),
    }
    for name, (value, floor, created) in about.items():
        index = tiny.load_index(tiny.build(tmp_path / name, name))
        index["created"] = created
        if value is None:
            index["quality"] = None
        else:
            index["quality"]["figures"][0] |= {"value": value, "floor": floor}
        tiny.save_index(tmp_path / name, index)
    bundles, unavailable = discover(tmp_path)
    assert [bundle.info.name for bundle in bundles] == ["near", "far", *list(about)[2:]] and not unavailable


def test_order_txt_says_which_bundles_come_first(tmp_path: Path):
    for name in ("a", "b", "c"):
        tiny.build(tmp_path / name, name)
    assert [bundle.info.name for bundle in discover(tmp_path)[0]] == ["a", "b", "c"]
    order = tmp_path / "order.txt"
    for text, wanted in (("c\n", "cab"), (" b \n\nnowhere\nc\nb\n", "bca"), ("c\n" * 10_000, "abc"), ("\xff", "abc")):
        order.write_bytes(text.encode("latin-1"))
        assert "".join(bundle.info.name for bundle in discover(tmp_path)[0]) == wanted
    order.write_text("c\nb\n", encoding="utf-8-sig")  # as Windows writes it
    assert "".join(bundle.info.name for bundle in discover(tmp_path)[0]) == "cba"


def test_discover_takes_one_bundle_or_none(tiny_bundle: Path, tmp_path: Path):
    assert [bundle.info.name for bundle in discover(tiny_bundle)[0]] == ["tiny"]
    bundles, unavailable = discover(tmp_path / "nowhere")
    assert not bundles and "no folder" in unavailable[0].reason


def test_the_index_survives_a_round_trip(tiny_bundle: Path):
    info = read(tiny_bundle).info
    assert type(info).model_validate(json.loads(info.model_dump_json())) == info


def test_a_file_far_too_long_is_not_even_read(broken_bundle: Path):
    os.truncate(broken_bundle / "critic.onnx", 2**40)  # a hole: it takes no disk
    assert "checksum" in refused(broken_bundle)


def test_the_index_is_read_once_so_that_what_is_said_of_it_is_what_was_opened(tiny_bundle: Path, monkeypatch):
    opened = []
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path.name) or path.open("rb").read())
    bundle = read(tiny_bundle)
    assert opened.count("bundle.json") == 1
    assert bundle.index_file.sha256 == sha256(tiny_bundle / "bundle.json")
