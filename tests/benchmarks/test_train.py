"""The race of Twofold and the control: how it ends early."""

from pathlib import Path

import pytest

from benchmarks import dcgan, results, train
from bundle.exit_codes import INTERRUPTED


@pytest.mark.slow
def test_ctrl_c_is_no_mistake_of_the_user(
    trained_run: Path, shape_pictures: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(train, "train", lambda *_: False)  # as after Ctrl-C
    monkeypatch.setattr(dcgan, "check_control_size", lambda _: None)
    monkeypatch.setattr(results, "write", lambda *_: pytest.fail("something was stored"))
    assert train.main([str(trained_run), "--data", str(shape_pictures), "--threads", "1"]) == INTERRUPTED
    assert capsys.readouterr().err.splitlines()[-1] == "Stopped; nothing was stored."
