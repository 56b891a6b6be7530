"""Fits the linear paths of the body `principal` to the pictures, before training: principal components for the VAE, and
the posterior of a linear decoder for its repair."""

from math import prod

import torch
from torch import Tensor, nn

from train.data.mapped_images import Images
from train.data.splits import spread_rows
from train.models.linear_posterior import patch_components, patches_of
from train.models.principal import PrincipalDecoder, PrincipalEncoder, PrincipalRepairer

PICTURES = 20_000  # from which components are found, at most
NUMBERS = 2**27  # that these pictures hold together, at most
LEAST = 1e-6  # variance that is divided by, at least


@torch.no_grad()
def begin_as_components(encoder: PrincipalEncoder, decoder: PrincipalDecoder, images: Images, seed: int = 0) -> None:
    """Sets the linear paths to the principal components of `images` (uint8 [N, C, H, W]), scaled so that codes have
    unit variance. The rest of both networks then adds nothing, and mean and variance of a code are those of the
    posterior of probabilistic PCA (Tipping & Bishop 1999, "Probabilistic principal component analysis", section 3.2).

    Dimensions of a code beyond the components of these pictures stay noise that no picture shows. seed: of the search
    for the components of large pictures.
    """
    from sklearn.decomposition import PCA  # takes a second to import, which `--help` need not wait for

    pictures = fitting_sample(images)
    coefficients, _, side, _ = encoder.linear.patches.weight.shape
    patches = patches_of(pictures, side)
    components = patch_components(patches, coefficients)
    rows = (patches @ components.T).mT.flatten(1).numpy()  # coefficients in the order of the convolution
    found = min(encoder.latent_dim, *rows.shape)
    model = PCA(found, random_state=seed % 2**32).fit(rows)  # it takes no other seeds
    restored = model.inverse_transform(model.transform(rows))
    # |picture - restored|² from the coefficients alone: the components of patches are orthonormal.
    rest = float(pictures.square().sum()) - float((2 * rows - restored).ravel() @ restored.ravel())
    noise = max(rest / pictures.numel(), LEAST)
    variances, directions, centre = (
        torch.from_numpy(values).float() for values in (model.explained_variance_, model.components_, model.mean_)
    )
    scale, certainty = variances.clamp_min(LEAST).sqrt()[:, None], (variances / (variances + noise))[:, None]

    for layer in (encoder.head, decoder.to_image, encoder.linear.code, decoder.linear.coefficients):
        for parameter in layer.parameters():
            nn.init.zeros_(parameter)
    kernel = components.reshape(decoder.linear.patches.weight.shape)
    encoder.linear.patches.weight.copy_(kernel)
    decoder.linear.patches.weight.copy_(kernel)
    projection = certainty * directions / scale
    encoder.linear.code.weight[:found] = projection
    encoder.linear.code.get_parameter("bias")[:found] = -projection @ centre
    logvar = encoder.head.get_parameter("bias")[encoder.latent_dim :]
    logvar[:found] = (1 - certainty[:, 0]).clamp_min(LEAST).log()
    decoder.linear.coefficients.weight[:, :found] = (directions * scale).T
    decoder.linear.coefficients.get_parameter("bias").copy_(centre)


@torch.no_grad()
def fit_posterior(repairer: PrincipalRepairer, encoder: nn.Module, images: Images, noise: float) -> Tensor:
    """Sets the posterior to the linear decoder that draws `images` (uint8 [N, C, H, W]) best from the codes of the
    trained `encoder`. noise: variance of a pixel. Returns the mean of the codes [D]."""
    pictures, device = fitting_sample(images), repairer.head.weight.device
    codes = torch.cat([encoder(part.to(device))[0] for part in pictures.split(500)]).cpu()
    repairer.posterior.fit(codes, pictures, noise)
    return codes.mean(dim=0)


@torch.no_grad()
def begin_repair(repairer: PrincipalRepairer, encoder: nn.Module, images: Images, noise: float) -> None:
    """Fits the posterior as `fit_posterior` does, and makes the mean of the codes the first guess for every picture."""
    repairer.head.get_parameter("bias").copy_(fit_posterior(repairer, encoder, images, noise))
    nn.init.zeros_(repairer.head.weight)


def fitting_sample(images: Images) -> Tensor:
    """uint8 [N, C, H, W] -> as many of them as components are found from, at even distances, float32 in [0, 1]."""
    rows = spread_rows(len(images), min(PICTURES, NUMBERS // prod(images.shape[1:])))
    return images[rows.to(images.device)].cpu().float() / 255
