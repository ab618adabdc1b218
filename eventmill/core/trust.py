"""Classes of trust: how much the word of a sender counts.

What a less trusted sender says never displaces, hides, renames or re-attributes what a more trusted
one said, whichever came first (docs/decisions/0034-classes-of-trust.md). This module is the one
home of the classes and of their order; `raw.events.trust` holds the number.
"""

from enum import IntEnum


class Trust(IntEnum):
    """The class of a sender. A larger number is more trusted, so `>` reads as "outranks"."""

    PUBLISHABLE = 1
    """Anybody who has seen the page: a publishable write key."""
    TOKEN = 2
    """One user, of whom the token is proof."""
    SECRET = 3
    """A server with a secret write key, or the command line."""


STORED_BEFORE = Trust.SECRET
"""The class of what was stored or spooled by a version that knew no classes: its numbers stay."""
