"""Who may look after the class: one secret, compared in constant time, and few wrong tries a minute. Torch-free.

Whoever runs the host sets ``TLL_TEACHER_SECRET``. Without it nobody is let in.
"""

import hashlib
import hmac
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable

from core import errors

SECRET = "TLL_TEACHER_SECRET"
SHORTEST = 12  # characters of a secret
WRONG_EACH = 5  # wrong tries in `SECONDS` of one visitor at one network address
WRONG_IN_ALL = 60  # of everybody: whoever throws the cookie away is a new visitor at every try
KNOWN = 100  # visitors that were let in and are remembered, until the server ends
SECONDS = 60.0
STOPPED = "Stopped by the teacher."


class RefusedError(errors.LabError):
    """The teacher's page does not open."""


def secret() -> str:
    """Read the secret; a `RefusedError` that says what the operator does where there is none that will do."""
    found = os.environ.get(SECRET, "")
    if not found:
        raise RefusedError(
            f"This page is closed until whoever runs the server sets {SECRET} to a secret of at least {SHORTEST} "
            "characters and starts it again."
        )
    if len(found) < SHORTEST:
        raise RefusedError(
            f"This page is closed: {SECRET} has fewer than {SHORTEST} characters; whoever runs the server sets a "
            "longer one and starts it again."
        )
    return found


class Door:
    """Lets in whoever knows the secret, and counts wrong tries; one for each process, safe to use from any thread.

    Wrong tries count for a visitor at an address, so that nobody can lock out the others behind the same router. The
    limit of all does not hold for who has been let in before: a pupil's script must not keep the teacher outside.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: deque[tuple[float, tuple[str, str]]] = deque()  # when, and who
        self._known: deque[str] = deque(maxlen=KNOWN)  # visitors that were let in

    def enter(self, offered: str, *, visitor: str, address: str | None) -> None:
        """Return where ``offered`` is the secret; else a `RefusedError`, with the seconds to wait after too many."""
        wanted, who = secret(), (visitor, address or "")
        with self._lock:  # comparing inside it: tries at the same moment are counted one by one
            self._wait(who)
            if hmac.compare_digest(_digest(offered), _digest(wanted)):
                if visitor not in self._known:
                    self._known.append(visitor)
                return
            self._wrong.append((self._clock(), who))
        raise RefusedError("That is not the secret.")

    def _wait(self, who: tuple[str, str]) -> None:
        now = self._clock()
        while self._wrong and self._wrong[0][0] <= now - SECONDS:
            self._wrong.popleft()
        counted = [([when for when, one in self._wrong if one == who], WRONG_EACH)]
        if who[0] not in self._known:
            counted.append(([when for when, _ in self._wrong], WRONG_IN_ALL))
        full = [tries[-most] for tries, most in counted if len(tries) >= most]
        if full:
            seconds = max(1, math.ceil(max(full) + SECONDS - now))
            raise RefusedError(
                f"Too many wrong tries; wait {seconds} second{'s' * (seconds > 1)}, then try again."
            )


def _digest(text: str) -> bytes:
    """Equally long for every secret: so that comparing tells nothing about the length either."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


door = Door()
