"""Files that people name: read only where they are small enough."""

from pathlib import Path

import pytest

from bundle.errors import UserError
from bundle.limited_files import read_limited


def test_a_file_is_read_up_to_its_limit(tmp_path: Path):
    file = tmp_path / "file"
    file.write_bytes(bytes(2_000_000))
    assert len(read_limited(file, 2_000_000)) == 2_000_000
    with pytest.raises(UserError, match=r"'.*file' is too large: at most 1 MB are accepted"):
        read_limited(file, 1_999_999)
    with pytest.raises(OSError):
        read_limited(tmp_path / "none", 1)
