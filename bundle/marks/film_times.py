"""For how long each frame of a moving picture is shown, read from the file without decoding a pixel.

PNG: https://www.w3.org/TR/png-3/#fcTL-chunk; WebP: https://developers.google.com/speed/webp/docs/riff_container;
GIF89a, sections 18 to 26.
"""

from collections.abc import Iterator

from bundle.marks.formats import CHUNK, PNG_BEGINS, Format

STILL = [0.0]  # one picture, which does not move
GIF_TABLE, GIF_EXTENSION, GIF_CONTROL, GIF_IMAGE = 0x80, 0x21, 0xF9, 0x2C


def film_times(data: bytes, kind: Format) -> list[float]:
    """Milliseconds of each frame of a PNG, WebP or GIF, in order; 0 for a picture that does not move. What was cut off
    is missing."""
    match kind:
        case "PNG":
            return list(_png(data)) or STILL
        case "WEBP":
            return list(_webp(data)) or STILL
        case "GIF":
            return list(_gif(data)) or STILL
    return STILL


def _png(data: bytes) -> Iterator[float]:
    at = len(PNG_BEGINS)
    while at + CHUNK <= len(data):
        length, name, content = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8], at + 8
        if name == b"fcTL":
            share, whole = (int.from_bytes(data[content + i : content + i + 2]) for i in (20, 22))
            yield 1000 * share / (whole or 100)
        at += CHUNK + length


def _webp(data: bytes) -> Iterator[float]:
    at = 12
    while at + 8 <= len(data):
        if data[at : at + 4] == b"ANMF":
            yield int.from_bytes(data[at + 20 : at + 23], "little")
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + length + length % 2


def _gif(data: bytes) -> Iterator[float]:
    at, pause = 13 + _table(data, 10), 0
    while at + 1 < len(data):
        if data[at] == GIF_EXTENSION:
            if data[at + 1] == GIF_CONTROL:
                pause = 10 * int.from_bytes(data[at + 4 : at + 6], "little")
            at = _behind_parts(data, at + 2)
        elif data[at] == GIF_IMAGE:
            yield pause
            pause = 0
            at = _behind_parts(data, at + 11 + _table(data, at + 9))
        else:
            return


def _table(data: bytes, flags_at: int) -> int:
    """The length of the table of colours that these flags announce."""
    flags = data[flags_at] if flags_at < len(data) else 0
    return 3 * 2 ** ((flags & 7) + 1) if flags & GIF_TABLE else 0


def _behind_parts(data: bytes, at: int) -> int:
    """Where parts end that each begin with their length, the last with 0."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1
