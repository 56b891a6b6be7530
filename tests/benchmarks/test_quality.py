"""The command that released bundles quote prints the figures, and changes nothing."""

import pytest

from benchmarks import quality


@pytest.mark.slow
@pytest.mark.usefixtures("short_leak")
def test_a_bundle_is_measured_and_left_as_it_is(exported, shape_pictures, capsys):
    before = {path.name: path.read_bytes() for path in exported.folder.iterdir()}
    words = [str(exported.folder), "--data", str(shape_pictures), "--samples", "100", "--threads", "1"]
    assert quality.main(words) == 0
    assert "Fréchet distance of GAN samples" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in exported.folder.iterdir()} == before


def test_a_control_that_is_not_there_is_a_sentence(exported, tmp_path, capsys):
    assert quality.main([str(exported.folder), "--control", str(tmp_path / "nothing")]) == 2
    assert "run.json" in capsys.readouterr().err
