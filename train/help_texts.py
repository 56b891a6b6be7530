"""Help texts of commands that tyro makes from dataclasses: a docstring's lines become one paragraph.

tyro keeps the line breaks of the source, so that --help would break in mid-sentence.
"""

import ast
import inspect
import itertools
import textwrap
from typing import Annotated, Any, TypeVar

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


def reflowed(kind: type[Class]) -> type[Class]:
    """Class decorator: the class as tyro should read it, each docstring one paragraph."""
    texts = field_docstrings(kind)
    for name, annotation in list(kind.__annotations__.items()):
        if name in texts:
            with_help: Any = Annotated[annotation, tyro.conf.arg(help=texts[name])]
            kind.__annotations__[name] = with_help
    if kind.__doc__:
        kind.__doc__ = paragraph(kind.__doc__)
    return kind
