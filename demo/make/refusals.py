"""Why a file that was brought is no picture, in words for whoever brought it."""

from bundle.picture_files import HEIC_BRANDS, PICTURE_BEGINS, tiff_tags

ARCHIVES = (b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"PK")  # a zip without its end is none
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
    return "damaged" if PICTURE_BEGINS.match(data) else NO_PICTURE
