"""Errors whose message is meant for the user: one sentence that says what is wrong and what to do.

UserError
├── BundleError          a bundle cannot be used, or lacks what was asked of it
│   └── FileGone         one of its files is missing or was changed; it may come back
├── ImageError           a picture cannot be used
├── InputError           an argument is outside what is possible (also a ValueError)
├── RuntimeUnavailable   the processor that was asked for cannot be used
│   └── ServerGone       the inference server cannot be reached, or is overloaded; it may come back
└── Busy                 too much at once, or one request takes too long: try again later
"""

from bundle.printable import printable


class UserError(Exception):
    """A problem that the user can solve: commands print the message and exit with code 2, pages show it. Whatever it
    quotes, half of a surrogate pair too, the message is a text that any answer can hold."""

    def __str__(self) -> str:
        return printable(super().__str__())


class BundleError(UserError):
    """A bundle cannot be used, or lacks what was asked of it."""


class FileGone(BundleError):
    """A file of a bundle is missing, cannot be read, or is not the one that its index vouches for. It may come back."""


class ImageError(UserError):
    """A picture cannot be used."""


class InputError(UserError, ValueError):
    """An argument is outside what is possible."""


class RuntimeUnavailable(UserError):
    """The processor that was asked for cannot be used. The message says how to get it."""


class ServerGone(RuntimeUnavailable):
    """An inference server cannot be reached, is overloaded, or has not loaded its models yet. It may come back."""


class Busy(UserError):
    """Too much is asked for at once, or one request takes too long. It may work later."""


def first_line(error: Exception) -> str:
    """The first line of an error's message, of which onnxruntime's have many; where it is empty, the error's class."""
    return printable((str(error).strip().splitlines() or [type(error).__name__])[0][:200])
