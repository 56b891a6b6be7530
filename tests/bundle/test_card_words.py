"""What a maker says of a bundle: in its card, quoted, changed and taken out again, without harm to the rest."""

from bundle.card_words import SECTION, with_title, with_words

CARD = "---\nlicense: other\n---\n\n# Cats\n\nA VAE.\n\n## Use\n"


def test_words_stand_below_the_title_and_can_be_changed_and_taken_out():
    once = with_words(CARD, "My own cats.\nAll of them.")
    assert once.index("# Cats") < once.index("> My own cats.\n> All of them.") < once.index("A VAE.")
    twice = with_words(once, "Other words")
    assert "My own" not in twice and "> Other words" in twice and twice.count(SECTION.begin) == 1
    assert with_words(twice, "").split() == CARD.split()


def test_words_are_no_markup_of_the_card():
    found = with_words(CARD, f"# Heading\n{SECTION.end}\n<script>alert(1)</script>")
    assert "> # Heading" in found and found.count(SECTION.end) == 1 and "<script>" not in found


def test_a_card_without_a_title_has_them_at_its_end():
    assert with_words("no heading", "words").startswith("no heading\n\n" + SECTION.begin)


def test_the_title_of_a_card_is_its_first_heading():
    assert with_title(CARD, "Dogs") == CARD.replace("# Cats", "# Dogs")
    assert with_title("# Cats\n\n# Use\n", "Dogs") == "# Dogs\n\n# Use\n"
    assert with_title("none", "Dogs") == "none"
