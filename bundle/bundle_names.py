"""Names of bundles, which stand in addresses: made from any text, and checked; and their titles, for people."""

import re
import unicodedata

from bundle.errors import UserError
from bundle.schema import BUNDLE_NAME, MAX_BUNDLE_NAME, MAX_TITLE


def name_from(text: str) -> str:
    """A name made from any text, such as "Émile's cats" -> "emile-s-cats"; "" where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-_")[:MAX_BUNDLE_NAME]


def check_name(name: str) -> None:
    """Raises UserError for what cannot be the name of a bundle."""
    if not re.fullmatch(BUNDLE_NAME, name):
        raise UserError(f"'{name}' cannot be a bundle's name: use lower-case letters, digits, - and _ with --name.")


def check_title(title: str) -> None:
    """Raises UserError for what cannot be the title of a bundle."""
    if not 1 <= len(title) <= MAX_TITLE:
        raise UserError(f"A title has 1 to {MAX_TITLE} characters, not {len(title)}: choose another one with --title.")
    check_line("title", title)


def check_line(flag: str, text: str) -> None:
    """Raises UserError for text with line breaks, other control characters, or bytes that are no text, which an index
    and a model card cannot hold."""
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text):
        raise UserError(f"--{flag} must be one line of text, without control characters, not {text!a}.")
