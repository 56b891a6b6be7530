"""Graphs in one archive: read as if they lay beside the index, and no archive takes more memory than it may."""

import io
import lzma
import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from bundle import on_device, packed_files
from bundle.errors import BundleError
from bundle.read import discover, graph_bytes, read
from bundle.write import update_bundle


def packed(source: Path, target: Path) -> Path:
    """A copy of a bundle with its graphs packed."""
    shutil.copytree(source, target)
    graphs = {path.name: path.read_bytes() for path in sorted(target.glob("*.onnx"))}
    (target / packed_files.PACKED_GRAPHS).write_bytes(packed_files.pack(graphs))
    for name in graphs:
        (target / name).unlink()
    return target


def test_a_packed_bundle_reads_as_the_bundle(tiny_bundle: Path, tmp_path: Path):
    plain, other = read(tiny_bundle), read(packed(tiny_bundle, tmp_path / "tiny"))
    assert other.version == plain.version
    assert graph_bytes(other, "synthesis") == graph_bytes(plain, "synthesis")


def test_what_repeats_far_apart_is_stored_once():
    block = os.urandom(1_100_000)  # more than lzma looks back unless it is told to
    assert len(packed_files.pack({"a": block, "b": block})) < 1.01 * len(block)


def test_the_same_files_make_the_same_archive():
    files = {"a": os.urandom(1000), "b": bytes(1000)}
    assert packed_files.pack(files) == packed_files.pack(files)


def test_damage_is_a_sentence(tiny_bundle: Path, tmp_path: Path, monkeypatch):
    folder = packed(tiny_bundle, tmp_path / "tiny")
    archive = folder / packed_files.PACKED_GRAPHS
    whole = archive.read_bytes()
    for damaged in (b"", whole[:-100], b"no archive at all", whole[:200] + b"\0" * 50 + whole[250:]):
        archive.write_bytes(damaged)
        with pytest.raises(BundleError, match=r"damaged|missing|changed"):
            read(folder)
    archive.write_bytes(packed_files.pack({"mapping.onnx": b"another graph"}))
    with pytest.raises(BundleError, match=r"checksum|missing"):
        read(folder)
    archive.write_bytes(whole)
    monkeypatch.setattr(packed_files, "MAX_BYTES", 1000)
    packed_files._unpacked.cache_clear()
    with pytest.raises(BundleError, match="more than"):
        read(folder)


def test_without_lzma_what_is_not_packed_is_served(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(tiny_bundle, tmp_path / "plain")
    packed(tiny_bundle, tmp_path / "packed")
    (tmp_path / on_device.ARCHIVE).write_bytes(packed_files.pack({"package.json": b"{}"}))
    packed_files._unpacked.cache_clear()
    monkeypatch.setitem(sys.modules, "lzma", None)
    bundles, unavailable = discover(tmp_path)
    assert len(bundles) == 1 and len(unavailable) == 1 and "no module lzma" in unavailable[0].reason
    assert on_device.installed(tmp_path) is None


def test_links_in_an_archive_are_left_out(tiny_bundle: Path, tmp_path: Path):
    folder = packed(tiny_bundle, tmp_path / "tiny")
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("mapping.onnx")
        entry.type, entry.linkname = tarfile.SYMTYPE, "nowhere"
        archive.addfile(entry)
    (folder / packed_files.PACKED_GRAPHS).write_bytes(lzma.compress(file.getvalue()))
    bundles, unavailable = discover(tmp_path)
    assert not bundles and "missing" in unavailable[0].reason


def test_a_packed_bundle_that_is_changed_holds_its_graphs_once(tiny_bundle: Path, tmp_path: Path):
    folder = packed(tiny_bundle, tmp_path / "tiny")
    bundle = read(folder)
    update_bundle(bundle, bundle.info.model_copy(update={"title": "Zahlen"}))
    assert not (folder / packed_files.PACKED_GRAPHS).exists()
    assert read(folder).info.title == "Zahlen" and read(folder).version == bundle.version
