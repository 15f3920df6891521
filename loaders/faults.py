"""The one exception for faults a user can cure; it never wraps a bug of ours."""


class Fault(Exception):
    """Says in a sentence what happened, with which value, and what to do about it.

    Raised anywhere, turned into a message only at the edge: the page and the command line.
    """
