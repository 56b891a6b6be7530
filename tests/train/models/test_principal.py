"""The VAE that begins as principal components: what it is at first, that all of it learns, how its repair begins."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from train.data.dataset import DataInfo, Pictures
from train.models.layers import Sides
from train.models.principal import patch_of
from train.settings import InverseSettings, VaeSettings
from train.stages import inverse, principal_components, vae
from train.stages.principal_components import begin_as_components, begin_repair

HERE = {"run": Path("run")}
WIDE = {"width": 16, "hidden": 16}


def data(sides: Sides, channels: int) -> DataInfo:
    return DataInfo("made up", "made up", "none", channels, *sides, (), train_images=100, test_images=10)


def build(sides: Sides, channels: int, latent_dim: int):
    torch.manual_seed(0)
    return vae.build(VaeSettings(**HERE, **WIDE, body="principal", latent_dim=latent_dim), data(sides, channels))


def smooth(count: int, sides: Sides, channels: int, rank: int) -> Tensor:
    """uint8 pictures [N, C, H, W]: sums of `rank` slow waves with a little noise, none near black or white."""
    rng = np.random.default_rng(0)
    down, across = (np.arange(side) / side for side in sides)
    waves = np.stack(
        [np.cos(np.pi * i * down)[:, None] * np.cos(np.pi * j * across) for i in range(4) for j in range(4)]
    )
    shares = rng.normal(0, 1, (count, channels, rank)) * 14 / np.arange(1, rank + 1)
    pictures = 128 + np.einsum("ncr,rhw->nchw", shares, waves[:rank]) + rng.normal(0, 2, (count, channels, *sides))
    return torch.from_numpy(pictures.round().clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(("sides", "channels"), [((32, 32), 1), ((28, 28), 3), ((24, 40), 1)])
def test_it_begins_as_probabilistic_pca_of_the_pictures(sides: Sides, channels: int):
    images, latent = smooth(400, sides, channels, 12), 6
    nets = build(sides, channels, latent)
    begin_as_components(nets.encoder, nets.decoder, images)
    pictures = images.float() / 255
    mean, logvar = (found.detach() for found in nets.encoder(pictures))
    rows = pictures.flatten(1).numpy()
    model = PCA(latent).fit(rows)
    noise = np.square(rows - model.inverse_transform(model.transform(rows))).mean()
    certain = model.explained_variance_ / (model.explained_variance_ + noise)
    variance = np.broadcast_to((1 - certain).clip(np.exp(-10)), logvar.shape)
    # Codes have unit variance before the posterior draws them in; their signs are free, as those of components are.
    expected = model.transform(rows) / np.sqrt(model.explained_variance_) * certain
    signs = np.sign((mean.numpy() * expected).sum(axis=0))
    np.testing.assert_allclose(mean.numpy() * signs, expected, atol=0.03)
    np.testing.assert_allclose(logvar.exp().numpy(), variance, rtol=0.05)
    shown = nets.decoder.eval()(mean / torch.from_numpy(certain).float())
    best = model.inverse_transform(model.transform(rows)).reshape(shown.shape)
    np.testing.assert_allclose(shown.detach().numpy(), best, atol=0.01)


def test_a_longer_code_than_there_are_components_leaves_the_rest_to_noise():
    images = smooth(9, (16, 16), 1, 3)
    nets = build((16, 16), 1, 20)
    begin_as_components(nets.encoder, nets.decoder, images)
    mean, logvar = nets.encoder(images.float() / 255)
    assert (mean[:, 9:] == 0).all() and (logvar[:, 9:] == 0).all() and mean[:, :3].std() > 0.3
    moved = mean.clone()
    moved[:, 9:] += 3
    assert torch.equal(nets.decoder(moved), nets.decoder(mean))
    assert (nets.decoder.eval()(mean) - images.float() / 255).abs().max() < 0.05


def test_pictures_that_are_all_alike_are_no_trouble():
    nets = build((16, 16), 1, 4)
    begin_as_components(nets.encoder, nets.decoder, torch.full((20, 1, 16, 16), 51, dtype=torch.uint8))
    mean, logvar = nets.encoder(torch.full((2, 1, 16, 16), 0.2))
    assert mean.isfinite().all() and logvar.isfinite().all()
    torch.testing.assert_close(nets.decoder.eval()(mean), torch.full((2, 1, 16, 16), 0.2), atol=1e-3, rtol=0)


@pytest.mark.slow
def test_every_parameter_learns_and_the_pictures_get_better():
    images = smooth(64, (32, 32), 1, 12)
    images[::2] = 255 - images[::2].flip(3) // 2  # not linear any more
    settings = VaeSettings(**HERE, **WIDE, body="principal", latent_dim=6, warmup=0.0)
    stage = vae.VaeStage(build((32, 32), 1, 6), settings, data((32, 32), 1))
    stage.begin(Pictures(images, torch.zeros(64)), Pictures(images, torch.zeros(64)))
    before = {key: value.clone() for key, value in stage.networks.state_dict().items()}
    torch.manual_seed(0)
    errors = [float(stage.step(images.float() / 255, torch.zeros(64), 0.3)["mse"]) for _ in range(60)]
    assert np.mean(errors[-5:]) < 0.8 * np.mean(errors[:3])
    same = [key for key, value in stage.networks.state_dict().items() if torch.equal(value, before[key])]
    assert not same


def test_a_resumed_stage_does_not_begin_anew():
    images = smooth(64, (16, 16), 1, 3)
    settings = VaeSettings(**HERE, **WIDE, body="principal", latent_dim=4, resume=True)
    stage = vae.VaeStage(build((16, 16), 1, 4), settings, data((16, 16), 1))
    before = {key: value.clone() for key, value in stage.networks.state_dict().items()}
    stage.begin(Pictures(images, torch.zeros(64)), Pictures(images, torch.zeros(64)))
    assert all(torch.equal(value, before[key]) for key, value in stage.networks.state_dict().items())


def test_beyond_black_and_white_a_tenth_is_left_while_training():
    decoder, logits = build((16, 16), 1, 4).decoder, torch.tensor([-0.5, 0.0, 0.25, 1.0, 3.0])
    torch.testing.assert_close(decoder.picture(logits), torch.tensor([-0.05, 0.0, 0.25, 1.0, 1.2]))
    torch.testing.assert_close(decoder.eval().picture(logits), torch.tensor([0.0, 0.0, 0.25, 1.0, 1.0]))


@pytest.mark.slow
def test_repair_begins_as_a_linear_posterior_and_all_of_its_network_learns():
    images = smooth(200, (32, 32), 3, 6)
    coder = build((32, 32), 3, 6)
    begin_as_components(coder.encoder, coder.decoder, images)
    about = VaeSettings(**HERE, body="principal", latent_dim=6)
    repair = inverse.build_repair(InverseSettings(**HERE, width=16, hidden=24), data((32, 32), 3), about).repair
    encoder, decoder = coder.encoder.eval(), coder.decoder.eval()
    stage = inverse.PrincipalRepairStage(inverse.RepairNetworks(repair), InverseSettings(**HERE), coder, 0.02)
    stage.begin(Pictures(images, torch.zeros(200)), Pictures(images, torch.zeros(200)))
    pictures = images.float() / 255
    mask = torch.ones(len(images), 1, 32, 32)
    mask[..., 12:24, 8:20] = 0
    codes = encoder(pictures)[0].detach()
    mean, logvar = repair(pictures * mask, mask)
    torch.testing.assert_close(repair.head.bias.detach(), codes.mean(dim=0))
    torch.testing.assert_close((mean, logvar), repair.posterior(pictures, mask, codes.mean(dim=0).expand_as(codes)))
    torch.testing.assert_close(repair.posterior.noise_ratio, 0.04**2 / codes.var(dim=0), rtol=1e-3, atol=0)

    def error(found: Tensor) -> float:
        hole = 1 - mask.expand_as(pictures)
        return float(((decoder(found).detach() - pictures).square() * hole).sum() / hole.sum())

    # Nearly as good in the hole as what the whole picture gives; nobody has to have learned this mask.
    assert error(mean) < 1.5 * error(codes) < error(codes.mean(dim=0).expand_as(codes)) / 5
    before = {key: value.clone() for key, value in repair.state_dict().items()}
    losses = []
    for _ in range(30):
        torch.manual_seed(0)  # the same damage each time: masks differ more than steps do
        losses.append(float(stage.step(pictures, torch.zeros(200), 0.3)["loss"]))
    assert losses[-1] < 0.99 * losses[0]
    trained = {name for name, _ in repair.named_parameters()}
    moved = {key for key, value in repair.state_dict().items() if not torch.equal(value, before[key])}
    assert moved == trained  # the posterior stays as it was fitted


@pytest.mark.parametrize("vae_changed", [True, False])
def test_a_resumed_repair_keeps_its_guess_and_follows_a_vae_that_went_on_learning(vae_changed: bool):
    images = smooth(60, (16, 16), 1, 4)
    coder, about = build((16, 16), 1, 4), VaeSettings(**HERE, body="principal", latent_dim=4)
    begin_as_components(coder.encoder, coder.decoder, images)
    settings = InverseSettings(**HERE, hidden=8, resume=True)
    nets = inverse.build_repair(settings, data((16, 16), 1), about)
    begin_repair(nets.repair, coder.encoder, images, noise=1e-3)
    torch.nn.init.ones_(nets.repair.head.weight)
    with torch.no_grad():
        coder.encoder.linear.code.weight.mul_(2)  # codes are twice as long, so a code draws half as much
    before = {key: value.clone() for key, value in nets.repair.state_dict().items()}
    stage = inverse.PrincipalRepairStage(nets, settings, coder, sigma=1e-3**0.5 / 2, vae_changed=vae_changed)
    stage.begin(Pictures(images, torch.zeros(60)), Pictures(images, torch.zeros(60)))
    after = nets.repair.state_dict()
    assert all(
        torch.equal(after[key], before[key]) for key in before if not (vae_changed and key.startswith("posterior"))
    )
    halved = before["posterior.weight"] / (2 if vae_changed else 1)
    torch.testing.assert_close(after["posterior.weight"], halved, rtol=0.02, atol=1e-3)


@pytest.mark.parametrize(("channels", "sides", "patch"), [
    (1, (64, 64), (8, 16)), (3, (64, 96), (8, 48)), (1, (28, 28), (4, 4)), (3, (100, 100), (4, 12)),
    (3, (50, 26), (2, 3)),
])  # fmt: skip
def test_patches_divide_every_size(channels: int, sides: Sides, patch: tuple[int, int]):
    assert patch_of(channels, sides) == patch
    nets = build(sides, channels, 3)
    mean, logvar = nets.encoder(torch.rand(2, channels, *sides))
    assert mean.shape == logvar.shape == (2, 3)
    assert nets.decoder(mean).shape == (2, channels, *sides)


def test_components_are_found_from_all_of_a_sorted_set(monkeypatch):
    monkeypatch.setattr(principal_components, "PICTURES", 4)
    brightness = torch.arange(0, 70, 10, dtype=torch.uint8)[:, None, None, None].expand(7, 1, 16, 16)
    sample = principal_components.fitting_sample(brightness)
    assert (sample[:, 0, 0, 0] * 255).round().tolist() == [0, 20, 40, 60]


@pytest.mark.parametrize("seed", [-1, 2**32, -(10**11)])
def test_it_begins_with_every_seed_that_a_training_takes(seed):
    nets = build((16, 16), 1, 4)
    begin_as_components(nets.encoder, nets.decoder, smooth(40, (16, 16), 1, 6), seed)
    assert all(torch.isfinite(weight).all() for weight in nets.encoder.parameters())
