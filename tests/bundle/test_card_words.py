"""What a maker says of a bundle: in its card, quoted, changed and taken out again, without harm to the rest."""

import html
import re

import pytest

from bundle.card_words import SECTION, with_title, with_words

CARD = "---\nlicense: other\n---\n\n# Cats\n\nA VAE.\n\n## Use\n"


def test_words_stand_below_the_title_and_can_be_changed_and_taken_out():
    once = with_words(CARD, "My own cats.\nAll of them.")
    assert once.index("# Cats") < once.index("> My own cats.\n> All of them.") < once.index("A VAE.")
    twice = with_words(once, "Other words")
    assert "My own" not in twice and "> Other words" in twice and twice.count(SECTION.begin) == 1
    assert with_words(twice, "").split() == CARD.split()


MARKUP = """# Heading
![x](https://e.org/x.png) [link](https://e.org) &#33; $x$
- item
* item
1. item
2) item
    code
**bold** _italic_ ~~gone~~ `code`
> deeper
| a | b |
|---|---|
Title
=====
***
```
<script>alert(1)</script>
C:\\*"""


def test_words_are_no_markup_of_the_card():
    found = with_words(CARD, f"{MARKUP}\n{SECTION.end}")
    assert found.count(SECTION.end) == 1 and "<script>" not in found
    markdown_it = pytest.importorskip("markdown_it", reason="needs markdown-it-py")
    shown = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).render(found)
    quoted = shown[shown.index("<blockquote>") : shown.index("</blockquote>")]
    assert set(re.findall(r"<\w+", quoted)) == {"<blockquote", "<p"}
    text = html.unescape(re.sub(r"<[^>]+>", "", quoted))
    wanted = [line.strip() for line in f"{MARKUP}\n{SECTION.end}".replace("<!--", "< !--").splitlines()]
    assert [line.strip() for line in text.strip().splitlines()] == [line.replace("-->", "-- >") for line in wanted]


def test_words_keep_the_underscores_of_addresses():
    assert "https://e.org/my_own_cats" in with_words(CARD, "See https://e.org/my_own_cats")
    assert "https://e.org/%7Ecats/%5Fown" in with_words(CARD, "See https://e.org/~cats/_own")  # which links go to


def test_a_card_without_a_title_has_them_at_its_end():
    assert with_words("no heading", "words").startswith("no heading\n\n" + SECTION.begin)


def test_a_title_may_stand_on_the_first_line():
    found = with_words("# Cats\n\nA bundle.\n", "words")
    assert found.index("# Cats") < found.index("> words") < found.index("A bundle.")


def test_a_comment_in_the_front_matter_is_no_title():
    """The Hub's own template for cards begins with one."""
    front = "---\n# For reference on model card metadata, see the spec\nlicense: mit\n---\n"
    for text in ("\n# Cats\n\nA VAE.\n", "\nA VAE.\n"):
        card = front + text
        assert with_words(card, "words").startswith(front) and "> words" in with_words(card, "words")
        assert with_title(card, "Dogs") == front + text.replace("# Cats", "# Dogs")


def test_the_title_of_a_card_is_its_first_heading():
    assert with_title(CARD, "Dogs") == CARD.replace("# Cats", "# Dogs")
    assert with_title("# Cats\n\n# Use\n", "Dogs") == "# Dogs\n\n# Use\n"
    assert with_title("none", "Dogs") == "none"
