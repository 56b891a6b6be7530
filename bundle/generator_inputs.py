"""What the inputs of a generator from elsewhere are for: z, the class, and what stays the same for every picture.

Types and shapes tell most of it and names the rest; what cannot be told is asked for by the name of a flag.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast, get_args

import numpy as np

from bundle.errors import BundleError, UserError
from bundle.onnx_outline import TYPES, Dimensions, Outline, described, unknown
from bundle.schema import (
    MAX_FIXED_SIZE,
    MAX_LATENT,
    MAX_LISTED_VALUES,
    ClassInput,
    ElementType,
    FixedInput,
    Layout,
    PixelValues,
)
from bundle.schema.entries import MAX_INPUT_NAME

FLOAT_TYPES = ("float32", "float16", "float64")
WHOLE_TYPES = ("int64", "int32", "uint8")
CHANNELS = (1, 3)
SMALLEST_PICTURE = 16  # pixels a side from which an input of 1 or 3 channels is a picture, not a code

LATENT_NAMES = re.compile(r"^(z\d*|latents?|noise|input|x)$|latent", re.IGNORECASE)
CODE_NAMES = re.compile(r"^z$|latent|code|embed|noise", re.IGNORECASE)
CLASS_NAMES = re.compile(r"class|label|cond|one_?hot|^[cy]$", re.IGNORECASE)
# Inputs that need no flag, because one value of theirs is the usual one.
USUAL: tuple[tuple[re.Pattern[str], float], ...] = (
    (re.compile("trunc|psi", re.IGNORECASE), 1),
    (re.compile("seed", re.IGNORECASE), 0),
    (re.compile("train", re.IGNORECASE), 0),
    (re.compile("noise", re.IGNORECASE), 0),
)

Described = tuple[int, Dimensions]  # number of the type, shape


@dataclass(frozen=True)
class Given:
    """What flags say of a generator, and shapes and a trial run otherwise tell. `inputs`: name of an input -> the value
    it always has, as text; `classes`: their names."""

    inputs: Mapping[str, str] = field(default_factory=dict)
    output: str | None = None
    layout: Layout | None = None
    values: PixelValues | None = None
    classes: tuple[str, ...] = ()


NOTHING_GIVEN = Given()


@dataclass(frozen=True)
class Inputs:
    """What each input is for; `notes`: what was guessed, a sentence each."""

    z: str
    z_type: ElementType
    z_shape: tuple[int, ...]
    batch: int | None
    classes: ClassInput | None
    fixed: tuple[FixedInput, ...]
    notes: tuple[str, ...]


def find_inputs(file: Outline, given: Given) -> Inputs:
    """What the inputs are for. Raises BundleError when the network is no generator, UserError for an unsuitable flag or
    one that is needed."""
    if missing := sorted(set(given.inputs) - set(file.inputs)):
        raise UserError(f"--input {missing[0]}: this file has no such input; it has {_listed(file.inputs)}.")
    open_inputs = {name: entry for name, entry in file.inputs.items() if name not in given.inputs}
    _refuse_pictures(open_inputs, file)
    z = _latent(open_inputs, file)
    z_kind, z_dimensions = file.inputs[z]
    notes, classes = [], None
    values = dict(given.inputs)
    for name, (kind, shape) in open_inputs.items():
        if name == z:
            continue
        if _is_class(name, kind, shape) and classes is None:
            classes = _class_input(name, kind, shape)
        elif (usual := next((value for words, value in USUAL if words.search(name)), None)) is not None:
            values[name] = f"{usual:g}"
            notes.append(f"{described(name, kind, shape)} is always {usual:g}; --input {name}=VALUE changes that.")
        else:
            raise UserError(f"What is {described(name, kind, shape)} for? Say what it always is: --input {name}=VALUE.")
    fixed = tuple(fixed_input(name, file.inputs[name], text) for name, text in values.items())
    batch = z_dimensions[0] if isinstance(z_dimensions[0], int) and z_dimensions[0] > 0 else None
    sizes = tuple(size for size in z_dimensions[1:] if isinstance(size, int))
    return Inputs(z, _type(z, z_kind, z_dimensions), sizes, batch, classes, fixed, tuple(notes))


def fixed_input(name: str, entry: Described, text: str) -> FixedInput:
    """An input with the value that `--input NAME=VALUE` gives it. Raises UserError for one that it cannot have."""
    kind, shape = entry
    element = _type(name, kind, shape)
    if any(unknown(size) for size in shape[1:]):
        raise UserError(f"{described(name, kind, shape)} leaves its size open: export it with a known one.")
    sizes: list[str | int] = [size for size in shape]
    if shape and unknown(shape[0]):
        sizes[0] = "batch"
    count = math.prod(size for size in sizes if isinstance(size, int))
    if count > MAX_FIXED_SIZE:
        raise UserError(f"{described(name, kind, shape)} takes {count} numbers; {MAX_FIXED_SIZE} is the most.")
    value = "normal" if text == "normal" else _numbers(name, text)
    if isinstance(value, tuple) and len(value) != count:
        raise UserError(f"--input {name}: {described(name, kind, shape)} takes {count} numbers, not {len(value)}.")
    if not isinstance(value, str) and not holds(element, value):
        raise UserError(f"--input {name}: {text} is no {element}, which {described(name, kind, shape)} takes.")
    if value == "normal" and element not in FLOAT_TYPES:
        taken = f"{described(name, kind, shape)} takes {element}"
        raise UserError(f"--input {name}=normal: {taken}, and noise needs {', '.join(FLOAT_TYPES)}.")
    return FixedInput.model_validate({"name": name, "type": element, "shape": sizes, "value": value})


def holds(element: str, value: float | tuple[float, ...]) -> bool:
    """Whether an element type has these numbers: floats as nearly as they can, whole numbers and booleans exactly."""
    wanted = np.array(value, np.float64)
    with np.errstate(all="ignore"):
        found = wanted.astype(element).astype(np.float64)
    return bool(np.isfinite(found).all() and (element in FLOAT_TYPES or np.array_equal(found, wanted)))


def _numbers(name: str, text: str) -> float | tuple[float, ...]:
    words = {"true": "1", "false": "0"}
    try:
        numbers = tuple(float(words.get(part.strip().lower(), part)) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) > MAX_LISTED_VALUES:
        raise UserError(f"--input {name}: {len(numbers)} numbers are too many, {MAX_LISTED_VALUES} are the most.")
    if not numbers or not all(map(math.isfinite, numbers)):
        raise UserError(f"--input {name}={text[:40]}: give a number, numbers with commas, true, false or normal.")
    return numbers if len(numbers) > 1 else numbers[0]


def _latent(inputs: Mapping[str, Described], file: Outline) -> str:
    """The name of z."""
    if not file.inputs:
        raise BundleError(
            "This network has no input, and a generator takes z. If it draws its noise itself, export it with the "
            "noise as an input."
        )
    floats = [n for n, (kind, shape) in inputs.items() if TYPES.get(kind) in FLOAT_TYPES and len(shape) >= 2]
    wide = [name for name in floats if _row_size(inputs[name][1]) != 1]
    candidates = wide if len(wide) < 2 else [name for name in wide if not _class_like(name, inputs[name][1])] or wide
    if len(candidates) > 1:  # noise maps stand beside z; they are larger than a vector
        flat = [name for name in candidates if len(inputs[name][1]) == 2]
        named = [name for name in candidates if LATENT_NAMES.search(name)]
        candidates = flat if len(flat) == 1 else named if len(named) == 1 else candidates
    if len(candidates) > 1:
        asked = " ".join(f"--input {name}=VALUE" for name in candidates[1:])
        raise UserError(
            f"Which input is z? It has {_listed(file.inputs)}: say what the others always are, such as {asked}."
        )
    if not candidates:
        raise BundleError(
            f"A generator takes z, float32 [batch, numbers, …] of known size; this file takes {_listed(file.inputs)}."
        )
    (name,) = candidates
    kind, shape = inputs[name]
    if any(unknown(size) for size in shape[1:]):
        raise BundleError(f"z must have a known size: export {described(name, kind, shape)} with sizes for all but the "
                          "batch.")  # fmt: skip
    if (numbers := _row_size(shape)) > MAX_LATENT:
        raise BundleError(f"z has {numbers} numbers, {described(name, kind, shape)}; {MAX_LATENT} are the most.")
    return name


def _refuse_pictures(inputs: Mapping[str, Described], file: Outline) -> None:
    """Raises BundleError for a network that takes pictures."""
    for name, (kind, shape) in inputs.items():
        if TYPES.get(kind) in (*FLOAT_TYPES, "uint8") and _is_picture(name, shape):
            drawn = any(len(shape) in (0, 3, 4) for _, shape in file.outputs.values())
            what = "a picture-to-picture network" if drawn else "a classifier or an encoder"
            raise BundleError(
                f"This is {what}: it takes pictures, {described(name, kind, shape)}, and gives "
                f"{_listed(file.outputs)}. Only generators are adopted, which draw from random numbers z."
            )


def _is_picture(name: str, shape: Dimensions) -> bool:
    if len(shape) != 4 or CODE_NAMES.search(name):
        return False
    first, last = (shape[1] in CHANNELS, shape[2:]), (shape[3] in CHANNELS, shape[1:3])
    return any(
        fits and all(unknown(side) or (isinstance(side, int) and side >= SMALLEST_PICTURE) for side in sides)
        for fits, sides in (first, last)
    )


def _is_class(name: str, kind: int, shape: Dimensions) -> bool:
    element, size = TYPES.get(kind), _row_size(shape)
    if any(words.search(name) for words, _ in USUAL):
        return False
    if element in WHOLE_TYPES and (len(shape) == 1 or (len(shape) == 2 and size == 1)):
        return True
    return element in (*FLOAT_TYPES, *WHOLE_TYPES) and _class_like(name, shape)


def _class_like(name: str, shape: Dimensions) -> bool:
    return bool(CLASS_NAMES.search(name)) and len(shape) == 2 and _row_size(shape) > 1


def _class_input(name: str, kind: int, shape: Dimensions) -> ClassInput:
    row = tuple(size for size in shape[1:] if isinstance(size, int))
    form = "one-hot" if math.prod(row) > 1 else "number"
    return ClassInput.model_validate({"name": name, "type": _type(name, kind, shape), "form": form, "shape": row})


def check_tensor_name(name: str) -> None:
    """Raises BundleError for the name of an input or output that an index cannot hold."""
    if not 1 <= len(name) <= MAX_INPUT_NAME:
        raise BundleError(
            f"An input or output of this file has a name of {len(name)} characters, '{name[:40]}…': give it "
            f"one of 1 to {MAX_INPUT_NAME}."
        )


def _type(name: str, kind: int, shape: Dimensions) -> ElementType:
    check_tensor_name(name)
    element = TYPES.get(kind)
    if element not in get_args(ElementType):
        raise BundleError(
            f"The input {described(name, kind, shape)} cannot be given: types that can are "
            f"{', '.join(get_args(ElementType))}."
        )
    return cast(ElementType, element)


def _row_size(shape: Dimensions) -> int:
    """The numbers of one row; 0 where a size is left open."""
    return math.prod(size if isinstance(size, int) and size > 0 else 0 for size in shape[1:])


def _listed(tensors: Mapping[str, Described]) -> str:
    return ", ".join(described(name, *entry) for name, entry in list(tensors.items())[:5]) or "nothing"


def parsed_inputs(words: Sequence[str]) -> dict[str, str]:
    """The values of `--input NAME=VALUE`, by name. Raises UserError for words without a name or a value."""
    return dict(_pairs(words))


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        name, equals, value = word.rpartition("=")
        if not (name and equals and value):
            raise UserError(f"--input {word}: write NAME=VALUE, such as --input truncation=0.7.")
        yield name, value
