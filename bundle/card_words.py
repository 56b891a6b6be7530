"""What the maker of a bundle says of it: a section of its model card, apart from the facts."""

import re

from bundle.card_sections import CardSection
from bundle.model_index import FRONT

ADDRESS = re.compile(r"https?://\S+")
# What Markdown reads as its own, wherever it stands; and at the beginning of a line, a number's dot or bracket too.
ANYWHERE = re.compile(r"[\\`*\[\]~|$]|(?<![^\W_])_|_(?![^\W_])")  # within a word, as in addresses, _ is a letter
LINE_BEGINS = re.compile(r"^(\d*)([#+\-=>.)])")
HEADING, NEW_LINE = re.compile(r"^# .*", re.MULTILINE), "\n"
SECTION = CardSection("words")


def with_words(card: str, words: str) -> str:
    """A model card with these words below its title, in place of those that it has; "" takes them out.

    They are quoted and escaped, so that no word of theirs becomes a heading, a picture or other markup of the card.
    """
    if found := SECTION.around(card):
        card = found[0].rstrip() + found[1]
    if not words.strip():
        return card
    if not (heading := _heading(card)):
        return f"{card.rstrip()}\n\n{section(words)}\n"
    return f"{card[: heading.end()]}\n\n{section(words)}{card[heading.end() :] or NEW_LINE}"


def with_title(card: str, title: str) -> str:
    """A model card whose first heading is this title."""
    heading = _heading(card)
    return f"{card[: heading.start()]}# {title}{card[heading.end() :] or NEW_LINE}" if heading else card


def _heading(card: str) -> re.Match[str] | None:
    """The line with the first heading of a card; in its front matter such a line is a comment of YAML."""
    front = FRONT.match(card)
    return HEADING.search(card, front.end() if front else 0)


def section(words: str) -> str:
    """The words between their marks."""
    plain = words.replace("<!--", "< !--").replace("-->", "-- >").replace("&", "&amp;").replace("<", "&lt;")
    quoted = "\n".join(f"> {_escaped(line)}".rstrip() for line in plain.strip().splitlines())
    return SECTION.written(quoted)


def _escaped(line: str) -> str:
    """A line that Markdown shows as it is: without the spaces before it, four of which would make it code. Addresses,
    which pages link as they stand, have Markdown's characters in percent."""
    linked = ADDRESS.sub(lambda address: ANYWHERE.sub(lambda one: f"%{ord(one[0]):02X}", address[0]), line.strip())
    return LINE_BEGINS.sub(r"\1\\\2", ANYWHERE.sub(r"\\\g<0>", linked))
