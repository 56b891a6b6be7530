"""What the maker of a bundle says of it: a section of its model card, apart from the facts."""

from bundle.card_sections import CardSection

SECTION = CardSection("words")


def with_words(card: str, words: str) -> str:
    """A model card with these words below its title, in place of those that it has; "" takes them out.

    They are quoted, so that no word of theirs becomes a heading, a picture or markup of the card.
    """
    if found := SECTION.around(card):
        card = found[0].rstrip() + found[1]
    if not words.strip():
        return card
    title, _, rest = card.partition("\n# ")
    if not rest:
        return f"{card.rstrip()}\n\n{section(words)}\n"
    heading, _, body = rest.partition("\n")
    return f"{title}\n# {heading}\n\n{section(words)}\n{body}"


def with_title(card: str, title: str) -> str:
    """A model card whose first heading is this title."""
    head, mark, rest = f"\n{card}".partition("\n# ")
    body = rest.partition("\n")[2]
    return f"{head}{mark}{title}\n{body}"[1:] if mark else card


def section(words: str) -> str:
    """The words between their marks."""
    plain = words.replace("<!--", "< !--").replace("-->", "-- >").replace("<", "&lt;")
    quoted = "\n".join(f"> {line}".rstrip() for line in plain.strip().splitlines())
    return SECTION.written(quoted)
