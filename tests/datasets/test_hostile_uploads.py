"""A seeded slice of `benchmarks.fuzz`: no hostile upload crashes the reader or leaves the data directory."""

import io
import os
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from core.datasets.archive import open_archive
from core.datasets.own_images import from_zip
from core.errors import DataError
from core.images.decoding import ReadingLimits, decode
from tests.hostile import classics, fuzz, mutants, pictures, sound

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes of their own")


def test_damaged_archives_and_pictures_are_used_or_refused() -> None:
    Image.init()
    samples = [sound.sound()]
    cases = [*fuzz.damaged(samples, 80, seed=7), *fuzz.single(samples, 70, seed=7)]
    outcomes = list(fuzz.outcomes(cases))
    assert [one for one in outcomes if one.end == "CRASH" or one.outside] == []
    ends = Counter(one.end for one in outcomes)
    assert min(ends["used"], ends["refused"]) > 20  # neither all sound nor all broken
    assert all(one.said.endswith(".") for one in outcomes if one.end == "refused")


def test_the_fuzzer_sees_a_crash_and_a_touch_of_what_is_outside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def careless(_home: object, content: bytes) -> str:
        if content == b"write":
            (tmp_path / "outside-of-home").write_bytes(b"x")
        if content == b"exit":
            os._exit(0)
        return str(1 / (content != b"divide"))

    monkeypatch.setattr(fuzz, "upload", careless)
    assert fuzz.run("x", "x", b"fine").end == "used"
    assert fuzz.run("x", "x", b"divide").end == "CRASH"
    assert fuzz.run("x", "x", b"exit").end == "CRASH"
    assert "outside-of-home" in fuzz.run("x", "x", b"write").outside[0]


def test_a_file_that_says_it_is_small_is_not_unpacked_further() -> None:
    lying = fuzz.run("x", "x", classics.lying(200_000_000))
    assert lying.end == "refused"
    assert lying.megabytes < 60


def test_overlapping_files_are_refused_before_anything_is_unpacked() -> None:
    overlapping = fuzz.run("x", "x", classics.overlapping(500, 900_000))
    assert "overlap" in overlapping.said
    assert overlapping.seconds < 60


def test_entries_are_counted_before_they_are_read() -> None:
    many = fuzz.run("x", "x", classics.many_entries(600_000, 3))  # it says that they are three
    assert "more than 150,000 entries" in many.said
    assert many.megabytes < 60


def test_zip64_is_read_where_its_record_is_the_one_that_every_reader_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    content = mutants.packed(sound.sound())
    locator = content.index(b"PK\x06\x07")
    with open_archive(io.BytesIO(content), ReadingLimits()) as archive:
        assert len(archive.paths) == 6
    for place in (locator + 8, locator - 56):  # the record's address; the record
        with (
            pytest.raises(DataError, match="not a ZIP"),
            open_archive(io.BytesIO(pictures.patched(content, (place, b"\1"))), ReadingLimits()),
        ):
            pass


def test_an_entry_without_a_name_is_passed_over() -> None:
    files = {b"": sound.picture()} | {
        f"{class_}/{name}".encode(): content
        for class_, files_of_it in sound.sound().items()
        for name, content in files_of_it
    }
    content = classics.written([(name, one, 0, len(one), len(one)) for name, one in files.items()])
    assert len(from_zip(io.BytesIO(content), side=16).train.images) == 6


def test_pictures_that_are_too_many_pixels_together_end_the_reading() -> None:
    content = mutants.packed(sound.sound())  # six of 16 x 16
    limits = ReadingLimits(max_pixels_in_all=5 * 256)
    with pytest.raises(DataError, match="million pixels together"):
        from_zip(io.BytesIO(content), side=16, limits=limits)
    assert (
        len(
            from_zip(
                io.BytesIO(content), side=16, limits=ReadingLimits(max_pixels_in_all=6 * 256)
            ).train.images
        )
        == 6
    )


def test_a_jpeg_of_very_many_passes_is_refused() -> None:
    with pytest.raises(DataError, match="more than 50 passes"):
        decode(pictures.many_scans(200, 64), 32)
    decode(pictures.many_scans(5, 64), 32)
    with pytest.raises(DataError, match="more than 50 passes"):  # however many segments stand before them
        decode(b"\xff\xd8" + 20_000 * b"\xff\xfe\x00\x02" + pictures.many_scans(200, 64)[2:], 32)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_film_behind_a_photograph_is_not_counted_as_passes(progressive: bool) -> None:
    stream = io.BytesIO()
    thumbnail = Image.Exif()
    thumbnail[ExifTags.Base.ImageDescription] = "\xff\xda" * 100  # inside a segment
    Image.new("RGB", (64, 48), (200, 30, 30)).save(stream, "JPEG", progressive=progressive, exif=thumbnail)
    photograph = stream.getvalue()
    film = b"\0\0\0\x18ftypmp42" + bytes(12) + b"\xff\xda\0\x08" * 5_000  # a phone's Motion Photo
    assert np.array_equal(decode(photograph + film, 32)[0], decode(photograph, 32)[0])


def test_transparency_ends_on_white_as_if_laid_on_it_first() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 4), dtype=np.uint8)
    transparent = Image.fromarray(pixels)
    on_white = Image.alpha_composite(Image.new("RGBA", (40, 40), "white"), transparent).convert("RGB")
    ours, _ = decode(sound.saved(transparent, "PNG"), 16)
    theirs, _ = decode(sound.saved(on_white, "PNG"), 16)
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 2
