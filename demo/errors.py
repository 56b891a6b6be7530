"""What can go wrong for a user of the demo. Every message is one sentence, ready to be shown."""


class UserError(Exception):
    """The common base: show the message, not a traceback."""


class BundleError(UserError):
    """A bundle cannot be used, or lacks what was asked of it."""


class ImageError(UserError):
    """A picture cannot be used."""


class InputError(UserError, ValueError):
    """An argument is outside what is possible."""


class RuntimeUnavailable(UserError):
    """The demanded processor cannot be used; the message says what mends it."""


class Busy(UserError):
    """Too much is asked for at once, or one thing takes too long: it may work later."""
