"""The fully connected, residual and LeNet networks, and every body at every size."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from train.data.dataset import DataInfo
from train.losses import ADVERSARIAL, gradient_penalty, kl_to_normal, optimal_sigma_nll
from train.models.classifiers import LeNet, ResidualClassifier
from train.models.convolutional import Critic, Decoder, Encoder, Generator
from train.models.fully_connected import Concatenation, DenseDecoder, DenseGenerator
from train.models.layers import Sides, halving_widths
from train.models.residual import (
    BLOCKS,
    FixupBlock,
    ResidualCritic,
    ResidualDecoder,
    ResidualEncoder,
    ResidualGenerator,
    StyledBlock,
)
from train.presets import PRESETS
from train.settings import ClassifierSettings, GanSettings, VaeSettings
from train.stages import classifier, gan, vae

HERE = {"run": Path("run")}
SIZES = ((28, 28), (32, 32), (64, 64), (64, 96), (40, 24), (100, 100))  # (height, width)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """So little work is slower when it is shared out."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pictures(sides: Sides, channels: int, classes: int) -> DataInfo:
    names = tuple("abcdefghij"[:classes])
    return DataInfo("made up", "made up", "none", channels, *sides, names, train_images=100, test_images=10)


def wake(net: nn.Module) -> nn.Module:
    """Parameters that start at zero get values: otherwise what they feed would go untested."""
    torch.manual_seed(1)
    for parameter in net.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return net


@pytest.mark.parametrize("sides", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_convolutional_pair_trains_at_every_size(sides: Sides, channels: int):
    """The default losses reach every parameter of all four networks, with finite gradients."""
    torch.manual_seed(0)
    data, real = pictures(sides, channels, 2), torch.rand(4, channels, *sides)
    classes = torch.eye(2)[[0, 1, 0, 1]]
    nets = gan.build(GanSettings(**HERE, width=16, w_dim=8, latent_dim=6), data)
    signal = (real * 2 - 1).requires_grad_()
    scores = nets.critic.score(signal, classes)
    fake = nets.generator.signal(torch.randn(4, 6), classes)
    loss = ADVERSARIAL["rpgan"].critic(scores, nets.critic.score(fake, classes))
    (loss + gradient_penalty(scores, signal)).backward()
    coder = vae.build(VaeSettings(**HERE, width=16, latent_dim=4), data)
    mean, logvar = coder.encoder(real)
    decoded = coder.decoder(mean + torch.randn_like(mean) * (logvar / 2).exp())
    (optimal_sigma_nll(real, decoded) + kl_to_normal(mean, logvar).sum(dim=1).mean()).backward()
    assert fake.shape == decoded.shape == real.shape
    for net in (*nets.children(), *coder.children()):
        for name, parameter in net.named_parameters():
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
            # The relativistic loss cancels what is added to every score.
            assert parameter.grad.any() or (isinstance(net, Critic) and name == "head.bias"), name


@pytest.mark.parametrize("body", ["conv", "residual", "mlp"])
@pytest.mark.parametrize(
    ("sides", "channels", "classes"), [((28, 28), 1, 0), ((32, 32), 3, 4), ((64, 96), 3, 3), ((100, 100), 3, 0)]
)
def test_every_body_keeps_the_conventions(body: str, sides: Sides, channels: int, classes: int):
    data = pictures(sides, channels, classes)
    settings = GanSettings(**HERE, body=body, width=16, w_dim=8, latent_dim=6)
    nets = gan.build(settings, data)
    weights = torch.eye(classes)[[0, 1, 2]] if classes else None
    z = torch.randn(3, 6)
    generator = wake(nets.generator).eval()
    w = generator.mapping(z, weights)
    assert (
        w.shape == (3, *gan.style_shape(settings, data)) == (3, generator.synthesis.stages, generator.synthesis.w_dim)
    )
    image = generator(z, weights)
    assert image.shape == (3, channels, *sides) and image.min() >= 0 and image.max() <= 1
    torch.testing.assert_close(generator.synthesis(w), image)
    torch.testing.assert_close((generator.signal(z, weights) * 0.51 + 0.5).clamp(0, 1), image)
    critic = nets.critic
    torch.testing.assert_close(critic(image, weights), critic.score(image * 2 - 1, weights))
    assert critic(image, weights).shape == (3, 1)
    coder = vae.build(VaeSettings(**HERE, body=body, width=16, latent_dim=2), data)
    mean, logvar = coder.encoder(image)
    assert mean.shape == logvar.shape == (3, 2)
    decoded = coder.decoder(mean)
    assert decoded.shape == image.shape and decoded.min() >= 0 and decoded.max() <= 1
    torch.testing.assert_close(decoded, torch.sigmoid(coder.decoder.logits(mean)))


@pytest.mark.parametrize("body", ["residual", "mlp"])
def test_pictures_depend_on_noise_and_class_and_scores_on_the_class(body: str):
    data = pictures((16, 16), 1, 2)
    nets = gan.build(GanSettings(**HERE, body=body, width=16, w_dim=8, latent_dim=6), data)
    generator, z = wake(nets.generator).eval(), torch.randn(2, 6)
    a, b = torch.eye(2)[[0, 0]], torch.eye(2)[[1, 1]]
    first, other = generator(z, a), generator(z, b)
    assert not torch.allclose(first[0], first[1]) and not torch.allclose(first, other)
    critic = wake(nets.critic)
    assert not torch.allclose(critic(first, a), critic(first, b))


# --- fully connected ------------------------------------------------------------------------------------


def test_the_dense_generator_s_style_is_the_noise_beside_the_class():
    z, classes = torch.randn(4, 100), torch.eye(3)[[0, 1, 2, 0]]
    w = Concatenation(100)(z, classes)
    assert w.shape == (4, 1, 103)
    assert torch.equal(w[:, 0, :100], z) and torch.equal(w[:, 0, 100:], classes)
    assert torch.equal(Concatenation(100)(z), z[:, None])
    assert not list(DenseGenerator(1, (28, 28), 3, 100, 8).mapping.parameters())


def test_a_code_of_one_number_is_enough():
    assert DenseDecoder(3, (28, 28), 1, 8)(torch.randn(2, 1)).shape == (2, 3, 28, 28)


# --- residual -------------------------------------------------------------------------------------------


def test_residual_blocks_start_as_the_identity():
    x, w = torch.randn(2, 8, 5, 5), torch.randn(2, 4)
    assert torch.equal(StyledBlock(8, 4)(x, w), x)
    assert torch.equal(FixupBlock(8, blocks=6)(x), x)


def test_the_first_convolution_of_a_critic_s_block_is_scaled_by_the_number_of_blocks():
    torch.manual_seed(0)
    one, many = FixupBlock(64, blocks=1), FixupBlock(64, blocks=16)
    assert (one.first.weight.std() / many.first.weight.std()).item() == pytest.approx(4, rel=0.02)


def test_every_stage_has_its_blocks():
    assert len(ResidualGenerator(1, (16, 16), 0, 6, 5, (8, 8, 8)).synthesis.blocks) == 3 * BLOCKS


def test_nothing_in_the_residual_gan_normalises_a_batch_or_groups_channels():
    for net in (ResidualGenerator(3, (32, 32), 2, 8, 8, (16,) * 4), ResidualCritic(3, (32, 32), 2, (16,) * 4)):
        for module in net.modules():
            assert not isinstance(module, nn.BatchNorm2d | nn.GroupNorm)
            assert not isinstance(module, nn.Conv2d) or module.groups == 1


def test_the_residual_vae_treats_every_picture_alone():
    """Group normalisation: training and evaluation agree, and neighbours change nothing."""
    encoder, decoder = wake(ResidualEncoder(1, (16, 16), 3, (8, 16))), wake(ResidualDecoder(1, (16, 16), 3, (16, 8, 8)))
    images = torch.rand(4, 1, 16, 16)
    together, alone = encoder.train()(images)[0], encoder.eval()(images[2:3])[0]
    torch.testing.assert_close(together[2:3], alone)
    torch.testing.assert_close(decoder.train()(together)[2:3], decoder.eval()(alone))


def test_the_residual_body_is_wider_and_deeper():
    shape, wide = (3, (32, 32), 10), PRESETS["gan"]["gpu"]
    size = {n: sum(p.numel() for p in net.parameters()) for n, net in gan.build(
        GanSettings(**HERE, **wide), pictures((32, 32), 3, 10)).named_children()}  # fmt: skip
    plain = Generator(*shape, 64, 96, halving_widths(4, 128)), Critic(*shape, halving_widths(4, 128))
    assert size["generator"] > 5 * sum(p.numel() for p in plain[0].parameters())
    assert size["critic"] > 5 * sum(p.numel() for p in plain[1].parameters())


# --- classifiers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sides", "channels"), [((16, 16), 1), ((28, 28), 1), ((32, 32), 3), ((64, 96), 3), ((40, 24), 1), ((100, 100), 3)]
)
@pytest.mark.parametrize("body", ["conv", "lenet", "residual"])
def test_classifiers_at_every_size(body: str, sides: Sides, channels: int):
    net = classifier.build(ClassifierSettings(**HERE, body=body), pictures(sides, channels, 7)).classifier.eval()
    logits, features = net(torch.rand(2, channels, *sides))
    assert logits.shape == (2, 7) and features.shape == (2, {"conv": 64, "lenet": 84, "residual": 128}[body])
    assert isinstance(net.body[0], nn.Conv2d) and net.body[0].in_channels == channels


@pytest.mark.parametrize(
    ("body", "width", "channels"),
    [("conv", None, [32, 64, 128]), ("conv", 64, [16, 32, 64]), ("residual", None, [64, 128, 256, 512])],
)
def test_width_sets_the_channels_of_the_classifier(body: str, width: int | None, channels: list[int]):
    """Runs of before have no width: their classifiers must get the same networks as then."""
    settings = ClassifierSettings(**HERE, body=body, width=width)
    net = classifier.build(settings, pictures((32, 32), 1, 7)).classifier
    assert [m.out_channels for m in net.body if isinstance(m, nn.Conv2d)] == channels


def test_lenet_is_the_network_of_the_article():
    """conv - pool - conv - pool - three linear layers: 6 and 16 channels of 5 x 5, then 120, 84, K."""
    net = LeNet(1, (32, 32), 10)
    kinds = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear | nn.MaxPool2d)]
    assert [type(m).__name__ for m in kinds] == ["Conv2d", "MaxPool2d"] * 2 + ["Linear"] * 3
    assert [tuple(m.weight.shape) for m in kinds if hasattr(m, "weight")] == [
        (6, 1, 5, 5), (16, 6, 5, 5), (120, 400), (84, 120), (10, 84),
    ]  # fmt: skip
    image = torch.rand(2, 1, 32, 32)
    logits, features = net(image)
    torch.testing.assert_close(logits, net.logits(F.relu(features)))


@pytest.mark.parametrize("make", [LeNet, ResidualClassifier])
def test_a_classifier_learns_to_tell_left_from_right(make):
    torch.manual_seed(0)
    labels = torch.arange(32) % 2
    images = torch.rand(32, 1, 16, 16) * 0.3
    images[labels == 0, :, :, :8] += 0.5
    images[labels == 1, :, :, 8:] += 0.5
    net = make(1, (16, 16), 2)
    if make is ResidualClassifier:
        net = ResidualClassifier(1, (16, 16), 2, (8, 8, 8, 8))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        F.cross_entropy(net.train()(images)[0], labels).backward()
        optimizer.step()
    assert (net.eval()(images)[0].argmax(dim=1) == labels).float().mean() == 1


def test_old_networks_have_the_parameters_that_checkpoints_name():
    """Names and shapes of the `conv` body are a format: trained runs are stored under them."""
    names = {n: tuple(p.shape) for n, p in Generator(1, (16, 16), 3, 6, 8, (8, 8, 4)).named_parameters()}
    assert names["mapping.embed.weight"] == (2, 3) and names["mapping.body.2.weight"] == (6, 6)
    assert names["synthesis.constant"] == (1, 8, 4, 4) and names["synthesis.up.1.conv.weight"] == (16, 8, 3, 3)
    assert names["synthesis.refine.2.style.weight"] == (4, 8) and names["synthesis.to_image.bias"] == (1,)
    critic = [n for n, _ in Critic(1, (16, 16), 3, (8, 8, 4)).named_parameters()]
    layers = [f"body.{i}.{p}" for i in (0, 2, 4, 6, 8) for p in ("weight", "bias")]
    assert critic == ["gather", *layers, "head.weight", "head.bias", "embed.weight"]
    assert [n for n in Decoder(1, (16, 16), 2, (8, 4, 4)).state_dict() if n.startswith("stem")][-1] == "stem.2.bias"
    assert "trunk.8.weight" not in dict(Encoder(1, (16, 16), 2, (8, 8)).named_parameters())
    assert dict(Encoder(1, (16, 16), 2, (8, 8)).named_parameters())["trunk.7.weight"].shape == (256, 128)
