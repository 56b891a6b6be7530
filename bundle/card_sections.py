"""Sections of a model card that commands write anew, each between two comments; the rest of the card stays."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CardSection:
    """A section by the name in its comments, such as "quality"."""

    name: str

    @property
    def begin(self) -> str:
        """The comment before it."""
        return f"<!-- {self.name}: begin -->"

    @property
    def end(self) -> str:
        """The comment after it."""
        return f"<!-- {self.name}: end -->"

    def written(self, body: str) -> str:
        """The section with this body between its comments."""
        return f"{self.begin}\n{body}\n{self.end}"

    def around(self, card: str) -> tuple[str, str] | None:
        """What stands before and after the section in a card; None where the card has none."""
        head, begun, rest = card.partition(self.begin)
        _, ended, tail = rest.partition(self.end)
        return (head, tail) if begun and ended else None
