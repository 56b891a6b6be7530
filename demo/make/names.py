"""Names that visitors give: of folders that they bring, and of classes. Each becomes the name of a folder."""

import unicodedata
from collections.abc import Collection

from bundle.errors import InputError

MAX_CLASS_NAME = 40
NO_FOLDERS = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}
"""Names that Windows gives to no folder, in capitals neither."""
VARIATION_SELECTORS = {chr(code) for code in range(0xFE00, 0xFE10)}
RULE = "A class may be named with letters, digits, spaces, - and _, and begins with a letter or a digit."


def plain_name(text: str) -> str:
    """A name without what no folder may have in its name, and with a number where none may be called so; "" where
    nothing is left that can be seen: no letter and no digit."""
    words = "".join(letter if allowed(letter) else " " for letter in text)
    name = " ".join(words.split()).lstrip("-_ ")[:MAX_CLASS_NAME].strip()
    if name.casefold() in NO_FOLDERS:
        return f"{name} 2"
    return name if any(map(str.isalnum, name)) else ""


def spelled_name(text: str) -> str:
    """As `plain_name`; where nothing else is left, signs are spelled out: 🐱 is cat face."""
    signs = (sign for sign in text if sign not in VARIATION_SELECTORS)
    return plain_name(text) or plain_name(" ".join(unicodedata.name(sign, "").lower() for sign in signs))


def free_name(wanted: str, taken: Collection[str]) -> str:
    """A name that is not `taken`, be it by a number. `taken`: names in casefold, as many disks take capitals for the
    same."""
    name, number = wanted, 1
    while name.casefold() in taken:
        number += 1
        name = f"{wanted[: MAX_CLASS_NAME - len(f' {number}')].rstrip()} {number}"
    return name


def allowed(letter: str) -> bool:
    """Whether a letter may stand in a name: letters and digits of any script with their accents, space, - and _. What
    keyboards put behind an emoji (a variation selector) is no accent."""
    accent = unicodedata.category(letter).startswith("M") and letter not in VARIATION_SELECTORS
    return letter.isalnum() or letter in " -_" or accent


def check_class_name(name: str, others: set[str]) -> None:
    """Raises InputError for a name that a class beside `others` cannot have: an empty one, one with a slash, one that
    differs from another in capitals only, which many disks take for the same."""
    if not name or plain_name(name) != name:
        if len(name) > MAX_CLASS_NAME:
            raise InputError(f"The name of a class has at most {MAX_CLASS_NAME} letters.")
        if name.casefold() in NO_FOLDERS:
            raise InputError(f"On Windows no class can be called {name}: take another name.")
        raise InputError(RULE)
    if same := next((other for other in sorted(others) if other != name and other.casefold() == name.casefold()), None):
        raise InputError(f"There is a class {same} already.")
