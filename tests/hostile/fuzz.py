"""Sending hostile uploads to a process that stands for the server, and watching how each ends.

Real archives, damaged at random (`mutants`), and the classics (`classics`) go the way that a page sends them: stored,
opened, every picture decoded; so do pictures that are dear to decode (`dear`), alone and in archives, and weights
files (`weights`), whole ones damaged at random among them.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from core.datasets import foreign
from core.datasets.layout import class_name
from core.images.decoding import DEFAULT_LIMITS, decode
from core.runs import own_weights, uploads
from core.runs.store.runs import Store
from tests.hostile import classics as classic_archives
from tests.hostile import dear as dear_pictures
from tests.hostile import mutants
from tests.hostile import weights as weights_made
from tests.hostile.server import Server, Way

SIDE = 64
VISITOR = "fuzz"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one case ended: "used", "refused" or "CRASH"; what was said; what it took; what it touched outside.

    ``megabytes`` of the server, beyond those that it had; ``opened`` of the largest process that opened something.
    """

    family: str
    name: str
    end: str
    said: str
    seconds: float
    megabytes: float
    opened: float
    outside: tuple[str, ...]


def upload(home: Path, content: bytes) -> str:
    """Store an upload and read it, as the page does; what it says about the result."""
    store = Store(home)
    try:
        reference = uploads.store(store, VISITOR, "case", content)
        path = uploads.path_of(store, uploads.find(store, VISITOR, reference))
        data = foreign.from_zip(path, side=SIDE, name="case")
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
        own_weights.store(store, VISITOR, weights_made.NETWORK, "case.pth", content)
        return "a network"
    finally:
        store.close()


def picture(_home: Path, content: bytes) -> str:
    """Decode a picture alone."""
    square, _ = decode(content, SIDE)
    return str(square.shape)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is to be sent, and which way."""

    family: str
    name: str
    make: Callable[[], bytes]
    way: Way


def outcomes(cases: Iterable[Case]) -> Iterator[Outcome]:
    """Send cases to a server, one after the other, each with a data directory of its own in a guarded folder."""
    server: Server | None = None
    try:
        for case in cases:
            if server is None:
                server = Server({one.__name__: one for one in (upload, picture, weights, case.way)})
            content = case.make()
            with tempfile.TemporaryDirectory() as guarded:
                home = Path(guarded).resolve() / "home"
                home.mkdir()
                answer = server.take(case.way.__name__, home, content)
                if answer is None:
                    answer = ["CRASH", f"ended with {server.close()}", 0.0, 0.0, 0.0, []]
                    server = None
                end, said, seconds, megabytes, opened, seen = answer
                outside = (*seen, *_stray(Path(guarded), home, end))
            yield Outcome(
                family=case.family,
                name=case.name,
                end=end,
                said=said,
                seconds=seconds,
                megabytes=megabytes,
                opened=opened,
                outside=outside,
            )
    finally:
        if server is not None:
            server.close()


def _stray(guarded: Path, home: Path, end: str) -> list[str]:
    """Name what lies where nothing should."""
    stray = [path.name for path in guarded.iterdir() if path != home]
    known = {"runs.sqlite3", "runs.sqlite3-wal", "runs.sqlite3-shm", "uploads", "weights"}
    stray += [path.name for path in home.iterdir() if path.name not in known]
    stray += [path.name for path in home.glob("uploads/*") if path.suffix != ".zip" or path.name[0] == "."]
    if end != "used":
        stray += [f"left: {path.name}" for path in home.glob("weights/*/*")]
    return stray


def run(family: str, name: str, content: bytes, way: Way | None = None) -> Outcome:
    """Send one case to a server of its own."""
    return next(iter(outcomes([Case(family=family, name=name, make=lambda: content, way=way or upload)])))


def damaged(samples: list[mutants.Pictures], count: int, seed: int) -> Iterator[Case]:
    """Make so many damaged archives."""
    for number, (family, content) in enumerate(mutants.mutants(samples, count, seed)):
        yield Case(family=family, name=f"{seed} {number}", make=partial(bytes, content), way=upload)


def single(samples: list[mutants.Pictures], count: int, seed: int) -> Iterator[Case]:
    """Make so many damaged pictures, which go through the decoder alone."""
    for number in range(count):
        rng = Random(f"{seed} picture {number}")
        content = rng.choice(rng.choice(list(rng.choice(samples).values())))[1]
        suffix, content = mutants.reencoded(content, rng)
        for _ in range(rng.choice((1, 1, 2, 4))):
            if content:
                content = rng.choice(mutants.ON_PICTURES)(content, rng)
        yield Case(
            family=f"picture alone{suffix}",
            name=f"{seed} {number}",
            make=partial(bytes, content),
            way=picture,
        )


def classics() -> Iterator[Case]:
    """Name the classics."""
    for name, make in classic_archives.cases():
        yield Case(family="classic", name=name, make=make, way=upload)


def dear() -> Iterator[Case]:
    """Name the pictures that are dear to decode, alone, and many of them together."""
    for name, make in dear_pictures.cases():
        yield Case(family="dear picture", name=name, make=make, way=picture)
    for name, make in dear_pictures.archives():
        yield Case(family="dear archive", name=name, make=make, way=upload)


def weights_files(count: int, seed: int) -> Iterator[Case]:
    """Make weights files that nobody should have to open, and so many damaged ones."""
    from core.backbones import weights as _  # noqa: F401 - so that torch is loaded, as in a server

    for name, make in weights_made.cases():
        yield Case(family="weights", name=name, make=make, way=weights)
    for number, (form, content) in enumerate(weights_made.mutants(count, seed)):
        yield Case(
            family="weights, damaged",
            name=f"{form} {seed} {number}",
            make=partial(bytes, content),
            way=weights,
        )
