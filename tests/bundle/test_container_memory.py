"""The memory that a container leaves free: what the system keeps of files can be had."""

from pathlib import Path

import pytest

from bundle.container_memory import free_in_container


@pytest.mark.parametrize(
    ("most", "used", "files", "free"),
    [("1000", "900", 300, 400), ("1000", "900", 0, 100), ("1000", "1200", 100, 0), ("max", "900", 300, None)],
)
def test_what_is_free(tmp_path: Path, most: str, used: str, files: int, free: int | None):
    (tmp_path / "memory.max").write_text(f"{most}\n")
    (tmp_path / "memory.current").write_text(f"{used}\n")
    (tmp_path / "memory.stat").write_text(f"anon 600\nfile {files}\ninactive_file {files}\nactive_file 0\n")
    assert free_in_container(tmp_path) == free


def test_no_container(tmp_path: Path):
    assert free_in_container(tmp_path) is None
