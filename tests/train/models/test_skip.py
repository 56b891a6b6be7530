"""The networks with skips: coarse first, and as good as a pair for smaller pictures whose weights they take over."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from tests.train.models.test_bodies import wake
from train.data.dataset import DataInfo
from train.losses import ADVERSARIAL, gradient_penalty
from train.models.layers import Sides
from train.models.skip import doubled, from_convolutional, halved
from train.settings import GanSettings
from train.stages import gan

SETTINGS = GanSettings(Path("run"), body="skip", width=16, w_dim=8, latent_dim=6)
CLASSES = torch.eye(2)[[0, 1, 0, 1]]


def networks(sides: Sides, channels: int = 3) -> gan.GanNetworks:
    torch.manual_seed(sum(sides))
    return gan.build(SETTINGS, DataInfo("made up", "made up", "none", channels, *sides, ("a", "b"), 100, 10))


@pytest.mark.parametrize("sides", [(28, 28), (32, 32), (64, 96), (100, 100)])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_pair_trains_at_every_size(sides: Sides, channels: int):
    """What begins at zero apart, the losses reach every parameter, with finite gradients."""
    nets, real = wake(networks(sides, channels)), torch.rand(4, channels, *sides)
    signal = (real * 2 - 1).requires_grad_()
    fake = nets.generator.signal(torch.randn(4, 6), CLASSES)
    scores = nets.critic.score(signal, CLASSES)
    loss = ADVERSARIAL["non-saturating"].critic(scores, nets.critic.score(fake, CLASSES))
    (loss + gradient_penalty(scores, signal)).backward()
    assert fake.shape == real.shape
    for name, parameter in nets.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name


def test_training_begins_with_the_coarse_picture():
    """At first only the smallest map is drawn, and only it is seen: pictures that agree there score alike."""
    nets = networks((32, 32))
    coarse = doubled(doubled(doubled(nets.generator.synthesis.to_image[0](torch.zeros(1, 16, 4, 4)))))
    assert coarse.shape == (1, 3, 32, 32)
    signal = nets.generator.signal(torch.randn(4, 6), CLASSES)
    smallest = F.adaptive_avg_pool2d(signal, 4)
    rough = F.interpolate(smallest, 32)
    torch.testing.assert_close(nets.critic.score(rough, CLASSES), nets.critic.score(signal, CLASSES))
    ripples = torch.tensor([1.0, -1.0]).repeat(16)
    torch.testing.assert_close(nets.critic.score(signal + ripples, CLASSES), nets.critic.score(signal, CLASSES))
    assert not torch.allclose(nets.critic.score(signal + 1, CLASSES), nets.critic.score(signal, CLASSES))


def test_twice_the_size_begins_as_good_as_half_the_size():
    """Weights of a trained pair in networks with one more resolution: its pictures, twice as large; its scores."""
    small, large = wake(networks((32, 48))), networks((64, 96))
    fresh = large.state_dict()
    carried = {key: value for key, value in small.state_dict().items() if key in fresh}
    assert carried.keys() == small.state_dict().keys()
    large.load_state_dict(fresh | carried)
    z = torch.randn(4, 6)
    torch.testing.assert_close(large.generator.signal(z, CLASSES), doubled(small.generator.signal(z, CLASSES)))
    picture = torch.randn(4, 3, 64, 96)
    torch.testing.assert_close(
        large.critic.score(picture, CLASSES), small.critic.score(halved(picture), CLASSES), rtol=1e-4, atol=1e-4
    )


def test_a_pair_without_skips_becomes_one_that_does_the_same():
    data = DataInfo("made up", "made up", "none", 3, 32, 48, ("a", "b"), 100, 10)
    plain = wake(gan.build(replace(SETTINGS, body="conv", minibatch_stddev=True), data))
    skips = gan.build(replace(SETTINGS, minibatch_stddev=True), data)
    skips.load_state_dict(from_convolutional(plain.state_dict()))
    z, picture = torch.randn(4, 6), torch.randn(4, 3, 32, 48)
    torch.testing.assert_close(skips.generator.signal(z, CLASSES), plain.generator.signal(z, CLASSES))
    torch.testing.assert_close(skips.critic.score(picture, CLASSES), plain.critic.score(picture, CLASSES))
