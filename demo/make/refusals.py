"""Why a file that was brought is no picture, in words for whoever brought it."""

import re

from bundle.picture_files import HEIC_BRANDS, tiff_tags

ARCHIVES = (b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"PK")  # a zip without its end is none
BEGINNINGS = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8|RIFF.{4}WEBP|BM.{4}\0{4}|II\*\0|MM\0\*|P[1-7]\s|.{4}ftypavi[fs]"
    rb"|\0\0\0\x0cjP  |\xff\x4f\xff\x51|\0\0\x01\0",
    re.DOTALL,
)
"""Of pictures in the formats that are read, whatever follows."""
NO_PICTURE = "no picture"


def why_refused(data: bytes) -> str:
    """The reason for a file that cannot be opened as a picture."""
    if not data:
        return "empty"
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS:
        return "HEIC, as iPhones take it: save it as JPEG (on the phone: Settings, Camera, Formats, Most Compatible)"
    if data.startswith(ARCHIVES):
        return "an archive that is no whole zip: unpack it, and drop the folder"
    if data.startswith(b"%PDF"):
        return "a PDF: save its pages as pictures"
    if tiff_tags(data):  # whole, in a form that is not read
        return NO_PICTURE
    return "damaged" if BEGINNINGS.match(data) else NO_PICTURE
