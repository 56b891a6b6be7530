"""What bundle.json may say: the schema of a bundle, as data. Reading and verifying: bundle/read.py."""

import itertools
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bundle.errors import BundleError

Model = Literal["gan", "vae"]
Prior = Literal["normal", "uniform", "truncated"]
Likelihood = Literal["calibrated", "squared-error", "bernoulli"]
Fit = Literal["crop", "pad"]
Better = Literal["lower", "higher", "floor"]
# Of a generator that was exported elsewhere: the types its inputs may have, the order of its picture's dimensions (NHW:
# grey, without channels), and its numbers for black and white.
ElementType = Literal["float32", "float16", "float64", "int64", "int32", "uint8", "bool"]
Layout = Literal["NCHW", "NHWC", "NHW"]
ValueRange = Literal["0..1", "-1..1", "0..255"]
Alarm = Literal["collapse", "noise"]
SCHEMA_VERSION = 3  # bundle/migrate.py reads versions 1 and 2
BUNDLE_NAME = r"[a-z0-9][a-z0-9_-]{0,63}"  # the whole of a name
MAX_FILE_BYTES = 512_000_000
MAX_SIDE = 1024  # pixels of a picture's height or width
MAX_POINTS, MAX_SERIES = 100, 24  # of a training curve
MAX_ATTRIBUTES, MAX_NAME = 32, 60  # of a bundle, and the characters of one's name
MAX_FIXED = 4_000_000  # numbers of an input that is the same for every picture: noise for 1 024 pixels a side
MAX_SNAPSHOTS, MAX_SNAPSHOT_PICTURES = 48, 64
SnapshotFile = Literal["gan_snapshots", "vae_snapshots"]
SNAPSHOT_FILES: dict[Model, SnapshotFile] = {"gan": "gan_snapshots", "vae": "vae_snapshots"}


@dataclass(frozen=True)
class GraphNames:
    """The names of one graph's inputs and outputs; an unconditional bundle lacks the input `classes`."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


GRAPHS: dict[str, GraphNames] = {
    "generator": GraphNames(("z", "classes"), ("image",)),
    "mapping": GraphNames(("z", "classes"), ("w",)),
    "synthesis": GraphNames(("w",), ("image",)),
    "critic": GraphNames(("image", "classes"), ("score",)),
    "inverter": GraphNames(("image", "mask"), ("w",)),
    "encoder": GraphNames(("image",), ("mean", "logvar")),
    "repair": GraphNames(("image", "mask"), ("mean", "logvar")),
    "decoder": GraphNames(("z",), ("image",)),
    "classifier": GraphNames(("image",), ("logits", "features")),
    "attributes": GraphNames(("image",), ("attributes",)),
}
USUAL_GRAPHS = tuple(name for name in GRAPHS if name != "attributes")  # of pictures with classes, without attributes
GAN_GRAPHS = ("generator", "mapping", "synthesis", "critic", "inverter")
VAE_GRAPHS = ("encoder", "decoder", "repair")
STYLES = ("mapping", "synthesis")  # the two halves of a generator, which one made elsewhere lacks
VAE_NEEDS = VAE_GRAPHS[:2]  # the others may be absent


def _plain_file_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise ValueError(f"{name!r} is not a plain file name inside the bundle's folder")
    return name


def _aware(time: datetime) -> datetime:
    """A time without a zone is taken as UTC, so that all times can be compared."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _printable(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise ValueError(f"{name!r} is not a name of printable characters without spaces around it")
    return name


FileName = Annotated[str, AfterValidator(_plain_file_name)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
SeriesName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
SettingName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Scalar = bool | int | float | Annotated[str, Field(max_length=500)] | None
Setting = Scalar | tuple[Scalar, ...]
Count = Annotated[int, Field(ge=0)]
Size = Annotated[int, Field(ge=1)]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
InputName = Annotated[str, Field(min_length=1, max_length=200)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class File(_Entry):
    """One file beside the index."""

    file: FileName
    sha256: Sha256
    bytes: Annotated[int, Field(ge=1, le=MAX_FILE_BYTES)]


class Tensor(_Entry):
    """A graph's input or output, float32. The first dimension is the word "batch"."""

    name: str
    shape: tuple[Literal["batch"] | Size, ...]

    @model_validator(mode="after")
    def _batch_first(self) -> "Tensor":
        if not self.shape or self.shape[0] != "batch" or "batch" in self.shape[1:]:
            raise ValueError(f"the shape of '{self.name}' must be 'batch' and then whole numbers")
        return self

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one row of a batch."""
        return tuple(length for length in self.shape[1:] if isinstance(length, int))


class ClassInput(_Entry):
    """The input by which a generator made elsewhere is told the class: its number, int64 [N] or [N, 1], or a row of
    weights [N, K] that is 1 for the class ("one-hot")."""

    name: InputName
    type: ElementType
    form: Literal["number", "one-hot"]
    shape: tuple[Size, ...]  # of one row: (), (1,) or (K,)


class FixedInput(_Entry):
    """A further input, such as a truncation, that is the same for every picture. `value`: one number everywhere, the
    numbers in their order, or "normal" for noise that is drawn once, from N(0, 1)."""

    name: InputName
    type: ElementType
    shape: tuple[Literal["batch"] | Size, ...]
    value: float | Annotated[tuple[float, ...], Field(max_length=MAX_FIXED)] | Literal["normal"]

    @model_validator(mode="after")
    def _as_many_numbers(self) -> "FixedInput":
        size = math.prod(length for length in self.shape if isinstance(length, int))
        if size > MAX_FIXED:
            raise ValueError(f"'{self.name}' takes {size} numbers; {MAX_FIXED} is the most")
        if isinstance(self.value, tuple) and len(self.value) != size:
            raise ValueError(f"'{self.name}' takes {size} numbers, not {len(self.value)}")
        return self


class Adapter(_Entry):
    """How a generator is used that was exported elsewhere: the names of its input and output, the shape and the type of
    one z, what it gives for black and white, in which order it gives them, and its batch where the file fixes it.

    `kind`: "decoder" where z is the code of an autoencoder. `rows`: most pictures of one run, where they are large;
    None = any number."""

    z: InputName
    image: InputName
    z_shape: tuple[Size, ...]
    values: ValueRange
    batch: Size | None = None
    z_type: ElementType = "float32"
    layout: Layout = "NCHW"
    kind: Literal["generator", "decoder"] = "generator"
    classes: ClassInput | None = None
    fixed: tuple[FixedInput, ...] = ()
    rows: Size | None = None


class Graph(File):
    """One ONNX graph. `precision`: how its weights are stored and computed with (export.precision lists the words).
    `adapter`: for a generator that does not follow the conventions of this format."""

    opset: Size
    precision: str
    parameters: Count
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    adapter: Adapter | None = None


class Dataset(_Entry):
    """The pictures that the models learned from. No classes = unconditional models.

    `fit`: how pictures of other proportions were brought to the bundle's size. `background`: the colour under their
    transparent and padded parts; None = white for RGB, black for grey. `value_range`: the numbers that are black and
    white, where pictures have more than 8 bits. `border`: how many pixels a picture may lack to keep its own; None = a
    quarter of the frame, as in bundles from before it was recorded."""

    source: str
    licence: str
    classes: tuple[str, ...]
    train_images: Count
    test_images: Count
    fit: Fit = "crop"
    background: Colour | None = None
    value_range: tuple[float, float] | None = None
    border: Count | None = None

    @model_validator(mode="after")
    def _black_below_white(self) -> "Dataset":
        if self.value_range and not self.value_range[0] < self.value_range[1]:
            raise ValueError("black must be a smaller number than white")
        return self


class Image(_Entry):
    """The size of every picture: `channels` (1 or 3) x `height` x `width`."""

    channels: Literal[1, 3]
    height: Side
    width: Side

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width), as graphs take and give pictures."""
        return self.channels, self.height, self.width


class Gan(_Entry):
    """Sizes of the GAN's latents, z [latent_dim] and, where it has styles, w [stages, w_dim]; what z is drawn from."""

    latent_dim: Size
    w_dim: Size | None = None
    stages: Size | None = None
    prior: Prior


class Vae(_Entry):
    """The size of the VAE's codes, the standard deviation of its pixels around the decoder's mean, and how it explains
    a picture: bundles older than the choice are calibrated, and not binarized."""

    latent_dim: Size
    sigma: Annotated[float, Field(gt=0)]
    likelihood: Likelihood = "calibrated"
    binarize: bool = False


class Figure(_Entry):
    """One measured figure. `floor`: the best that can be hoped for, where known, and `floor_is` whose figure that is;
    `training_floor`: the same figure of training pictures that are not the reference. `better` "floor": as near to it
    as possible. `error`: standard error, where known. `count`: pictures it was measured on, where they are not
    `Quality.samples`."""

    name: str
    label: str
    value: float
    floor: float | None
    unit: str
    better: Better
    floor_is: str = "held-out pictures"
    error: float | None = None
    training_floor: float | None = None
    count: Size | None = None


class Quality(_Entry):
    """Measured quality, with the command that measured it; `features`: whose features distances were taken in;
    `notes`: what one has to know to read the figures."""

    command: str
    samples: Size
    features: str = ""
    notes: tuple[str, ...] = ()
    figures: tuple[Figure, ...]


class GraphDifference(_Entry):
    """How far one graph in one runtime is from the reference.

    `largest`, `mean`: difference from the reference's outputs, in grey levels of a picture or in shares of
    max(1, |value|). `alone`: the largest difference, in the same unit, between a row of a batch and that row run by
    itself; 0 = bit for bit. `speed`: pictures a second."""

    graph: str
    unit: Literal["grey levels", "share"]
    largest: Annotated[float, Field(ge=0)]
    mean: Annotated[float, Field(ge=0)]
    alone: Annotated[float, Field(ge=0)]
    speed: Annotated[float, Field(ge=0)]


class RuntimeResult(_Entry):
    """The graphs in one runtime; `gap`: why it could not be tried, else empty."""

    runtime: str
    version: str = ""
    gap: str = ""
    graphs: tuple[GraphDifference, ...] = ()


class RuntimeComparison(_Entry):
    """The graphs in several runtimes, compared with one of them, the `reference`; `hardware`: where it was measured."""

    command: str
    hardware: str
    reference: str
    batches: tuple[Size, ...]
    runtimes: tuple[RuntimeResult, ...]


class Curve(_Entry):
    """What was measured while a stage trained: `series`, by name, after so many pictures; None = not then."""

    images: Annotated[tuple[Count, ...], Field(min_length=1, max_length=MAX_POINTS)]
    series: Annotated[dict[SeriesName, tuple[float | None, ...]], Field(min_length=1, max_length=MAX_SERIES)]

    @model_validator(mode="after")
    def _even(self) -> "Curve":
        if any(a >= b for a, b in itertools.pairwise(self.images)):
            raise ValueError("the pictures of a curve must become more")
        if any(len(values) != len(self.images) for values in self.series.values()):
            raise ValueError("every series of a curve must have a value or null at each point")
        return self


class Snapshot(_Entry):
    """A moment of a training: pictures seen and seconds, and what the training warned of then, if anything."""

    images: Size
    seconds: Annotated[float, Field(ge=0)]
    alarms: tuple[Alarm, ...] = ()


class Snapshots(_Entry):
    """What a model drew at moments of its training; the sheet is bundle/snapshots.py's. `pictures`: how many of each
    moment, from the same latents or held-out pictures each time."""

    pictures: Annotated[int, Field(ge=1, le=MAX_SNAPSHOT_PICTURES)]
    taken: Annotated[tuple[Snapshot, ...], Field(min_length=1, max_length=MAX_SNAPSHOTS)]

    @model_validator(mode="after")
    def _later_and_later(self) -> "Snapshots":
        if any(a.images >= b.images for a, b in itertools.pairwise(self.taken)):
            raise ValueError("the pictures seen at snapshots must become more")
        return self


class Session(_Entry):
    """One command that trained a stage, from its start to its end; `version`: of Twofold, empty where it is unknown."""

    command: str
    version: str
    seconds: Annotated[float, Field(ge=0)]
    images: Count
    hardware: str


class Training(_Entry):
    """How one stage was trained. `settings`: what its run was given, by name, without what only that machine knew;
    None in bundles of version 1. `curve`: None in bundles older than curves. `sessions`: every command, in order; none
    in older bundles, where `command` joins those that changed something. `snapshots`: of a GAN or VAE; None where its
    run kept none."""

    command: str
    seconds: Annotated[float, Field(ge=0)]
    images: Count
    hardware: str
    settings: dict[SettingName, Setting] | None = None
    curve: Curve | None = None
    snapshots: Snapshots | None = None
    sessions: tuple[Session, ...] = ()


class AttributeEffect(_Entry):
    """What one standard deviation along an attribute's direction does to pictures. `moved`: the attribute, in its own
    standard deviations; `others`: the mean absolute move of the other attributes, each in its own; `kept`: the mean
    cosine similarity of the classifier's features before and after, None without a classifier."""

    moved: float
    others: Annotated[float, Field(ge=0)]
    kept: Annotated[float, Field(ge=-1, le=1)] | None


class Attribute(_Entry):
    """A property of pictures beside their class. `low` and `high`: 0 and 1 for binary ones, else the 5th and the 95th
    percentile of the training pictures. `accuracy`: of the graph `attributes` on held-out pictures, the balanced
    accuracy of binary ones, the correlation of numbers. `gan`, `vae`: measured of its direction in the latents of that
    model (`attribute_w` and `attribute_code` of latents.npz); None where there is no direction."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_printable)]
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


class Bundle(_Entry):
    """The content of bundle.json."""

    schema_version: Literal[3]
    name: Annotated[str, Field(pattern=f"^{BUNDLE_NAME}$")]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    created: Annotated[datetime, AfterValidator(_aware)]
    dataset: Dataset
    image: Image
    max_batch: Annotated[int, Field(ge=1, le=4096)]
    graphs: dict[str, Graph]
    files: dict[Literal["latents", "examples", "sheet", "training"] | SnapshotFile, File]
    gan: Gan | None
    vae: Vae | None
    quality: Quality | None
    runtime_comparison: RuntimeComparison | None = None
    training: dict[str, Training]
    attributes: Annotated[tuple[Attribute, ...], Field(max_length=MAX_ATTRIBUTES)] = ()

    @property
    def models(self) -> tuple[Model, ...]:
        """The models that this bundle holds."""
        held: tuple[tuple[Model, Gan | Vae | None], ...] = (("gan", self.gan), ("vae", self.vae))
        return tuple(name for name, entry in held if entry is not None)

    def require_gan(self) -> Gan:
        """The entry of the GAN. Raises BundleError when the bundle has none."""
        if self.gan is None:
            raise BundleError(f"Bundle '{self.name}' has no GAN.")
        return self.gan

    def require_vae(self) -> Vae:
        """The entry of the VAE. Raises BundleError when the bundle has none."""
        if self.vae is None:
            raise BundleError(f"Bundle '{self.name}' has no VAE.")
        return self.vae

    def require_styles(self) -> tuple[int, int]:
        """(stages L, width) of the GAN's w [N, L, width]. Raises BundleError when it has none."""
        gan = self.require_gan()
        if gan.stages is None or gan.w_dim is None:
            raise BundleError(f"The generator of bundle '{self.name}' has no styles.")
        return gan.stages, gan.w_dim

    @model_validator(mode="after")
    def _consistent(self) -> "Bundle":
        if self.gan is None and self.vae is None:
            raise ValueError("a bundle needs a 'gan' or a 'vae'")
        needed = (("generator",) if self.gan else ()) + (VAE_NEEDS if self.vae else ())
        if self.gan and (self.gan.w_dim or self.gan.stages or set(STYLES) & set(self.graphs)):
            needed += STYLES
            if not (self.gan.w_dim and self.gan.stages):
                raise ValueError("a GAN with styles needs 'w_dim' and 'stages'")
        missing = [f"graphs.{name}" for name in needed if name not in self.graphs]
        files = ("sheet",) if set(self.graphs) == {"generator"} else ("latents", "examples", "sheet")
        missing += [f"files.{name}" for name in files if name not in self.files]
        if missing:
            raise ValueError(f"{' and '.join(missing)} missing")
        if any(graph.adapter and name != "generator" for name, graph in self.graphs.items()):
            raise ValueError("only a generator may have an adapter")
        for model, key in SNAPSHOT_FILES.items():
            told = model in self.training and self.training[model].snapshots is not None
            if told != (key in self.files):
                raise ValueError(f"'files.{key}' and 'training.{model}.snapshots' come together or not at all")
        names = [attribute.name for attribute in self.attributes]
        if len(set(names)) < len(names):
            raise ValueError("two attributes have the same name")
        if bool(names) != ("attributes" in self.graphs):
            raise ValueError("the graph 'attributes' and the list of attributes need each other")
        for name, graph in self.graphs.items():
            self._check_graph(name, graph)
        return self

    def _check_graph(self, name: str, graph: Graph) -> None:
        if name not in GRAPHS:
            raise ValueError(f"unknown graph '{name}'")
        if (name in GAN_GRAPHS and self.gan is None) or (name in VAE_GRAPHS and self.vae is None):
            raise ValueError(f"graph '{name}' needs the entry 'gan' or 'vae' that describes its latents")
        for kind, tensors, names in (
            ("inputs", graph.inputs, GRAPHS[name].inputs),
            ("outputs", graph.outputs, GRAPHS[name].outputs),
        ):
            wanted = tuple(n for n in names if n != "classes" or self.dataset.classes)
            if tuple(tensor.name for tensor in tensors) != wanted:
                raise ValueError(f"the {kind} of graph '{name}' must be {', '.join(wanted)}")
            for tensor in tensors:
                shape = self._shape(name, tensor.name)
                if shape is not None and tensor.shape[1:] != shape:
                    raise ValueError(f"'{tensor.name}' of graph '{name}' must have shape {('batch', *shape)}")

    def _shape(self, graph: str, tensor: str) -> tuple[int, ...] | None:
        """The shape of one picture's share of a tensor; None = any."""
        classes = max(len(self.dataset.classes), 1)
        shapes: dict[str, tuple[int, ...]] = {
            "image": self.image.shape,
            "mask": (1, *self.image.shape[1:]),
            "score": (1,),
            "classes": (classes,),
            "logits": (classes,),
            "attributes": (len(self.attributes),),
        }
        if self.gan and graph in GAN_GRAPHS:
            shapes |= {"z": (self.gan.latent_dim,), "w": (self.gan.stages or 0, self.gan.w_dim or 0)}
        if self.vae and graph in VAE_GRAPHS:
            shapes |= {name: (self.vae.latent_dim,) for name in ("z", "mean", "logvar")}
        return shapes.get(tensor)
