"""The pictures that a bundle's models learned from and draw, their attributes, and the sizes of latents."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, model_validator

from bundle.schema.entries import MAX_LATENT, Colour, Entry, LatentSize, Side, printable_name

Prior = Literal["normal", "uniform", "truncated"]
Likelihood = Literal["calibrated", "squared-error", "bernoulli"]
Fit = Literal["crop", "pad"]
MAX_ATTRIBUTES, MAX_ATTRIBUTE_NAME = 32, 60  # of a bundle, and the characters of one's name


class Dataset(Entry):
    """The pictures that the models learned from. No classes = unconditional models.

    `fit`: how pictures of other proportions were brought to the bundle's size. `background`: the colour under their
    transparent and padded parts; None = white for RGB, black for grey. `value_range`: the numbers that are black and
    white, where pictures have more than 8 bits. `border`: pictures smaller than the frame by at most so many
    pixels in height and in width were not resized, but surrounded; None = a quarter of the frame, as in bundles from
    before it was recorded."""

    source: str
    licence: str
    classes: tuple[str, ...]
    train_images: NonNegativeInt
    test_images: NonNegativeInt
    fit: Fit = "crop"
    background: Colour | None = None
    value_range: tuple[float, float] | None = None
    border: NonNegativeInt | None = None

    @model_validator(mode="after")
    def _black_below_white(self) -> "Dataset":
        if self.value_range and not self.value_range[0] < self.value_range[1]:
            raise ValueError("black must be a smaller number than white")
        return self


class ImageShape(Entry):
    """The size of every picture: `channels` (1 or 3) x `height` x `width`."""

    channels: Literal[1, 3]
    height: Side
    width: Side

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width), as graphs take and give pictures."""
        return self.channels, self.height, self.width

    @property
    def pixels(self) -> int:
        """How many pixels a picture has."""
        return self.height * self.width


class Gan(Entry):
    """Sizes of the GAN's latents, z [latent_dim] and, where it has styles, w [stages, w_dim]; what z is drawn from."""

    latent_dim: LatentSize
    w_dim: LatentSize | None = None
    stages: PositiveInt | None = None
    prior: Prior

    @model_validator(mode="after")
    def _check_styles(self) -> "Gan":
        if (self.stages or 0) * (self.w_dim or 0) > MAX_LATENT:
            raise ValueError(f"styles have more than {MAX_LATENT} numbers")
        return self


class Vae(Entry):
    """The size of the VAE's codes, the standard deviation of its pixels around the decoder's mean, and how it explains
    a picture: bundles older than the choice are calibrated, and not binarized."""

    latent_dim: LatentSize
    sigma: Annotated[float, Field(gt=0)]
    likelihood: Likelihood = "calibrated"
    binarize: bool = False


class AttributeEffect(Entry):
    """What one standard deviation along an attribute's direction does to pictures. `moved`: the attribute, in its own
    standard deviations; `others`: the mean absolute move of the other attributes, each in its own; `kept`: the mean
    cosine similarity of the classifier's features before and after, None without a classifier."""

    moved: float
    others: Annotated[float, Field(ge=0)]
    kept: Annotated[float, Field(ge=-1, le=1)] | None


class Attribute(Entry):
    """A property of pictures beside their class. `low` and `high`: 0 and 1 for binary ones, else the 5th and the 95th
    percentile of the training pictures. `accuracy`: of the graph `attributes` on held-out pictures, the balanced
    accuracy of binary ones, the correlation of numbers. `gan`, `vae`: measured of its direction in the latents of that
    model (`attribute_w` and `attribute_code` of latents.npz); None where there is no direction."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_ATTRIBUTE_NAME), AfterValidator(printable_name)]
    kind: Literal["binary", "number"]
    low: float
    high: float
    accuracy: Annotated[float, Field(ge=-1, le=1)]
    gan: AttributeEffect | None = None
    vae: AttributeEffect | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Attribute":
        if self.kind == "binary" and (self.low, self.high) != (0, 1):
            raise ValueError(f"the binary attribute '{self.name}' must run from 0 to 1")
        if not self.low < self.high:
            raise ValueError(f"the low end of attribute '{self.name}' must be below its high end")
        return self
