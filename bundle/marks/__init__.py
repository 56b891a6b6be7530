"""Marks: a picture that leaves says that a model drew it, which bundle that was, and what draws it again.

mark.py      the mark as data, and the states that draw a picture again
xmp.py       the mark as a block of XMP, and back
formats.py   the block in its own place in PNG, WebP, GIF and MP4; pixels stay as they are
redraw.py    the pictures of a state, drawn by a bundle
verify.py    what can be said of a file: is it marked, by whom, does the bundle draw the same picture again
"""

from bundle.marks.mark import (
    COMPOSITE,
    MAX_FAVOURITES,
    TRAINED,
    Classes,
    DigitalSource,
    Favourites,
    Film,
    Mark,
    MorphFrame,
    Point,
    Seed,
    Sheet,
    State,
    classes_of,
    composite,
    known_state,
    of_sheet,
    plain_state,
    trained,
)

__all__ = [
    "COMPOSITE",
    "MAX_FAVOURITES",
    "TRAINED",
    "Classes",
    "DigitalSource",
    "Favourites",
    "Film",
    "Mark",
    "MorphFrame",
    "Point",
    "Seed",
    "Sheet",
    "State",
    "classes_of",
    "composite",
    "known_state",
    "of_sheet",
    "plain_state",
    "trained",
]
