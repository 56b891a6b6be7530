"""How far a pack of pictures is, and what was found on the way: the content of pack.json."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from pydantic import TypeAdapter

from train.data.scan import PictureFormat, Scan


@dataclass
class PackState:
    """`keys`: see `packed.key_of`; one for each way of asking for these pictures. `seen`: rows of each split
    that were read, whether or not they hold a picture; `kept`: how many did. Once `finished`, `origins` say of which of
    the splits that were read the final ones are rows, `counts` how many they have, and `classes` and `notes` what
    became of labels."""

    keys: list[str]
    wanted: PictureFormat
    scan: Scan = field(default_factory=Scan)
    seen: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    finished: bool = False
    origins: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    attributes: int = 0


def state_as_json(state: PackState) -> dict[str, Any]:
    """All of it, as JSON takes it."""
    scan = {
        name: list(value.items()) if isinstance(value, Counter) else value for name, value in vars(state.scan).items()
    }
    return {**vars(state), "wanted": asdict(state.wanted), "scan": scan}


def state_from_json(value: Mapping[str, Any]) -> PackState:
    """Inverse of `state_as_json`. Raises KeyError, TypeError, ValueError or pydantic's ValidationError for anything
    else."""
    scan = Scan()
    for name in (known.name for known in fields(Scan)):
        stored = value["scan"][name]
        if isinstance(getattr(scan, name), Counter):
            stored = Counter({tuple(key) if isinstance(key, list) else key: count for key, count in stored})
        setattr(scan, name, stored)
    rest = {name: value[name] for name in vars(PackState([], value["wanted"])) if name not in ("wanted", "scan")}
    wanted = TypeAdapter(PictureFormat).validate_python(value["wanted"])
    tuples = {name: tuple(rest[name]) for name in ("classes", "notes")}
    return PackState(**rest | tuples, wanted=wanted, scan=scan)
