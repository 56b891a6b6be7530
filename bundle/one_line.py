"""A text of a stranger as one line: a title, a licence, what a mark says."""

import unicodedata


def one_line(text: str) -> str:
    """The text on one line, without control characters and halves of a letter: no command line takes a zero, and no
    file such a half."""
    return " ".join("".join(" " if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in text).split())
