"""Who may look after the class: one secret, compared in constant time, and wrong tries slow down. Torch-free.

Whoever runs the host sets ``TLL_TEACHER_SECRET``. Without it nobody is let in.
"""

import hashlib
import hmac
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from core import environment, errors
from core.runs.store.places import network_of

_log = logging.getLogger(__name__)

SECRET = environment.TEACHER_SECRET.name
SHORTEST = 12  # characters of a secret
SECONDS = 60.0  # for how long a wrong try makes later ones slower
FREE_TRIES = 3  # wrong ones from a network in that time, before anybody waits
SHORTEST_WAIT = 0.5  # seconds, twice as long with every further wrong try, up to
LONGEST_WAIT = 5.0
KNOWN = 100  # visitors that were let in and are remembered, until the server ends
STOPPED = "Stopped by the teacher."


class RefusedError(errors.LabError):
    """The teacher's page does not open."""


def secret() -> str:
    """Read the secret; a `RefusedError` that says what the operator does where there is none that will do."""
    found = environment.TEACHER_SECRET.text()
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
    """Lets in whoever knows the secret; one for each process, safe to use from any thread.

    Wrong tries make the next ones from the same network slower, and refuse none: whoever throws cookies away must not
    keep the right secret outside. A visitor who has been let in before waits for their own wrong tries only.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._wrong: deque[tuple[float, str]] = deque()  # when, and whose: a network, or a known visitor
        self._known: deque[str] = deque(maxlen=KNOWN)
        self._opened = 0  # how often everybody was signed out

    def enter(self, offered: str, *, visitor: str, address: str | None) -> int:
        """Return a pass where ``offered`` is the secret; else a `RefusedError`. It may take some seconds."""
        wanted = secret()
        with self._lock:  # counted before the wait: tries at the same moment are many tries
            whose = visitor if visitor in self._known else network_of(address)
            wait = self._wait(whose)
            tried = (self._clock(), whose)
            self._wrong.append(tried)
        if wait:  # with the right secret, too: nobody learns from the time what was right
            self._sleep(wait)
        if not hmac.compare_digest(_digest(offered), _digest(wanted)):
            _log.warning(
                "A wrong secret was tried on the teacher's page; so many in a minute: %d.", len(self._wrong)
            )
            raise RefusedError("That is not the secret.")
        with self._lock:
            with suppress(ValueError):  # forgotten by its age
                self._wrong.remove(tried)
            if visitor not in self._known:
                self._known.append(visitor)
            return self._opened

    def valid(self, passed: int) -> bool:
        """Whether nobody has signed out since that pass was given."""
        return passed == self._opened

    def close(self) -> None:
        """Sign everybody out: the other tabs, and the other computers where the secret was entered."""
        with self._lock:
            self._opened += 1

    def _wait(self, whose: str) -> float:
        now = self._clock()
        while self._wrong and self._wrong[0][0] <= now - SECONDS:
            self._wrong.popleft()
        beyond = sum(one == whose for _, one in self._wrong) - FREE_TRIES
        return 0.0 if beyond < 0 else min(LONGEST_WAIT, SHORTEST_WAIT * 2.0 ** min(beyond, 10))


def _digest(text: str) -> bytes:
    """Equally long for every secret: so that comparing tells nothing about the length either."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


door = Door()
