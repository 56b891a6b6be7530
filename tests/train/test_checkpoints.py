"""What a checkpoint holds is read whole: from a folder of any name, and with nothing left of the file."""

import os
import sys

import pytest
import torch

from train.checkpoints import load_tensors, restore_optimizer, save_tensors


def test_nothing_that_was_loaded_stays_in_the_file(tmp_path):
    """Windows replaces no file that is mapped, so the next checkpoint could not be stored."""
    path = tmp_path / "state.safetensors"
    moments = {f"optimizers/one/0/{slot}": torch.ones(4) for slot in ("exp_avg", "exp_avg_sq")}
    save_tensors(path, {**moments, "optimizers/one/0/step": torch.tensor(7.0)}, {})
    optimizer = torch.optim.Adam([torch.zeros(4, requires_grad=True)])
    restore_optimizer("one", optimizer, load_tensors(path)[0])
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
    (slots,) = optimizer.state.values()
    assert float(slots["step"]) == 7 and slots["exp_avg"].tolist() == [1] * 4


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are UTF-8 here")
def test_a_folder_whose_name_is_no_utf_8_is_read_too(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9") / "state.safetensors"
    save_tensors(path, {"a": torch.arange(3)}, {"step": 1})
    tensors, facts = load_tensors(path)
    assert tensors["a"].tolist() == [0, 1, 2] and facts == {"step": 1}
