"""Names of bundles, made from any text."""

import re

import pytest

from bundle.bundle_names import check_name, name_from
from bundle.errors import UserError
from bundle.schema import BUNDLE_NAME


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My DCGAN (v2)", "my-dcgan-v2"),
        ("Émile's cats", "emile-s-cats"),
        ("__noto_emoji__", "noto_emoji"),
        ("a" * 90, "a" * 64),
        ("数字", ""),
        ("", ""),
    ],
)
def test_any_text_makes_a_name_or_none(text: str, name: str):
    assert name_from(text) == name
    assert not name or re.fullmatch(BUNDLE_NAME, name)


@pytest.mark.parametrize("name", ["", "Mine", "-a", "a b", "a" * 65, "a\n"])
def test_what_cannot_be_a_name_is_refused(name: str):
    with pytest.raises(UserError, match="cannot be a bundle's name"):
        check_name(name)
