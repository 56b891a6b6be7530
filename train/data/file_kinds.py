"""Which files are pictures, and what to do about those that are none: by their endings, else by how they begin."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from bundle.picture_files import HEIC_BRANDS, IMAGE_SUFFIXES, PICTURE_BEGINS
from train.data.wording import listed

BEGINNING = 32  # bytes that tell a kind


@dataclass(frozen=True)
class FileKind:
    """Files that are no pictures, though somebody may think so.

    `called`: one of them; its plural ends in s. `instead`: what to do with them. `begins`: (offset, bytes) that give
    one away, whatever it is named.
    """

    called: str
    instead: str
    suffixes: frozenset[str]
    begins: tuple[tuple[int, bytes], ...] = ()


def file_kind(called: str, instead: str, suffixes: str, *begins: tuple[int, bytes]) -> FileKind:
    """A kind whose endings are given as one text: ".mp4 .mov"."""
    return FileKind(called, instead, frozenset(suffixes.split()), begins)


KINDS = (
    file_kind(
        "HEIC photograph", "convert them to JPEG, e.g. with: magick mogrify -format jpg *.heic",
        ".heic .heif .hif", *((4, b"ftyp" + brand) for brand in HEIC_BRANDS),
    ),
    file_kind(
        "JPEG XL picture", "convert them to PNG, e.g. with: magick mogrify -format png *.jxl",
        ".jxl", (0, b"\xff\x0a"), (4, b"JXL \r\n"),
    ),
    file_kind(
        "camera raw file", "develop them to JPEG or TIFF",
        ".cr2 .cr3 .crw .nef .nrw .arw .sr2 .dng .orf .rw2 .raf .pef .srw .x3f .raw", (4, b"ftypcrx"), (0, b"FUJIFILM"),
    ),
    file_kind(
        "film", "take pictures out of them, e.g. with: ffmpeg -i film.mp4 -vf fps=2 frame-%05d.png",
        ".mp4 .mov .m4v .avi .mkv .webm .mpg .mpeg .wmv .flv .3gp",
        *((4, b"ftyp" + brand) for brand in (b"isom", b"mp4", b"iso2", b"qt  ", b"M4V", b"avc1", b"3gp")),
        (0, b"\x1aE\xdf\xa3"), (8, b"AVI "),
    ),
    file_kind(
        "PDF", "save their pages as pictures, e.g. with: pdftoppm -png file.pdf page", ".pdf", (0, b"%PDF"),
    ),
    file_kind(
        "vector drawing", "save them as PNG, in the size that you train at",
        ".svg .svgz .ai .eps .ps .emf .wmf .cdr", (0, b"<svg"), (0, b"%!PS"),
    ),
    file_kind(
        "layered drawing", "export them as PNG",
        ".psd .psb .xcf .kra .clip .sai .procreate .afphoto", (0, b"8BPS"), (0, b"gimp xcf"),
    ),
    file_kind(
        "archive", "unpack them, and name the folder",
        ".tar .tgz .tbz2 .txz .gz .bz2 .xz .zst .7z .rar .zip .iso",
        (0, b"PK\x03\x04"), (0, b"\x1f\x8b"), (0, b"7z\xbc\xaf"), (0, b"Rar!"), (0, b"BZh"), (0, b"\xfd7zXZ"),
    ),
    file_kind(
        "medical or microscope file", "save their slices as 16-bit PNG or TIFF",
        ".dcm .dicom .nii .mha .mhd .nrrd .czi .nd2 .lif .oib .svs .ndpi",
    ),
    file_kind(
        "numeric array", "save its pictures as PNG or TIFF, or all of them as parquet",
        ".npy .npz .h5 .hdf5 .mat .pkl .pickle .pt .pth .tfrecord .mdb .fits", (0, b"\x93NUMPY"), (0, b"\x89HDF"),
    ),
    file_kind(
        "uncommon picture", "convert them to PNG or TIFF",
        ".tga .dds .exr .hdr .pcx .sgi .rgb .bpg .flif .wbmp .cur .icns .jxr .wdp .xpm .xbm .ras",
        (0, b"\x76\x2f\x31\x01"), (0, b"#?RADIANCE"), (0, b"DDS "), (0, b"BPG\xfb"),
    ),
)  # fmt: skip
# Text, which may begin like a picture: "P1 is Anna" like a bitmap.
TEXTS = frozenset(
    {".txt", ".text", ".md", ".rst", ".tex", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml"}
    | {".ini", ".cfg", ".log", ".html", ".htm", ".css", ".js", ".py"}
)
COPIES = frozenset({".bak", ".tmp", ".part", ".crdownload", ".orig", ".old"})  # of other files, often of pictures


def begins_like(data: bytes, beginnings: Iterable[tuple[int, bytes]]) -> bool:
    """Whether one of them stands at its place."""
    return any(data[at : at + len(begin)] == begin for at, begin in beginnings)


def kind_of_name(name: PurePosixPath) -> FileKind | None:
    """The kind that the ending says; None for pictures and for unknown endings."""
    suffix = name.suffix.lower()
    return next((kind for kind in KINDS if suffix in kind.suffixes), None)


def kind_of_content(data: bytes) -> FileKind | None:
    """The kind that the beginning of a file says; None for pictures and for what is unknown."""
    start = data[:BEGINNING]
    text = start.lstrip(b"\xef\xbb\xbf \r\n")  # a drawing may begin with a byte-order mark or with blank lines
    return next((kind for kind in KINDS if begins_like(start, kind.begins) or begins_like(text, kind.begins)), None)


def picture_names(
    names: Iterable[PurePosixPath], beginning: Callable[[PurePosixPath], bytes]
) -> tuple[list[PurePosixPath], list[PurePosixPath]]:
    """(names of pictures, all others), in the order in which they came.

    An ending decides where it is known, else the first bytes, which `beginning` gives; its OSErrors mean no picture.
    """
    found: list[PurePosixPath] = []
    others: list[PurePosixPath] = []
    for name in names:
        (found if is_picture(name, beginning) else others).append(name)
    return found, others


def is_picture(name: PurePosixPath, beginning: Callable[[PurePosixPath], bytes]) -> bool:
    """Whether a file is a picture, by its ending or else by its first bytes, as for `picture_names`."""
    suffix = name.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return True
    if suffix in COPIES | TEXTS or suffix.endswith("~") or kind_of_name(name):
        return False
    try:
        return PICTURE_BEGINS.match(beginning(name)) is not None  # photo.jpg_large
    except Exception:  # of files and zips that are torn
        return False


def left_out(names: Iterable[PurePosixPath]) -> list[str]:
    """A sentence for each kind of file that is no picture: how many, the first ones, and what to do with them."""
    kinds: dict[FileKind | None, list[str]] = {}
    for name in names:
        kinds.setdefault(kind_of_name(name), []).append(str(name))
    return [
        f"left out {listed(names, 'file')} of other kinds"
        if kind is None
        else f"left out {listed(names, kind.called)}: {kind.instead}"
        for kind, names in kinds.items()
    ]
