"""What every entry of bundle.json is built of: strict models, the forms of names and numbers, files and tensors."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, model_validator

MAX_FILE_BYTES = 512_000_000
MAX_LATENT = 65_536  # numbers of a latent: of many times more, a batch would fill the memory
MAX_SIDE = 1024  # pixels of a picture's height or width

Model = Literal["gan", "vae"]


def plain_file_name(name: str) -> str:
    """The name, if it is a file's and no path. Raises ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise ValueError(f"{name!r} is not a plain file name inside the bundle's folder")
    return name


def aware(time: datetime) -> datetime:
    """A time without a zone is taken as UTC, so that all times can be compared."""
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def printable_name(name: str) -> str:
    """The name, if all of it can be shown and nothing of it is lost when spaces are stripped. Raises ValueError."""
    if not name.isprintable() or name != name.strip():
        raise ValueError(f"{name!r} is not a name of printable characters without spaces around it")
    return name


FileName = Annotated[str, AfterValidator(plain_file_name)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
SeriesName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
SettingName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
# Strings are as long as the names of all attributes together.
Scalar = bool | int | float | Annotated[str, Field(max_length=4000)] | None
Setting = Scalar | tuple[Scalar, ...]
LatentSize = Annotated[int, Field(ge=1, le=MAX_LATENT)]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]
MAX_INPUT_NAME = 200  # characters
InputName = Annotated[str, Field(min_length=1, max_length=MAX_INPUT_NAME)]


class Entry(BaseModel):
    """A part of the index: it cannot be changed, unknown keys are errors, and so are numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class File(Entry):
    """One file beside the index."""

    file: FileName
    sha256: Sha256
    bytes: Annotated[int, Field(ge=1, le=MAX_FILE_BYTES)]


class Tensor(Entry):
    """A graph's input or output, float32. The first dimension is the word "batch"."""

    name: str
    shape: tuple[Literal["batch"] | PositiveInt, ...]

    @model_validator(mode="after")
    def _batch_first(self) -> "Tensor":
        if not self.shape or self.shape[0] != "batch" or "batch" in self.shape[1:]:
            raise ValueError(f"the shape of '{self.name}' must be 'batch' and then whole numbers")
        return self

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one row of a batch."""
        return tuple(length for length in self.shape[1:] if isinstance(length, int))
