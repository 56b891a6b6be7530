"""How pictures are to be read: from the flag to the run and the bundle, and back."""

import pytest

from bundle.errors import UserError
from train.command_line import parse
from train.data.dataset import DataInfo
from train.data.reading import DEFAULT_READING, Reading, reading_of, stored_reading
from train.settings import GanSettings
from train.stored_settings import to_public_dict


def settings(*flags: str) -> GanSettings:
    found, _ = parse(["gan", "runs/x", *flags], console_outputs=False)
    assert isinstance(found, GanSettings)
    return found


def test_flags_become_a_reading_that_a_bundle_keeps():
    asked = settings("--no-classes", "--classes-from", "column", "--label-column", "kind", "--image-column", "photo")
    reading = Reading(False, "column", "photo", "kind")
    assert reading_of(asked) == reading and reading_of(settings()) == DEFAULT_READING
    public = to_public_dict(asked)
    assert stored_reading(True, [None, public]) == reading and "cache" not in public
    with pytest.raises(SystemExit):
        settings("--classes-from", "names")
    with pytest.raises(UserError, match="settings are damaged: classes_from cannot be 'names'"):
        stored_reading(True, [public | {"classes_from": "names"}])


def test_what_was_stored_before_the_flags_had_the_classes_that_were_found():
    assert stored_reading(True, [{"lr": 1.0}, None]) == DEFAULT_READING
    assert stored_reading(False, [None]) == Reading(classes=False)
    info = DataInfo("x", "x", "none", 1, 16, 16, ("a", "b"), 100, 10, reading=Reading(label_column="kind"))
    stored = info.as_json()
    assert DataInfo.from_json(stored) == info
    del stored["reading"]
    assert DataInfo.from_json(stored).reading == DEFAULT_READING
    assert DataInfo.from_json(stored | {"classes": []}).reading == Reading(classes=False)
