"""The one exception whose message is meant for the person at the keyboard."""


class UserError(Exception):
    """A mistake that the user can mend; commands print its sentence and exit with code 2."""
