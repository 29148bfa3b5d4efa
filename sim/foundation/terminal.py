"""Text on a terminal as it is: `[red]` and `:100:` in a message are not markup, and no emoji."""

import re
from typing import Any

from rich.console import Console

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def terminal(**how: Any) -> Console:
    """What prints; every text that the lab prints goes through one of these.

    Args:
        how: as for rich's `Console`.
    """
    return Console(emoji=False, markup=False, highlight=False, **how)


def visible(text: str) -> str:
    """A text with its control characters written out, so that a file's name cannot steer."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
