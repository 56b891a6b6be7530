"""What was measured of a bundle: its quality, and its graphs in several runtimes."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from bundle.schema.entries import Entry

Better = Literal["lower", "higher", "floor"]
HELD_OUT = "held-out pictures"  # what a floor is measured on, unless the figure names something else


class Figure(Entry):
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
    floor_is: str = HELD_OUT
    error: float | None = None
    training_floor: float | None = None
    count: PositiveInt | None = None


class Quality(Entry):
    """Measured quality, with the command that measured it; `features`: whose features distances were taken in;
    `notes`: what one has to know to read the figures."""

    command: str
    samples: PositiveInt
    features: str = ""
    notes: tuple[str, ...] = ()
    figures: tuple[Figure, ...]


class GraphDifference(Entry):
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


class RuntimeResult(Entry):
    """The graphs in one runtime; `gap`: why it could not be tried, else empty."""

    runtime: str
    version: str = ""
    gap: str = ""
    graphs: tuple[GraphDifference, ...] = ()


class RuntimeComparison(Entry):
    """The graphs in several runtimes, compared with one of them, the `reference`; `hardware`: where it was measured."""

    command: str
    hardware: str
    reference: str
    batches: tuple[PositiveInt, ...]
    runtimes: tuple[RuntimeResult, ...]
