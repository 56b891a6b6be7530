"""Marks in files: in their own place, small, and no pixel changed."""

import io
import struct
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageSequence

from bundle import images
from bundle.marks import COMPOSITE, TRAINED, Film, Mark, Point, formats, known_state, plain_state, xmp

RNG = np.random.default_rng(3)
PICTURE = RNG.integers(0, 256, (32, 40, 3), dtype=np.uint8)
STATE = plain_state(Point(m="gan", x=7.25, y=-0.5, c={3: 0.5, 5: 0.5}, t=0.8, attributes={'a<b&"c"': 1.5, "眼镜": -2}))
MARK = Mark(source=TRAINED, bundle="tiny", sha256="ab" * 32, state=STATE)
LONG = MARK.model_copy(update={"state": {"draw": "point", "padding": "é<" * 2000}})
MARKS = {"usual": MARK, "composite": MARK.model_copy(update={"source": COMPOSITE}), "bare": Mark(source=TRAINED)}


def gif(frames: int = 3) -> bytes:
    first, *rest = (Image.fromarray(RNG.integers(0, 256, (32, 32), dtype=np.uint8)) for _ in range(frames))
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=50, loop=0)
    return buffer.getvalue()


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


MP4 = box(b"ftyp", b"isomiso2") + box(b"moov", bytes(40)) + box(b"mdat", bytes(100))


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS)
def test_a_mark_is_read_as_it_was_written(mark: Mark):
    for data in (
        formats.png(PICTURE, mark),
        formats.webp(PICTURE, mark),
        formats.gif(gif(), mark),
        formats.mp4(MP4, mark),
    ):
        found = xmp.read(data)
        assert (found.mark, found.source, found.tool) == (mark, mark.source, xmp.TOOL)
        assert not found.long and not found.torn
    assert known_state(MARK) == Point(**STATE)


def test_png_has_it_as_xmp_and_as_text_before_the_pixels():
    data = formats.png(PICTURE, MARK)
    with Image.open(io.BytesIO(data)) as image:
        assert (np.asarray(image) == PICTURE).all()
        assert image.info["xmp"] == image.text[formats.PNG_XMP].encode() == xmp.block(MARK)
        (described,) = ElementTree.fromstring(image.info["xmp"]).iter(f"{{{xmp.RDF}}}Description")
        assert described.attrib[f"{{{xmp.IPTC}}}DigitalSourceType"] == xmp.SOURCES + TRAINED
        assert image.text["Software"] == xmp.TOOL and image.text["Comment"] == xmp.state_text(MARK)
        assert "bundle tiny" in image.text["Description"]
    assert data.index(b"</x:xmpmeta>") < data.index(b"IDAT")


def test_webp_has_it_in_its_own_chunk():
    data = formats.webp(PICTURE, MARK)
    with Image.open(io.BytesIO(data)) as image:
        assert (np.asarray(image) == PICTURE).all() and image.info["xmp"] == xmp.block(MARK)
    assert b"XMP " in data and xmp.read(data).mark == MARK


def gif_blocks(data: bytes) -> list[tuple[int, int, bytes]]:
    """The blocks of a GIF as (introducer, label, the parts of its content), read as any reader does."""
    flags = data[10]
    at, found = 13 + (3 << (flags & 7) + 1 if flags & 128 else 0), []
    while data[at] != 0x3B:
        introducer, label = data[at], data[at + 1] if data[at] == 0x21 else 0
        if introducer == 0x2C:
            at += 10 + (3 << (data[at + 9] & 7) + 1 if data[at + 9] & 128 else 0) + 1
        else:
            assert introducer == 0x21
            at += 2
        content = b""
        while data[at]:
            content += data[at + 1 : at + 1 + data[at]]
            at += 1 + data[at]
        at += 1
        found.append((introducer, label, content))
    assert at == len(data) - 1
    return found


def test_gif_has_it_in_an_application_extension_and_every_reader_finds_the_end():
    plain = gif()
    data = formats.gif(plain, MARK)
    before, after = gif_blocks(plain), gif_blocks(data)
    assert after[:-1] == before and after[-1][:2] == (0x21, 0xFF) and after[-1][2].startswith(b"XMP DataXMP")
    with Image.open(io.BytesIO(plain)) as one, Image.open(io.BytesIO(data)) as other:
        pairs = zip(ImageSequence.Iterator(one), ImageSequence.Iterator(other), strict=True)
        assert all((np.asarray(a.convert("RGB")) == np.asarray(b.convert("RGB"))).all() for a, b in pairs)


def test_mp4_has_it_in_a_box_of_its_own_that_moves_no_other():
    data = formats.mp4(MP4, MARK)
    assert data.startswith(MP4)
    size, kind = struct.unpack(">I4s", data[len(MP4) : len(MP4) + 8])
    assert size == len(data) - len(MP4) and kind == b"uuid"
    assert data[len(MP4) + 8 :] == formats.MP4_XMP + xmp.block(MARK)


@pytest.mark.parametrize("mark", [*MARKS.values(), LONG], ids=[*MARKS, "long"])
def test_a_mark_adds_less_than_2_kB(mark: Mark):
    assert len(formats.png(PICTURE, mark)) - len(images.png(PICTURE)) < 2000
    assert len(formats.gif(gif(), mark)) - len(gif()) < 2000
    assert len(formats.mp4(MP4, mark)) - len(MP4) < 2000


def test_a_state_that_is_too_long_is_left_out():
    found = xmp.read(formats.png(PICTURE, LONG)).mark
    assert found is not None and found.state is None and found.bundle == "tiny"


def test_the_longest_morph_that_the_demo_exports_fits():
    keys = tuple((123456.1234 + i, -98765.4321) for i in range(16))
    times = tuple(round(37.12 * i, 2) for i in range(16))
    film = Film(
        m="gan", keys=keys, classes=(12,) * 16, path="spherical", loop=True, frames=36_000, fps=60, t=0.77,
        times=times, easing=("smooth", "linear") * 8, seconds=600,
    )  # fmt: skip
    mark = Mark(source=TRAINED, bundle="b" * 64, sha256="0" * 64, state=plain_state(film))
    found = xmp.read(xmp.block(mark)).mark
    assert found == mark and known_state(mark) == film


# --- what strangers write ----------------------------------------------------------------------------


def block_of(inside: str) -> bytes:
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{xmp.RDF}">{inside}</rdf:RDF></x:xmpmeta>'.encode()


def test_another_tool_s_way_to_write_the_same_is_read():
    """As elements with other prefixes, as exiftool writes them."""
    inside = (
        f'<rdf:Description xmlns:e="{xmp.IPTC}"><e:DigitalSourceType>{xmp.SOURCES}{TRAINED}</e:DigitalSourceType>'
        "</rdf:Description>"
        f'<rdf:Description xmlns:x1="{xmp.XMP}"><x1:CreatorTool>A tool</x1:CreatorTool></rdf:Description>'
    )
    found = xmp.read(b"junk" + block_of(inside) + b"junk")
    assert found.mark == Mark(source=TRAINED) and found.tool == "A tool"


def test_another_source_is_told_and_is_no_mark():
    inside = f'<rdf:Description xmlns:e="{xmp.IPTC}" e:DigitalSourceType="{xmp.SOURCES}digitalCapture"/>'
    found = xmp.read(block_of(inside))
    assert found.mark is None and found.source == "digitalCapture"


def test_what_a_mark_says_is_one_line():
    words = "Twofold.&#10;photo.png: The bundle draws the same picture again.&#x9b;31m"
    inside = (
        f'<rdf:Description xmlns:e="{xmp.IPTC}" e:DigitalSourceType="{xmp.SOURCES}a&#10;b" '
        f'xmlns:x1="{xmp.XMP}" x1:CreatorTool="{words}"/>'
    )
    found = xmp.read(block_of(inside))
    assert found.tool == "Twofold. photo.png: The bundle draws the same picture again. 31m" and found.source == "a b"


@pytest.mark.parametrize(
    "data",
    [
        b"<x:xmpmeta>&</x:xmpmeta>",
        b"<x:xmpmeta><!ENTITY a 'b'></x:xmpmeta>",
        b"<x:xmpmeta" + b"<a>" * 20_000 + b"</x:xmpmeta>",
        b"<x:xmpmeta" * 100_000,
        xmp.block(MARK)[:600],
    ],
    ids=["no xml", "entities", "deep", "many", "cut"],
)
def test_blocks_that_cannot_be_read_are_said_to_be(data: bytes):
    found = xmp.read(data)
    assert found.mark is None and (found.torn or found.long)


def test_a_block_of_10_MB_is_not_read_but_the_mark_behind_it_is():
    huge = b"<x:xmpmeta" + b" " * 10_000_000 + b"</x:xmpmeta>"
    found = xmp.read(huge)
    assert found.mark is None and found.long
    assert xmp.read(huge + xmp.block(MARK)).mark == MARK


@pytest.mark.parametrize(
    "state",
    [None, {}, {"draw": "point"}, {"draw": "point", "m": "gan", "x": 1e9, "y": 0}, {"draw": ["point"]},
     {"draw": "sheet", "m": "gan", "seed": 0, "count": 10**9, "columns": 1}, {"draw": "edit", "seed": "3"},
     {"draw": "film", "m": "gan", "keys": [0] * 99, "path": "linear", "loop": True, "frames": 2},
     {"draw": "morph", "m": "gan", "keys": [0, 1], "classes": [1], "path": "linear", "loop": True, "p": 0.5}],
)  # fmt: skip
def test_states_that_cannot_be_are_none(state: dict | None):
    assert known_state(Mark(source=TRAINED, bundle="tiny", state=state)) is None


def test_pictures_in_boxes_are_no_films():
    assert formats.format_of(MP4) == "MP4"
    for brand in (b"avif", b"avis", b"heic", b"mif1"):
        assert formats.format_of(box(b"ftyp", brand + b"isom") + bytes(50)) is None
    assert formats.format_of(b"RIFF\x24\0\0\0WAVEfmt ") is None
