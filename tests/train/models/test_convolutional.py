"""Shapes, ranges and the equalities the networks are built on."""

import pytest
import torch
import torch.nn.functional as F

from train.models.classifiers import Classifier
from train.models.convolutional import Critic, Decoder, Encoder, Generator, Inverter, ModulatedConv
from train.models.layers import resolutions
from train.models.residual import ResidualGenerator


@pytest.mark.parametrize(
    ("sides", "maps"),
    [
        ((28, 28), [(7, 7), (14, 14), (28, 28)]),
        ((32, 32), [(4, 4), (8, 8), (16, 16), (32, 32)]),
        ((96, 96), [(6, 6), (12, 12), (24, 24), (48, 48), (96, 96)]),
        ((100, 100), [(25, 25), (50, 50), (100, 100)]),
        ((64, 96), [(4, 6), (8, 12), (16, 24), (32, 48), (64, 96)]),
        ((40, 24), [(10, 6), (20, 12), (40, 24)]),
    ],
)
def test_sizes_are_halved_to_their_smallest_map(sides, maps):
    assert resolutions(sides) == maps


@pytest.mark.parametrize("sides", [(54, 54), (64, 54), (16, 256)])
def test_an_impossible_size_is_refused(sides):
    with pytest.raises(ValueError, match=f"{sides[1]}x{sides[0]}"):
        resolutions(sides)


@pytest.mark.parametrize(
    ("sides", "channels", "classes"),
    [((32, 32), 1, 10), ((28, 28), 3, 0), ((100, 100), 3, 2), ((64, 96), 3, 2), ((40, 24), 1, 0)],
)
def test_every_network_at_every_size(sides, channels, classes):
    stages = len(resolutions(sides))
    widths = (8,) * stages
    weights = torch.eye(classes)[torch.arange(3) % classes] if classes else None
    generator = Generator(channels, sides, classes, 6, 5, widths)
    image = generator(torch.randn(3, 6), weights)
    assert image.shape == (3, channels, *sides)
    assert image.min() >= 0
    assert image.max() <= 1
    assert generator.mapping(torch.randn(3, 6), weights).shape == (3, stages, 5)
    assert Critic(channels, sides, classes, widths)(image, weights).shape == (3, 1)
    mean, logvar = Encoder(channels, sides, 4, widths[1:])(image)
    assert mean.shape == logvar.shape == (3, 4)
    assert Decoder(channels, sides, 4, widths)(mean).shape == image.shape
    assert Inverter(channels, sides, stages, 5, widths[1:])(image, image[:, :1]).shape == (3, stages, 5)
    if classes:
        logits, features = Classifier(channels, sides, classes, (4, 4, 4))(image)
        assert logits.shape == (3, classes)
        assert features.shape == (3, 64)


def test_modulated_convolution_equals_per_sample_demodulated_weights():
    """Scale-convolve-scale is StyleGAN2's weight demodulation with one kernel a sample."""
    torch.manual_seed(0)
    layer = ModulatedConv(3, 5, 4)
    x, w = torch.randn(2, 3, 6, 6), torch.randn(2, 4)
    for i in range(2):
        kernel = layer.conv.weight * layer.style(w[i : i + 1])[0][None, :, None, None]
        kernel = kernel * torch.rsqrt(kernel.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8)
        expected = F.conv2d(x[i : i + 1], kernel, padding=1) + layer.bias
        torch.testing.assert_close(layer(x, w)[i : i + 1], expected, rtol=1e-4, atol=1e-5)


def test_a_class_mixture_lies_between_its_classes():
    """The embedding is linear: half and half gives the mean of both embeddings."""
    generator = Generator(1, (16, 16), 3, 6, 5, (8, 8, 8))
    a, b = torch.tensor([[1.0, 0, 0]]), torch.tensor([[0, 1.0, 0]])
    embed = generator.mapping.embed
    torch.testing.assert_close(embed(0.5 * (a + b)), 0.5 * (embed(a) + embed(b)))


@pytest.mark.parametrize("kind", [Generator, ResidualGenerator])
def test_each_stage_obeys_its_own_style(kind):
    generator = kind(1, (16, 16), 0, 6, 5, (8, 8, 8)).eval()
    with torch.no_grad():
        for weight in generator.parameters():  # residual blocks begin as the identity, which no style changes
            weight.add_(0.1 * torch.randn_like(weight))
    w = generator.mapping(torch.randn(1, 6))
    base = generator.synthesis(w)
    for stage in range(3):
        other = w.clone()
        other[:, stage] += 1
        assert not torch.equal(generator.synthesis(other), base)


def test_black_and_white_are_pure():
    """A signal that misses -1 or 1 by less than the headroom still gives exactly 0 or 1."""
    generator = Generator(1, (16, 16), 0, 6, 5, (8, 8, 8)).eval()
    signal = torch.tensor([-1.01, -0.985, 0.0, 0.985, 1.01]).view(5, 1, 1, 1).expand(5, 1, 16, 16)
    generator.synthesis.signal = lambda w: signal
    assert generator.synthesis(torch.zeros(5, 3, 5))[:, 0, 0, 0].tolist() == [0, 0, 0.5, 1, 1]
