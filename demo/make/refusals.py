"""Why a file that was brought is no picture, in words for whoever brought it."""

from bundle.picture_files import JPEG_BEGINS

HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
ARCHIVES = (b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"PK")  # a zip without its end is none
BEGINNINGS = (JPEG_BEGINS, b"\x89PNG\r\n\x1a\n", b"GIF8")  # of pictures, whatever follows
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
    return "damaged" if data.startswith(BEGINNINGS) else NO_PICTURE
