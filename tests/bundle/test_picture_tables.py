"""Tables beside pictures, as programs write them: their encodings, and numbers with a decimal comma."""

from pathlib import PurePath

import pytest

from bundle.picture_tables import cell_of_text, guessed_encoding, text_records

TABLE = "file_name,label\na.png,Möhre\nb.png,Mähre\nc.png,Größe\n"
CHINESE = "file_name,label\na.png,胡萝卜\nb.png,狗\n"


def column(text: str | bytes, name: str) -> list[object]:
    data = text if isinstance(text, bytes) else text.encode()
    found = [row[name] for row in text_records(PurePath("metadata.csv"), data)]
    return [cell_of_text(cell) if isinstance(cell, str) else cell for cell in found]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_words_are_those_that_were_written_whatever_the_encoding(encoding: str):
    assert column(TABLE.encode(encoding), "label") == ["Möhre", "Mähre", "Größe"]
    assert bool(guessed_encoding(TABLE.encode(encoding))) == (encoding == "cp1252")


def test_tables_of_excel_in_chinese_are_read():
    assert column(CHINESE.encode("gb18030"), "label") == ["胡萝卜", "狗"]
    assert guessed_encoding(CHINESE.encode("gb18030")) == "GB 18030"
    assert guessed_encoding("file_name,Größe\n".encode("cp1252")) == "Windows-1252"


def test_a_western_word_whose_letters_pair_up_is_not_chinese():
    assert column("file_name,label\na.png,GRÖßE\nb.png,GRÖßE\n".encode("cp1252"), "label") == ["GRÖßE", "GRÖßE"]


def test_bytes_of_no_encoding_that_is_known_are_refused():
    with pytest.raises(ValueError, match="save it as CSV UTF-8"):
        column(b"file_name,label\na.png,\x81\x8d\n", "label")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("file_name;x\na;0,5\nb;-,25\nc;2\nd;1,234\ne;n/a", [0.5, -0.25, 2, 1.234, "n/a"]),
        ('file_name,x\na,"0,5"\nb,\nc,2', [0.5, None, 2]),
        ('file_name,x\na,"0,5"\nb,"1,2,3"', ["0,5", "1,2,3"]),
        ('file_name,x\na,"0,5"\nb,1.5', ["0,5", 1.5]),
        ('file_name,x\na,"1,234"\nb,950', ["1,234", 950]),
        ('file_name,x\na,"0,512"\nb,"0,125"', [0.512, 0.125]),
        ("file_name\tx\ty\na\t0,5\t1\nb\t1,25\t2", [0.5, 1.25]),
    ],
)
def test_decimal_commas_are_read_where_they_can_be_nothing_else(text: str, numbers: list[object]):
    assert column(text, "x") == numbers


def test_names_of_pictures_keep_their_commas():
    assert column("file_name;x\n0,5;1", "file_name") == ["0,5"]
    assert [row["file_name"] for row in text_records(PurePath("a.csv"), b'file_name,x\n"0,5",1')] == ["0,5"]
