"""Convolutional graphs at the sizes that no other test exports; 16, 28, 32 and 100 have bundles of their own."""

from pathlib import Path

import numpy as np
import pytest
import torch

from export import assemble, graphs, parity
from train.data.dataset import DataInfo
from train.run_folder import StageRecord
from train.settings import ClassifierSettings, GanSettings, VaeSettings
from train.stages import classifier, gan, vae

pytestmark = pytest.mark.slow

HERE = {"run": Path("run")}


@pytest.mark.parametrize(("size", "channels", "classes"), [(64, 3, ("a", "b")), (96, 1, ())])
def test_graphs_agree_with_pytorch(size: int, channels: int, classes: tuple[str, ...]):
    torch.manual_seed(0)
    data = DataInfo("made up", "made up", "none", channels, size, classes, train_images=100, test_images=10)
    record = StageRecord("python -m train", 1.0, 1, True, "none", {})
    nets = {
        "gan": gan.build(GanSettings(**HERE, width=16, w_dim=8, latent_dim=6), data),
        "vae": vae.build(VaeSettings(**HERE, width=16, latent_dim=4), data),
    }
    if classes:
        nets["classifier"] = classifier.build(ClassifierSettings(**HERE), data)
    facts = graphs.Facts("sizes", data, dict.fromkeys(nets, record))
    specs = [
        spec
        for stage, net in nets.items()
        for spec in graphs.graph_specs(stage, dict(net.eval().named_children()), data)
    ]
    for spec in specs:
        if spec.name not in ("generator", "mapping"):  # the synthesis is the half that knows the size
            data = assemble.checked_graph(spec, facts)
            result = parity.check_parity(spec, data, np.zeros((1, size, size, channels), np.uint8))
            assert result.worst < parity.BOUND
    assert {p.name: p.outputs for p in specs}["synthesis"] == {"image": (channels, size, size)}
