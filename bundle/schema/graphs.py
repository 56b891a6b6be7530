"""The graphs of a bundle: their names, inputs and outputs; and how one that was exported elsewhere is used."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from bundle.schema.entries import Entry, File, InputName, Tensor

# Of a generator that was exported elsewhere: the types its inputs may have, the order of its picture's dimensions (NHW:
# grey, without channels), and its numbers for black and white.
ElementType = Literal["float32", "float16", "float64", "int64", "int32", "uint8", "bool"]
Layout = Literal["NCHW", "NHWC", "NHW"]
PixelValues = Literal["0..1", "-1..1", "0..255"]
MAX_LISTED_VALUES = 64  # that may be listed for an input that never changes
MAX_FIXED_SIZE = 4_000_000  # numbers of an input that is the same for every picture: noise for 1 024 pixels a side


@dataclass(frozen=True)
class GraphSignature:
    """The names of one graph's inputs and outputs; an unconditional bundle lacks the input `classes`."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


GRAPHS: dict[str, GraphSignature] = {
    "generator": GraphSignature(("z", "classes"), ("image",)),
    "mapping": GraphSignature(("z", "classes"), ("w",)),
    "synthesis": GraphSignature(("w",), ("image",)),
    "critic": GraphSignature(("image", "classes"), ("score",)),
    "inverter": GraphSignature(("image", "mask"), ("w",)),
    "encoder": GraphSignature(("image",), ("mean", "logvar")),
    "repair": GraphSignature(("image", "mask"), ("mean", "logvar")),
    "decoder": GraphSignature(("z",), ("image",)),
    "classifier": GraphSignature(("image",), ("logits", "features")),
    "attributes": GraphSignature(("image",), ("attributes",)),
}
USUAL_GRAPHS = tuple(name for name in GRAPHS if name != "attributes")  # of pictures with classes, without attributes
GAN_GRAPHS = ("generator", "mapping", "synthesis", "critic", "inverter")
VAE_GRAPHS = ("encoder", "decoder", "repair")
STYLE_GRAPHS = ("mapping", "synthesis")  # the two halves of a generator, which one made elsewhere lacks
VAE_NEEDS = VAE_GRAPHS[:2]  # the others may be absent


class ClassInput(Entry):
    """The input by which a generator made elsewhere is told the class: its number, a whole number [N] or [N, 1] of
    type `type`, or a row of weights [N, K] that is 1 for the class ("one-hot")."""

    name: InputName
    type: ElementType
    form: Literal["number", "one-hot"]
    shape: tuple[PositiveInt, ...]  # of one row: (), (1,) or (K,)


class FixedInput(Entry):
    """A further input, such as a truncation, that is the same for every picture. `value`: one number everywhere, the
    numbers in their order, or "normal" for noise that is drawn once, from N(0, 1)."""

    name: InputName
    type: ElementType
    shape: tuple[Literal["batch"] | PositiveInt, ...]
    value: float | Annotated[tuple[float, ...], Field(max_length=MAX_LISTED_VALUES)] | Literal["normal"]

    @model_validator(mode="after")
    def _as_many_numbers(self) -> "FixedInput":
        size = math.prod(length for length in self.shape if isinstance(length, int))
        if size > MAX_FIXED_SIZE:
            raise ValueError(f"'{self.name}' takes {size} numbers; {MAX_FIXED_SIZE} is the most")
        if isinstance(self.value, tuple) and len(self.value) != size:
            raise ValueError(f"'{self.name}' takes {size} numbers, not {len(self.value)}")
        return self


class Adapter(Entry):
    """How a generator is used that was exported elsewhere: the names of its input and output, the shape and the type of
    one z, what it gives for black and white, in which order it gives them, and its batch where the file fixes it.

    `kind`: "decoder" where z is the code of an autoencoder. `rows`: most pictures of one run, where they are large;
    None = any number."""

    z: InputName
    image: InputName
    z_shape: tuple[PositiveInt, ...]
    values: PixelValues
    batch: PositiveInt | None = None
    z_type: ElementType = "float32"
    layout: Layout = "NCHW"
    kind: Literal["generator", "decoder"] = "generator"
    classes: ClassInput | None = None
    fixed: tuple[FixedInput, ...] = ()
    rows: PositiveInt | None = None


class Graph(File):
    """One ONNX graph. `precision`: how its weights are stored and computed with: a word of export.precision, or "as it
    came" for a generator from elsewhere that is not float32 throughout. `adapter`: for a generator that does not follow
    the conventions of this format."""

    opset: PositiveInt
    precision: str
    parameters: NonNegativeInt
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    adapter: Adapter | None = None
