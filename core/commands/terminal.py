"""A bar on standard error that overwrites itself where that is a terminal; lines elsewhere."""

import contextlib
import sys
import time

_BAR_WIDTH = 24  # characters
_REDRAW_SECONDS = 0.1


class Terminal:
    """Where a person reads along."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._next = 0.0

    def bar(self, what: str, done: int, total: int, pace: float | None) -> None:
        """Say how far ``what`` is."""
        if not self._live or (time.monotonic() < self._next and done < total):
            return
        self._next = time.monotonic() + _REDRAW_SECONDS
        filled = round(_BAR_WIDTH * min(1.0, done / max(1, total)))
        speed = f"  {pace:,.0f} images/s" if pace else ""
        text = f"{what:<9} [{'#' * filled}{'.' * (_BAR_WIDTH - filled)}] {done:,} of {total:,}{speed}"
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def line(self, text: str) -> None:
        """Write a line that stays."""
        self.clear()
        print(text, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the bar away."""
        if self._live:
            with contextlib.suppress(OSError):
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)
