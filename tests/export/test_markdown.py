"""Markdown tables as this project writes them: compact, so that a document may quote single rows."""

from export.markdown import table


def test_a_table_is_compact_and_says_where_its_columns_stand():
    assert table(("graph", "bytes", ""), "lrl", [("`critic.onnx`", "12", ""), ("", "7", "x")]) == (
        "| graph | bytes | |\n|---|---:|---|\n| `critic.onnx` | 12 | |\n| | 7 | x |"
    )
