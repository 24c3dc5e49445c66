"""An archive is read in a process of its own: the same data set, the same sentences, and nothing held or left here."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.datasets import foreign, own_images
from core.errors import DataError
from core.images import decoding
from core.images.decoding import ReadingLimits
from tests.hostile.mutants import packed
from tests.hostile.pictures import png
from tests.hostile.sound import holding, picture, sound
from tests.test_isolation import gone

PROJECT = Path(__file__).resolve().parents[2]
unix = pytest.mark.skipif(os.name == "nt", reason="signals")
DEAR = png(2_500, 2_500, depth=16, colour=6)  # tenths of a second for a few kilobytes


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "pets.zip"
    path.write_bytes(content)
    return path


def parts() -> bytes:
    return packed(
        {
            f"{part}/{name}": [
                (f"{n}.jpg", picture(100 * place + 10 * label + n, 40, "JPEG")) for n in range(4)
            ]
            for place, part in enumerate(("train", "test"))
            for label, name in enumerate(("猫", "dog"))
        }
        | {"train/cow": [("broken.png", b"no picture"), *((f"{n}.png", picture(90 + n)) for n in range(3))]}
    )


def test_the_data_set_is_the_one_that_is_read_here(tmp_path: Path) -> None:
    path = written(tmp_path, parts())
    counted: list[tuple[int, int]] = []
    here = own_images.from_zip(path, side=24, fit="pad")
    there = foreign.from_zip(path, side=24, fit="pad", progress=lambda *done: counted.append(done))
    assert counted[-1] == (20, 20)
    for name in ("name", "title", "class_names", "fingerprint", "report", "about", "licence", "reading"):
        assert getattr(there, name) == getattr(here, name)
    assert here.test is not None
    assert there.test is not None
    for ours, theirs in ((here.train, there.train), (here.test, there.test)):
        np.testing.assert_array_equal(ours.images, theirs.images)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
        assert ours.labels.dtype == theirs.labels.dtype
    assert any("broken.png" in file for file, _ in there.report.skipped)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no archive", "not a ZIP file"),
        (packed({"cat": sound()["cat"]}), "at least two"),
        (holding(*[b"x"] * 3)[:-30], "not a ZIP file"),
    ],
)
def test_a_refusal_is_the_same_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DataError, match=says) as there:
        foreign.from_zip(path, side=16)
    with pytest.raises(DataError) as here:
        own_images.from_zip(path, side=16)
    assert str(there.value) == str(here.value)


def test_an_archive_of_dear_pictures_is_one_sentence(tmp_path: Path) -> None:
    path = written(tmp_path, holding(*[DEAR] * 8))
    with pytest.raises(DataError, match="far more time"):
        foreign.from_zip(path, side=16, limits=ReadingLimits(max_seconds_in_all=0.05))
    limits = ReadingLimits(max_seconds=0.02)
    data = foreign.from_zip(written(tmp_path, holding(DEAR)), side=16, limits=limits)
    assert len(data.train) == 6
    assert ["more time or memory" in why for _, why in data.report.skipped] == [True]


def test_an_archive_in_an_archive_takes_no_memory_here(tmp_path: Path) -> None:
    def much() -> bytes:
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w") as archive:
            for number in range(3):
                archive.writestr(f"{number}.png", picture(number))
            archive.writestr("notes.txt", bytes(120_000_000))
        return inner.getvalue()

    path = tmp_path / "pets.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (("cat", much()), ("dog", much())):
            archive.writestr(f"{name}.zip", content)
    del content
    most = [0]
    began = psutil.Process().memory_info().rss
    end = threading.Event()

    def watch() -> None:
        while not end.wait(0.01):
            most[0] = max(most[0], psutil.Process().memory_info().rss - began)

    thread = threading.Thread(target=watch)
    thread.start()
    with contextlib.suppress(DataError):  # the same pictures in both classes
        foreign.from_zip(path, side=16)
    end.set()
    thread.join()
    assert most[0] < 40_000_000


@unix
def test_a_process_that_ends_over_an_archive_is_one_sentence(tmp_path: Path) -> None:
    path = written(tmp_path, holding(*[DEAR] * 8))
    foreign.warm_up()
    numbers = foreign._archives.pids  # the one that will be lent, and others that tests before have left

    def end(*_: int) -> None:
        for number in numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGSEGV)

    with pytest.raises(DataError, match="broke its reader down"):
        foreign.from_zip(path, side=16, progress=end)
    assert len(foreign.from_zip(written(tmp_path, packed(sound())), side=16).train) == 6


def test_whoever_no_longer_wants_it_stops_it(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def stop(*_: int) -> None:
        raise Enough

    path = written(tmp_path, holding(*[DEAR] * 8))
    with pytest.raises(Enough):
        foreign.from_zip(path, side=16, progress=stop)


def test_an_archive_that_takes_long_holds_no_other_and_no_single_picture(tmp_path: Path) -> None:
    foreign.warm_up()
    decoding.warm_up()
    slow = written(tmp_path, holding(*[DEAR] * 5))
    quick = tmp_path / "quick.zip"
    quick.write_bytes(packed(sound()))
    begun, go_on = threading.Event(), threading.Event()

    def take_long(*_: int) -> None:
        begun.set()
        go_on.wait(120)

    thread = threading.Thread(
        target=foreign.from_zip, args=(slow,), kwargs={"side": 16, "progress": take_long}
    )
    thread.start()
    assert begun.wait(60)
    assert len(foreign.from_zip(quick, side=16).train) == 6
    assert decoding.decode(picture(), 16)[0].shape == (16, 16, 3)
    assert thread.is_alive()
    go_on.set()
    thread.join()


_SERVER = """
import sys, threading
from pathlib import Path
import psutil
from core.datasets import foreign
from core.images import decoding
decoding.warm_up()
foreign.warm_up()
def told(done, total):
    print(*[one.pid for one in psutil.Process().children(recursive=True)], flush=True)
    threading.Event().wait()
foreign.from_zip(Path(sys.argv[1]), side=16, progress=told)
"""


@unix
def test_a_server_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    path = written(tmp_path, holding(*[DEAR] * 4))
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(path)], cwd=PROJECT, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        numbers = [int(word) for word in server.stdout.readline().split()]
        server.kill()
    assert len(numbers) >= 3  # for single pictures, for archives, and of the latter for their pictures
    assert all(gone(number, 60) for number in numbers)
