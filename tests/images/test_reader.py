"""Pictures are decoded elsewhere, under limits: a dear one costs itself, many cost the set, none costs the server."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
from PIL import ExifTags, Image

from core import isolation
from core.errors import DataError
from core.images import decoding, reader
from core.images.decoding import ReadingLimits, decode, decode_all, decode_sizes
from core.images.to_rgb import FITS, PictureReading
from tests.hostile.pictures import png
from tests.hostile.sound import picture, saved

pytestmark = pytest.mark.skipif(os.name == "nt", reason="limits of the system")
DEAR = png(2_500, 2_500, depth=16, colour=6)  # tenths of a second for a few kilobytes
SOUND = [picture(seed) for seed in range(4)]


def test_a_picture_over_its_seconds_is_one_sentence_and_the_next_is_read() -> None:
    for _ in range(2):
        with pytest.raises(DataError, match=r"^The picture takes more time or memory to decode [^\n]*\.$"):
            decode(DEAR, 16, ReadingLimits(max_seconds=0.02))
        assert decode(SOUND[0], 16)[0].shape == (16, 16, 3)
    assert decode(DEAR, 16)[0].shape == (16, 16, 3)


def test_a_picture_over_its_memory_is_one_sentence() -> None:
    huge = png(7_900, 7_900, depth=16, colour=6)  # 24 bytes a pixel: 1.5 GB
    isolated = isolation.Child("core.images.reader")
    try:
        asked = {"sides": [16], "limits": vars(ReadingLimits()), "reading": None, "measure": True}
        psutil.Process(isolated.pid).rlimit(psutil.RLIMIT_DATA, (900_000_000, 900_000_000))
        into = np.empty((1, 16, 16, 3), np.uint8)
        for content, refused in ((huge, True), (SOUND[0], False)):
            answer = isolated.ask(
                asked | {"lengths": [len(content)]},
                content,
                patience=120,
                into=lambda _: into.reshape(-1).data,
                heard=lambda _: None,
            )
            assert answer["pictures"][0].get("refused") == (decoding.TOO_DEAR if refused else None)
    finally:
        isolated.end(force=True)


def test_in_a_set_one_dear_picture_is_left_out_and_the_others_are_read() -> None:
    contents = [*SOUND[:2], DEAR, *SOUND[2:]]
    found = decode_all([lambda one=one: one for one in contents], 16, ReadingLimits(max_seconds=0.02))
    assert list(found.failed) == [2]
    assert "more time or memory" in found.failed[2]
    assert found.numbers.tolist() == [0, 1, 3, 4]
    for place, content in enumerate(SOUND):
        np.testing.assert_array_equal(found.squares[place], decode(content, 16)[0])


@pytest.mark.parametrize("each", [0.15, 5.0])
def test_many_dear_pictures_are_one_sentence_about_all(each: float) -> None:
    """Whether each of them reaches its own limit or none does."""
    limits = ReadingLimits(max_seconds=each, max_seconds_in_all=0.05)
    with pytest.raises(DataError, match="far more time to decode than pictures of their size do"):
        decode_all([lambda: DEAR] * 20, 16, limits)


def test_a_reader_that_is_killed_over_a_picture_costs_that_picture_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed: list[int] = []
    ask = isolation.Child.ask

    def kill_once(self: isolation.Child, request, content=b"", **more):
        if DEAR in content and len(killed) < 2:  # among others, and then by itself
            killed.append(self.pid)
            os.kill(self.pid, signal.SIGSEGV)
        return ask(self, request, content, **more)

    monkeypatch.setattr(isolation.Child, "ask", kill_once)
    contents = SOUND * 10
    contents.insert(7, DEAR)
    found = decode_all([lambda one=one: one for one in contents], 16)
    assert list(found.failed) == [7]
    assert "broke its reader down" in found.failed[7]
    assert len(found.squares) == 40
    assert len(killed) == 2
    assert not any(map(psutil.pid_exists, killed))


def test_a_set_that_is_being_read_does_not_hold_a_single_picture() -> None:
    decoding.warm_up()
    go_on = threading.Event()

    def last() -> bytes:
        assert go_on.wait(60), "a single picture waited for the set"
        return DEAR

    with ThreadPoolExecutor(1) as aside:
        reading = aside.submit(decode_all, [*[lambda: DEAR] * 3, last], 16)
        for _ in range(3):
            decode(SOUND[0], 16)
        go_on.set()
        assert len(reading.result().squares) == 4


def test_an_answer_that_is_none_is_taken_for_a_broken_reader() -> None:
    sound = {"source": None, "outside": 0.0, "pixels": 9, "measured": True, "extremes": None, "seconds": 0.1}
    assert len(decoding._said({"bytes": True, "pictures": [sound]}, 1)) == 1
    for answer in (
        {},
        {"bytes": True, "pictures": [sound, sound]},
        {"pictures": [sound]},
        {"bytes": True, "pictures": 9},
        *(
            {"bytes": True, "pictures": [sound | wrong]}
            for wrong in ({"seconds": "long"}, {"pixels": float("inf")}, {"extremes": [True]})
        ),
    ):
        with pytest.raises(isolation.BrokeDown):
            decoding._said(answer, 1)


def test_squares_are_as_if_decoded_here() -> None:
    rng = np.random.default_rng(3)
    content = Image.fromarray(rng.integers(0, 256, (300, 500, 3), dtype=np.uint8))
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "JPEG2000", "AVIF"):
        written = saved(content, kind)
        here = reader.read(written, [48], ReadingLimits(), None)
        np.testing.assert_array_equal(decode(written, 48)[0], here.squares[48])


@pytest.mark.parametrize("fit", FITS)
def test_several_sizes_of_one_decoding_are_those_of_each_by_itself(fit: str) -> None:
    """Also of JPEGs, which are decoded at a reduced scale for small squares, and of more than 8 bits."""
    rng = np.random.default_rng(4)
    sides, reading = (84, 448, 64, 224), PictureReading(fit=fit, counts=(0.0, 4095.0))
    colours = Image.fromarray(rng.integers(0, 256, (1000, 700, 3), dtype=np.uint8))
    files = [
        saved(colours, kind) for kind in ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "JPEG2000", "AVIF", "GIF")
    ]
    for kind in ("JPEG", "PNG", "WEBP"):  # lying on its side
        exif = colours.getexif()
        exif[ExifTags.Base.Orientation] = 6
        files.append(saved(colours, kind, exif=exif))
    files += [
        saved(colours, "JPEG", progressive=True),
        saved(colours.convert("CMYK"), "JPEG"),
        saved(colours.convert("RGBA"), "PNG"),
        saved(Image.fromarray(rng.integers(0, 4096, (500, 900), dtype=np.uint16)), "PNG"),
        png(900, 500, depth=16, colour=6),
    ]
    for content in files:
        together = decode_sizes(content, sides, reading)
        assert list(together) == list(sides)
        for side in sides:
            np.testing.assert_array_equal(together[side], decode(content, side, reading=reading)[0])


def test_pixels_are_decoded_once_for_all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A JPEG's once for every scale: here a quarter, and the whole."""
    decoders: list[str] = []
    get = Image._getdecoder

    def counted(mode, name, *rest):
        decoders.append(name)
        return get(mode, name, *rest)

    monkeypatch.setattr(Image, "_getdecoder", counted)
    noise = Image.fromarray(np.random.default_rng(5).integers(0, 256, (1000, 700, 3), dtype=np.uint8))
    for kind, name in (("PNG", ["zip"]), ("BMP", ["raw"]), ("JPEG", ["jpeg"] * 2)):
        decoders.clear()
        reader.read(saved(noise, kind), (84, 448, 64, 224), ReadingLimits(), None)
        assert decoders == name
