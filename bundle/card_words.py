"""What the maker of a bundle says of it: a section of its model card, apart from the facts."""

import re

from bundle.card_sections import CardSection

ADDRESS = re.compile(r"https?://\S+")
# What Markdown reads as its own, wherever it stands; and at the beginning of a line, a number's dot or bracket too.
ANYWHERE = re.compile(r"[\\`*\[\]~|$]|(?<![^\W_])_|_(?![^\W_])")  # within a word, as in addresses, _ is a letter
LINE_BEGINS = re.compile(r"^(\d*)([#+\-=>.)])")
SECTION = CardSection("words")


def with_words(card: str, words: str) -> str:
    """A model card with these words below its title, in place of those that it has; "" takes them out.

    They are quoted and escaped, so that no word of theirs becomes a heading, a picture or other markup of the card.
    """
    if found := SECTION.around(card):
        card = found[0].rstrip() + found[1]
    if not words.strip():
        return card
    head, _, rest = f"\n{card}".partition("\n# ")
    if not rest:
        return f"{card.rstrip()}\n\n{section(words)}\n"
    heading, _, body = rest.partition("\n")
    return f"{head}\n# {heading}\n\n{section(words)}\n{body}"[1:]


def with_title(card: str, title: str) -> str:
    """A model card whose first heading is this title."""
    head, mark, rest = f"\n{card}".partition("\n# ")
    body = rest.partition("\n")[2]
    return f"{head}{mark}{title}\n{body}"[1:] if mark else card


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
