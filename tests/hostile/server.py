"""A process that stands for the server of `fuzz`: it takes cases; what it takes and touches is written down."""

import contextlib
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from core.datasets import foreign
from core.errors import LabError
from core.images import decoding

Way = Callable[[Path, bytes], str]

MEMORY = 6_000_000_000  # bytes of address space, threads' stacks and shared libraries included
SECONDS = 600
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_FORBIDDEN = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "socket.connect",
    "os.symlink",
    "os.link",
)
_READERS = ("core.backbones.foreign", "core.datasets.foreign", "core.images.reader")
_CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.truncate")


def _place(event: str, args: tuple[Any, ...]) -> object:
    """Name the file that is changed, also where it is named from an open folder on, as `shutil.rmtree` does."""
    if event in ("os.remove", "os.rmdir") and args[1] >= 0:
        return Path(os.readlink(f"/proc/self/fd/{args[1]}")) / os.fsdecode(args[0])
    return args[0]


class _Watch:
    """Writes down what this process touches outside of ``home``, while that is set."""

    def __init__(self) -> None:
        self.home: Path | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._heard)

    def _inside(self, path: object) -> bool:
        if isinstance(path, int):  # a descriptor that was opened, and judged, before
            return True
        place = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]
        return place.startswith(str(self.home)) or place == os.devnull

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if self.home is None or (event == "subprocess.Popen" and args[1][2] in _READERS):
            return
        if event == "open":
            if args[2] & _WRITES and not self._inside(args[0]):
                self.seen.append(f"open {args[0]!r}")
        elif event in _FORBIDDEN or (event in _CHANGES and not self._inside(_place(event, args))):
            self.seen.append(f"{event} {args[:2]!r}")


def _memory(number: int) -> tuple[float, float]:
    """Megabytes that a process has now, and had at most since `_forget_most`."""
    try:
        lines = dict(line.split(":") for line in Path(f"/proc/{number}/status").read_text().splitlines())
    except OSError:  # it has ended
        return 0.0, 0.0
    now, most = (float(lines.get(name, "0 kB").split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def _forget_most(number: int) -> None:
    with contextlib.suppress(OSError):
        Path(f"/proc/{number}/clear_refs").write_text("5", encoding="ascii")


def _readers() -> list[int]:
    return [process.pid for process in psutil.Process().children(recursive=True)]


def _dead() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def _serve(ways: dict[str, Way], cases: Any, answers: Any) -> None:
    """Stand for the server: take cases until there are no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.unraisablehook = lambda _: None
    decoding.warm_up()
    foreign.warm_up()
    watch = _Watch()
    while True:
        try:
            way, home, content = cases.recv()
        except EOFError:
            os._exit(0)
        signal.alarm(SECONDS)
        for number in (os.getpid(), *_readers()):
            _forget_most(number)
        had, _ = _memory(os.getpid())
        dead = _dead()
        watch.seen = []
        watch.home = home
        began = time.perf_counter()
        try:
            end, said = "used", ways[way](home, content)
        except LabError as error:
            end, said = "refused", str(error)
        except BaseException as error:  # this is what the fuzzer looks for
            end, said = "CRASH", f"{type(error).__name__}: {error}"
        seconds = time.perf_counter() - began
        watch.home = None
        grown = _memory(os.getpid())[1] - had
        opened = max([_memory(number)[1] for number in _readers()], default=0.0)
        opened = max(opened, _dead() if _dead() > dead else 0.0)
        answers.send([end, said[:300], seconds, grown, opened, watch.seen])


class Server:
    """A process that stands for the server, until a case ends it."""

    def __init__(self, ways: dict[str, Way]) -> None:
        fork = multiprocessing.get_context("fork")
        theirs, self._cases = fork.Pipe(duplex=False)
        self._answers, answers = fork.Pipe(duplex=False)
        self._process = fork.Process(target=self._serve, args=(ways, theirs, answers))
        self._process.start()
        theirs.close()
        answers.close()

    def _serve(self, ways: dict[str, Way], theirs: Any, answers: Any) -> None:
        self._cases.close()  # of whoever sends, so that the end is seen
        _serve(ways, theirs, answers)

    def take(self, way: str, home: Path, content: bytes) -> list[Any] | None:
        """Send a case and wait for its end; None where the process ended with it."""
        try:
            self._cases.send((way, home, content))
            return self._answers.recv()  # type: ignore[no-any-return]
        except (EOFError, OSError):
            return None

    def close(self) -> int | None:
        """End the process; its exit code."""
        self._cases.close()
        self._process.join()
        return self._process.exitcode
