"""Standard output that does not stop the work: on any console's encoding, where a disk is full, or a pipe closed."""

import contextlib
import io
import os
import sys
from typing import TextIO

from core.commands.terminal import say


class ReaderGone(BaseException):
    """Nobody reads standard output any more, as ``head`` does not. Like `KeyboardInterrupt`, for nobody to swallow."""


class Output(io.TextIOBase):
    """What ``print`` writes to in place of ``stream``, which may be None. Every line is flushed.

    Characters that the stream's encoding lacks are written as escapes. Where the stream takes nothing more, as on a
    full disk, everything goes to standard error, and `broken` says why. Where its reader has gone, `ReaderGone` is
    raised, unless ``lasting``: then there is something to be done besides, and what is printed goes nowhere.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.lasting = False
        self.broken: str | None = None
        self._stream = stream
        self._line = ""  # what is not known to have arrived
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write ``text``, and flush it with the end of its line."""
        self._line += text
        if text.endswith("\n"):
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Write what was not written yet."""
        text, self._line = self._line, ""
        if self._stream is None or not text:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            self._leave()
            if not self.lasting:
                raise ReaderGone from None
        except OSError as error:
            self._leave()
            self.broken = error.strerror or str(error)
            say(f"Standard output takes nothing ({self.broken}); what was to go there follows here.")
            self._stream = sys.stderr
            for line in text.splitlines():
                say(line)

    def _leave(self) -> None:
        """Forget the stream; what it still holds must not fail once more when the process ends."""
        stream, self._stream = self._stream, None
        with contextlib.suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
            os.close(nowhere)
