"""The files in a zip: what each is called, whoever packed it, and its bytes.

A zip says of each name whether it is UTF-8. Where it does not, the standard means code page 437, but macOS writes UTF-8
all the same, and Windows the code page of its language, of which the Chinese one can be told from Western letters.
"""

import re
import unicodedata
import zipfile
from typing import IO

UTF8_FLAG = 0x800
STANDARD = "cp437"  # as zipfile reads names without the flag
STANDARD_LETTERS = frozenset(bytes(range(256)).decode(STANDARD))
BROKEN_ZIP = (zipfile.BadZipFile, OSError, ValueError, NotImplementedError)
"""What zipfile raises for what is no zip, or a damaged one, when it is opened."""
ENTRY_MARK = b"PK\x01\x02"
"""With what each file begins in the list of them at the end of a zip."""
PIECE = 1 << 22
CHINESE = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xa9\xb0-\xf7][\xa1-\xfe])*")  # GB 2312: its signs, its ideographs


def entry_marks(file: IO[bytes]) -> int:
    """How many files a zip has at most, those of zips in it included. To open one takes a kilobyte of memory for each;
    and the count that a zip states may be wrong, which nobody notices who opens it."""
    file.seek(0)
    count, end = 0, b""
    while piece := file.read(PIECE):
        held = end + piece
        count += held.count(ENTRY_MARK)
        end = held[1 - len(ENTRY_MARK) :]
    return count


def entry_names(entries: list[zipfile.ZipInfo]) -> list[str]:
    """What the files of one zip are called, in their order. All names without the flag are in one code page."""
    unsure = [entry.filename.encode(STANDARD) for entry in entries if not told_as_utf8(entry)]
    encoding = encoding_of(unsure)
    return [
        entry.filename if told_as_utf8(entry) else entry.filename.encode(STANDARD).decode(encoding) for entry in entries
    ]


def told_as_utf8(entry: zipfile.ZipInfo) -> bool:
    """Whether the name of an entry needs no guess: it carries the flag, has letters of ASCII only, or was told in UTF-8
    beside the entry, which Python 3.12 and newer read."""
    if entry.flag_bits & UTF8_FLAG or entry.filename.isascii():
        return True
    return not set(entry.filename) <= STANDARD_LETTERS


def encoding_of(names: list[bytes]) -> str:
    """The code page in which all of these names make sense. Few Chinese names are UTF-8 as well, by chance; what they
    say there mixes alphabets."""
    chinese = all(CHINESE.fullmatch(name) for name in names)
    texts = decoded(names, "utf-8")
    if texts is not None and (not chinese or all(map(one_alphabet, texts))):
        return "utf-8"
    if chinese and decoded(names, "gb18030") is not None:
        return "gb18030"
    return STANDARD


def decoded(names: list[bytes], encoding: str) -> list[str] | None:
    """The names in this code page; None where one is not in it."""
    try:
        return [name.decode(encoding) for name in names]
    except UnicodeDecodeError:
        return None


def one_alphabet(text: str) -> bool:
    """Whether all letters beyond ASCII are of one alphabet."""
    letters = (letter for letter in text if letter.isalpha() and not letter.isascii())
    return len({unicodedata.name(letter, "").partition(" ")[0] for letter in letters}) < 2


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """The bytes of one file. Raises OSError for more than `most`, and for a damaged one; zipfile never reads more than
    was declared."""
    if entry.file_size > most:
        raise OSError(f"{entry.file_size / 1e6:.0f} MB are too large")
    try:
        return archive.read(entry)
    except Exception as problem:  # zlib, bz2 and lzma have errors of their own
        raise OSError(str(problem) or "it ends too early") from problem
