"""Help texts of commands that tyro makes from dataclasses: a docstring's lines become one paragraph.

tyro keeps the line breaks of the source, so that --help would break in mid-sentence. Flags that may be left out are
shown as --size INT (optional), not as --size {None}|INT (default: None): the docstring says what happens without.
"""

import ast
import inspect
import itertools
import textwrap
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args

import tyro

Class = TypeVar("Class")


def paragraph(text: str) -> str:
    """The text on one line, single spaces between the words."""
    return " ".join(text.split())


def field_docstrings(kind: type) -> dict[str, str]:
    """Field -> the docstring under it, of a class and of those that it inherits from."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__[:-1]):
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        body = definition.body if isinstance(definition, ast.ClassDef) else []
        for field, following in itertools.pairwise(body):
            match field, following:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = paragraph(text)
    return found


METAVARS: dict[tuple[object, ...], str] = {
    (int,): "INT",
    (float,): "FLOAT",
    (str,): "STR",
    (Path,): "PATH",
    (int, str): "SIZE",
}


def metavar(annotation: object) -> str | None:
    """What --help shows for the value of an optional flag: `int | None` -> INT. None: as tyro shows it."""
    kinds = get_args(annotation)
    if NoneType not in kinds:
        return None
    others = tuple(kind for kind in kinds if kind is not NoneType)
    return METAVARS.get(others) or f"{{{','.join(map(str, get_args(others[0])))}}}"


def hint(default: str) -> str:
    """What --help shows after the text of a flag that may be left out."""
    return "(optional)" if default == "None" else f"(default: {default})"


def reflowed(kind: type[Class]) -> type[Class]:
    """Class decorator: the class as tyro should read it, each docstring one paragraph."""
    texts = field_docstrings(kind)
    for name, annotation in list(kind.__annotations__.items()):
        if name in texts:
            shown = metavar(annotation)
            words = tyro.conf.arg(help=texts[name], metavar=shown, help_behavior_hint=hint if shown else None)
            with_help: Any = Annotated[annotation, words]
            kind.__annotations__[name] = with_help
    if kind.__doc__:
        kind.__doc__ = paragraph(kind.__doc__)
    return kind
