"""A bar on standard error that overwrites itself where that is a terminal; lines elsewhere."""

import contextlib
import re
import sys
import time

from core import errors

_BAR_WIDTH = 24  # characters
_REDRAW_SECONDS = 0.1
_MOST_AT_A_STRETCH = 300  # characters without a space: a longer name is shown without its middle


def say(text: str) -> None:
    """Write a line to standard error; nothing happens where that is closed or full.

    Names in it may hold anything: control characters, which would steer a terminal, are written as escapes.
    """
    plain = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
    long = re.compile(rf"\S{{{_MOST_AT_A_STRETCH},}}")
    _put(long.sub(lambda found: errors.shortened(found.group(), _MOST_AT_A_STRETCH), plain) + "\n")


def _put(text: str) -> None:
    if sys.stderr is not None:  # it is closed
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()


class Terminal:
    """Where a person reads along."""

    def __init__(self) -> None:
        self._live = sys.stderr is not None and sys.stderr.isatty()
        self._next = 0.0

    def bar(self, what: str, done: float, total: float, pace: float | None) -> None:
        """Say how far ``what`` is."""
        if not self._live or (time.monotonic() < self._next and done < total):
            return
        self._next = time.monotonic() + _REDRAW_SECONDS
        filled = round(_BAR_WIDTH * min(1.0, done / max(1, total)))
        speed = f"  {pace:,.0f} images/s" if pace else ""
        text = f"{what:<9} [{'#' * filled}{'.' * (_BAR_WIDTH - filled)}] {done:,.0f} of {total:,.0f}{speed}"
        _put(f"\r\x1b[K{text}")

    def line(self, text: str) -> None:
        """Write a line that stays."""
        self.clear()
        say(text)

    def clear(self) -> None:
        """Take the bar away."""
        if self._live:
            _put("\r\x1b[K")
