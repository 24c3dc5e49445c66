"""A Ray cluster, as an alternative to this machine: where it is, whether it answers, what it has room for.

Where ``RAY_ADDRESS`` is set, runs go there (`ray_run`). This machine must be part of the cluster itself
(``ray start --address=… --num-cpus=0``). Torch-free. Ray is imported only by processes that work for the cluster, never
by a server: its import takes a second, and it ends its process once the cluster's head has been gone for a minute.
"""

import importlib.util
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import core
from core import environment, errors

ADDRESS = environment.RAY_ADDRESS.name
ANSWER_SECONDS = 3.0  # for a cluster to accept a connection
COUNT_SECONDS = 30.0  # for it to say what it has
COUNT_AGAIN_SECONDS = 300.0  # a node that joined or left is noticed this late
TRY_AGAIN_SECONDS = 30.0

# How gRPC, which a cluster's head speaks, begins (RFC 9113, 3.4): the client's preface and empty settings; the
# server's first frame, whose type is its fourth byte, must be its settings. Ray itself would try for minutes.
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS = bytes((4,))
_ANSWER = re.compile(r"^room for (\d+)$", re.MULTILINE)

_log = logging.getLogger(__name__)


def wanted() -> bool:
    """Whether runs go to a cluster."""
    return bool(environment.RAY_ADDRESS.text())


def threads() -> int:
    """How many processors, and threads, one run gets: ``TLL_RAY_THREADS``, or one."""
    return environment.RAY_THREADS.whole_number()


def check() -> None:
    """Raise a `RunError` that says what to do where Ray is missing or no cluster answers at ``RAY_ADDRESS``.

    Needs no Ray and little more than `ANSWER_SECONDS` at most: fit for a server's start.
    """
    address = environment.RAY_ADDRESS.text()
    if importlib.util.find_spec("ray") is None:
        raise errors.RunError(
            f"{ADDRESS} is set, but Ray is not installed; install requirements-ray.txt, or unset {ADDRESS}."
        )
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise errors.RunError(
            f"{ADDRESS} must be the address of a cluster's head, like 192.168.0.10:6379, or 'auto'; "
            f"it is '{address}'."
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(_HELLO)
            answer = connection.recv(4)
    except (OSError, OverflowError) as error:
        raise _no_answer() from error
    if answer[3:] != _SETTINGS:
        raise _no_answer()


def capacity() -> int:
    """How many runs may go on at a time: as many as the cluster has GPUs, else as its processors have room for.

    At least 1 and at most ``TLL_RAY_RUNS``. Never waits: the cluster is asked in the background
    by a process of its own, now and then; 1 before it has answered, the last answer while it is silent, which the
    log says.
    """
    most = environment.RAY_RUNS.whole_number()
    return 1 if most == 1 else _count.at_most(most)


class _Count:
    """What the cluster last said it has room for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None
        self._next = 0.0
        self._runs = 1

    def at_most(self, most: int) -> int:
        with self._lock:
            asking = self._asking is not None and self._asking.is_alive()
            if not asking and time.monotonic() >= self._next:
                self._asking = threading.Thread(target=self._ask, name="cluster's capacity", daemon=True)
                self._asking.start()
            return max(1, min(most, self._runs))

    def _ask(self) -> None:
        again = TRY_AGAIN_SECONDS
        try:
            check()
            answer = subprocess.run(
                [sys.executable, "-m", "core.runs.executors.ray_cluster"],
                cwd=_package().parent,
                timeout=COUNT_SECONDS,
                capture_output=True,
                text=True,
                check=True,
            )
            found = _ANSWER.findall(answer.stdout)
            if found:
                self._runs, again = int(found[-1]), COUNT_AGAIN_SECONDS
        except errors.LabError as error:
            _log.warning("%s", error)
        except (OSError, subprocess.SubprocessError) as error:
            _log.warning("The cluster does not say what it has room for: %s", error)
        self._next = time.monotonic() + again


_count = _Count()


def connected() -> Any:
    """Return the ray module, connected; the connection lasts as long as the process, and ships ``core`` to the nodes.

    Raises a `RunError` where no cluster answers.
    """
    variables = {"OMP_NUM_THREADS": str(threads()), "OMP_WAIT_POLICY": "PASSIVE"}
    # With a working directory, if an empty one, Ray leaves this process's own out of the nodes' paths: a node with
    # another version of the lab in the same place must not run that.
    with tempfile.TemporaryDirectory() as empty:
        return _joined(
            {
                "working_dir": empty,
                "py_modules": [str(_package())],
                "excludes": ["__pycache__"],
                "env_vars": variables,
            }
        )


def _joined(runtime: dict[str, Any]) -> Any:
    check()
    # Else Ray asks a head that does not answer twenty times, for half a minute each.
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
    import ray

    if not ray.is_initialized():
        at_end = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(
                address=environment.RAY_ADDRESS.text(),
                log_to_driver=False,
                logging_level=logging.WARNING,
                runtime_env=runtime,
            )
        except Exception as error:  # Ray raises whatever its layers raise, RuntimeError among them
            _log.exception("Ray does not connect.")
            raise (_no_token() if _refused(error) else _no_answer()) from error
        finally:
            signal.signal(signal.SIGTERM, at_end)  # how this process ends is not Ray's business
    return ray


def _no_answer() -> errors.RunError:
    return errors.RunError(
        f"No Ray cluster answers at {environment.RAY_ADDRESS.text()}; start it and let this machine join it, "
        f"or unset {ADDRESS}, then resume this run."
    )


def _refused(error: BaseException | None) -> bool:
    """Whether the cluster wants its token; Ray wraps that error into others, as their context or as their text."""
    return error is not None and (
        "AuthenticationError" in f"{type(error).__name__}: {error}" or _refused(error.__context__)
    )


def _no_token() -> errors.RunError:
    return errors.RunError(
        f"The Ray cluster at {environment.RAY_ADDRESS.text()} asks for its token; copy its "
        "~/.ray/auth_token to this machine, start the lab with RAY_AUTH_MODE=token, then resume this run."
    )


def _package() -> Path:
    return Path(core.__path__[0])


def _main() -> None:
    """Print how many runs the cluster has room for; Ray prints other things."""
    has = _joined({}).cluster_resources()
    print(f"\nroom for {int(has.get('GPU', 0)) or int(has.get('CPU', 0)) // threads()}")


if __name__ == "__main__":
    _main()
