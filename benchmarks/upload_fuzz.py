"""Does a hostile upload crash the server, leave the data directory, or take its time and memory?

    python -m benchmarks.upload_fuzz --data ../shared/data --mutants 1200

Real archives, damaged at random (`upload_mutants`), and the classics (`upload_classics`) go the way that a page sends
them: stored, opened, every picture decoded; so do weights files (`upload_weights`), whole ones damaged at random among
them. Each in a process of its own with a limit on memory and time, in which
an audit hook writes down every file that is opened for writing outside the data directory, and every program,
connection, link, renaming or removal there. Only a `LabError` or a data set is a good end; anything else is a crash.
"""

import argparse
import json
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image

from benchmarks import upload_classics, upload_mutants, upload_weights
from core.datasets import own_images
from core.datasets.layout import class_name
from core.errors import LabError
from core.images.decoding import DEFAULT_LIMITS, decode
from core.jobs import own_weights, uploads
from core.jobs.store import Store

SIDE = 64
VISITOR = "fuzz"
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
_READER = ["-m", "core.backbones.foreign"]
_CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.truncate")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one case ended: "used", "refused" or "CRASH"; what was said; what it took; what it touched outside."""

    family: str
    name: str
    end: str
    said: str
    seconds: float
    megabytes: float
    outside: tuple[str, ...]


def upload(home: Path, content: bytes) -> str:
    """Store an upload and read it, as the page does; what it says about the result."""
    store = Store(home)
    try:
        reference = uploads.store(store, VISITOR, "case", content)
        path = uploads.path_of(store, uploads.find(store, VISITOR, reference))
        data = own_images.from_zip(path, side=SIDE, name="case")
        for name in data.class_names:
            if name != class_name(name, DEFAULT_LIMITS) or not name:
                raise AssertionError(f"a class is called {name!r}")
        if not (
            len(data.train.images) == len(data.train.labels)
            and data.train.images.shape[1:] == (SIDE, SIDE, 3)
        ):
            raise AssertionError(f"images of shape {data.train.images.shape}")
        return f"{len(data.train.images)} pictures"
    finally:
        store.close()


def weights(home: Path, content: bytes) -> str:
    """Store a weights file, as the page does."""
    store = Store(home)
    try:
        own_weights.store(store, VISITOR, upload_weights.NETWORK, "case.pth", content)
        return "a network"
    finally:
        store.close()


def picture(_home: Path, content: bytes) -> str:
    """Decode a picture alone."""
    square, _ = decode(content, SIDE)
    return str(square.shape)


Way = Callable[[Path, bytes], str]


def _place(event: str, args: tuple[Any, ...]) -> object:
    """Name the file that is changed, also where it is named from an open folder on, as `shutil.rmtree` does."""
    if event in ("os.remove", "os.rmdir") and args[1] >= 0:
        return Path(os.readlink(f"/proc/self/fd/{args[1]}")) / os.fsdecode(args[0])
    return args[0]


def _watch(home: Path, seen: list[str]) -> None:
    allowed = str(home)

    def inside(path: object) -> bool:
        if isinstance(path, int):  # a descriptor that was opened, and judged, before
            return True
        place = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]
        return place.startswith(allowed) or place == os.devnull

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and args[2] & _WRITES and not inside(args[0]):
            seen.append(f"open {args[0]!r}")
        elif event == "subprocess.Popen" and list(args[1][1:3]) == _READER:
            pass  # the process in which weights are opened
        elif event in _FORBIDDEN or (event in _CHANGES and not inside(_place(event, args))):
            seen.append(f"{event} {args[:2]!r}")

    sys.addaudithook(hook)


def _child(home: Path, content: bytes, way: Way, answer: Any) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(SECONDS)
    sys.unraisablehook = lambda _: None
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # codecs in C write their complaints there
    seen: list[str] = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _watch(home, seen)
    began = time.perf_counter()
    try:
        end, said = "used", way(home, content)
    except LabError as error:
        end, said = "refused", str(error)
    except BaseException as error:  # this is what the fuzzer looks for
        end, said = "CRASH", f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    answer.send(json.dumps([end, said[:300], seconds, grown, seen]))
    answer.close()


def run(family: str, name: str, content: bytes, way: Way | None = None) -> Outcome:
    """Send one case through a fresh process, with a data directory of its own inside a guarded folder."""
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as guarded:
        home = Path(guarded).resolve() / "home"
        home.mkdir()
        ours, theirs = fork.Pipe(duplex=False)
        process = fork.Process(target=_child, args=(home, content, way or upload, theirs))
        process.start()
        theirs.close()
        try:
            end, said, seconds, megabytes, seen = json.loads(ours.recv())
        except EOFError:
            process.join()
            end, said, seconds, megabytes, seen = "CRASH", f"ended with {process.exitcode}", 0.0, 0.0, []
        process.join()
        stray = [path.name for path in Path(guarded).iterdir() if path != home]
        known = {"runs.sqlite3", "runs.sqlite3-wal", "runs.sqlite3-shm", "uploads", "weights"}
        stray += [path.name for path in home.iterdir() if path.name not in known]
        stray += [
            path.name for path in home.glob("uploads/*") if path.suffix != ".zip" or path.name[0] == "."
        ]
        if end != "used":
            stray += [f"left: {path.name}" for path in home.glob("weights/*/*")]
    return Outcome(
        family=family,
        name=name,
        end=end,
        said=said,
        seconds=seconds,
        megabytes=megabytes,
        outside=tuple(seen + stray),
    )


def damaged(samples: list[upload_mutants.Pictures], count: int, seed: int) -> Iterator[Outcome]:
    """Run so many damaged archives."""
    for number, (family, content) in enumerate(upload_mutants.mutants(samples, count, seed)):
        yield run(family, f"{seed} {number}", content)


def single(samples: list[upload_mutants.Pictures], count: int, seed: int) -> Iterator[Outcome]:
    """Run so many damaged pictures through the decoder alone."""
    for number in range(count):
        rng = Random(f"{seed} picture {number}")
        content = rng.choice(rng.choice(list(rng.choice(samples).values())))[1]
        suffix, content = upload_mutants.reencoded(content, rng)
        for _ in range(rng.choice((1, 1, 2, 4))):
            if content:
                content = rng.choice(upload_mutants.ON_PICTURES)(content, rng)
        yield run(f"picture alone{suffix}", f"{seed} {number}", content, picture)


def classics() -> Iterator[Outcome]:
    """Run the classics."""
    for name, make in upload_classics.cases():
        yield run("classic", name, make())


def weights_files(count: int, seed: int) -> Iterator[Outcome]:
    """Run weights files that nobody should have to open, and so many damaged ones."""
    from core.backbones import weights as _  # noqa: F401 - so that a child finds torch loaded, as in a server

    for name, make in upload_weights.cases():
        yield run("weights", name, make(), weights)
    for number, (form, content) in enumerate(upload_weights.mutants(count, seed)):
        yield run("weights, damaged", f"{form} {seed} {number}", content, weights)


def table(outcomes: list[Outcome]) -> str:
    """Write the outcomes by family, as Markdown."""
    lines = [
        "| Family | Cases | Used | Refused | Crashes | Outside | Longest, s | Largest, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    families = list(dict.fromkeys(one.family.split(".")[0] for one in outcomes))
    for family in [*families, "all"]:
        part = [one for one in outcomes if family in (one.family.split(".")[0], "all")]
        ends = Counter(one.end for one in part)
        lines.append(
            f"| {family} | {len(part):,} | {ends['used']:,} | {ends['refused']:,} | {ends['CRASH']} "
            f"| {sum(len(one.outside) for one in part)} | {max(one.seconds for one in part):.2f} "
            f"| {max(one.megabytes for one in part):,.0f} |"
        )
    return "\n".join(lines)


def _told(outcomes: Iterable[Outcome], *, every: bool) -> Iterator[Outcome]:
    for one in outcomes:
        if every or one.end == "CRASH" or one.outside or one.seconds > 5 or one.megabytes > 500:
            touched = f" TOUCHED {one.outside}" if one.outside else ""
            took = f"{one.end:8}{one.seconds:7.2f} s {one.megabytes:6.0f} MB"
            print(f"{took}  {one.family}: {one.name}: {one.said}{touched}", flush=True)
        yield one


def main() -> None:
    """Run everything, print the table, and fail where anything crashed or touched what it must not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of archives of class folders")
    parser.add_argument("--mutants", type=int, default=1200)
    parser.add_argument("--pictures", type=int, default=600)
    parser.add_argument("--weights", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--every", action="store_true", help="print every case, not the remarkable ones alone"
    )
    asked = parser.parse_args()
    Image.init()  # so that a child opens no file but its own
    samples = [
        found
        for path in sorted(asked.data.glob("*.zip"))
        if path.stat().st_size < 50_000_000 and (found := upload_mutants.sample(path, Random(asked.seed)))
    ]
    outcomes = [
        *_told(classics(), every=True),
        *_told(damaged(samples, asked.mutants, asked.seed), every=asked.every),
        *_told(single(samples, asked.pictures, asked.seed), every=asked.every),
        *_told(weights_files(asked.weights, asked.seed), every=asked.every),
    ]
    print(f"\n{len(samples)} real archives; Pillow {Image.__version__}\n\n{table(outcomes)}")
    bad = [one for one in outcomes if one.end == "CRASH" or one.outside]
    sys.exit(f"{len(bad)} bad" if bad else 0)


if __name__ == "__main__":
    main()
