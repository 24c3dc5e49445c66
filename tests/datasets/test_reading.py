"""How a set's pictures are read: cropped, padded or squashed, by one rule, and said in sentences."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import noticed
from core.datasets.dataset import ImageDataset
from core.datasets.open import open_dataset
from core.datasets.own_images import from_files, from_folder, from_zip
from core.errors import DataError
from core.images.to_rgb import PADDING, PictureReading
from tests.datasets.test_own_images import class_folders, zipped

DARK = 30


def encoded(picture: Image.Image, form: str = "PNG") -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form)
    return stream.getvalue()


def wide(number: int, *, at_the_edge: bool, size: tuple[int, int] = (240, 60)) -> bytes:
    """A white thing on dark noise at the left edge or at the right one, each a little elsewhere."""
    random = np.random.default_rng(2 * number + at_the_edge)
    pixels = random.integers(0, DARK, (size[1], size[0], 3), np.uint8)
    left = 2 + number if at_the_edge else size[0] - 30 - number
    pixels[20:40, left : left + 25] = 255
    return encoded(Image.fromarray(pixels))


def wide_files(size: tuple[int, int] = (240, 60)) -> dict[str, list[tuple[str, bytes]]]:
    return {
        name: [(f"{number}.png", wide(number, at_the_edge=name == "left", size=size)) for number in range(4)]
        for name in ("left", "right")
    }


def said(dataset: ImageDataset) -> str:
    return " ".join(noticed.sentences(dataset.report, dataset.reading))


def test_a_crop_that_cuts_the_thing_away_is_warned_of_with_its_share() -> None:
    dataset = from_files(wide_files(), side=32)
    assert dataset.report.outside == 0.75
    assert dataset.report.wide == 1.0
    assert "On average 75 % of a picture is cut away" in said(dataset)
    assert "Pad or squash" in said(dataset)
    assert dataset.train.images.max() < DARK  # what was in them is gone


def test_pictures_that_are_the_same_once_cropped_are_refused_with_the_reason() -> None:
    files: dict[str, list[tuple[str, bytes]]] = {"left": [], "right": []}
    for name, place in (("left", 10), ("right", 200)):
        for number in range(4):
            picture = Image.new("L", (240, 60))
            picture.paste(255, (place + number, 20, place + number + 25, 40))
            files[name].append((f"{number}.png", encoded(picture)))
    with pytest.raises(
        DataError, match=r"All 8 pictures are the same one.* 75 % of a picture is cut away.*[Pp]ad"
    ):
        from_files(files, side=32)
    assert len(from_files(files, side=32, fit="squash").train) == 8


@pytest.mark.parametrize("fit", ["pad", "squash"])
def test_padding_and_squashing_keep_all_of_a_wide_picture(fit: str) -> None:
    dataset = from_files(wide_files(), side=32, fit=fit)
    assert dataset.reading == PictureReading(fit=fit)
    assert said(dataset) == ""
    left, right = (dataset.train.images[dataset.train.labels == label] for label in (0, 1))
    assert left[:, :, :16].max() > 200
    assert right[:, :, 16:].max() > 200
    if fit == "pad":
        assert (left[:, :12] == PADDING).all()
        assert (left[:, 20:] == PADDING).all()
        assert left[:, 13:19, 16:].max() < DARK  # the right half of the picture itself
    else:
        assert left[:, :, 16:].max() < DARK


@pytest.mark.parametrize(
    ("size", "warned"),
    [
        ((60, 60), False),
        ((80, 60), False),  # photographs: 4:3, 3:2
        ((90, 60), False),
        ((107, 60), True),  # 16:9
        ((60, 140), True),
        ((240, 60), True),
    ],
)
def test_usual_photographs_are_no_reason_to_warn(size: tuple[int, int], warned: bool) -> None:
    random = np.random.default_rng(0)
    files = {
        name: [
            (f"{n}.png", encoded(Image.fromarray(random.integers(0, 255, (size[1], size[0], 3), np.uint8))))
            for n in range(3)
        ]
        for name in "ab"
    }
    assert (noticed.cropped(*_of(from_files(files, side=16))) is not None) == warned


def _of(dataset: ImageDataset) -> tuple[object, PictureReading]:
    return dataset.report, dataset.reading


def test_one_class_of_wide_pictures_among_square_ones_is_warned_of() -> None:
    files = wide_files()
    files["right"] = [(f"{n}.png", wide(n, at_the_edge=False, size=(60, 60))) for n in range(4)]
    dataset = from_files(files, side=16)
    assert dataset.report.outside == 0.375
    assert re.search(r"of 50.?% of the pictures more than half", said(dataset))


def test_archive_folder_and_single_door_read_by_the_same_fit(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "wide.zip", "w") as archive:
        for name, members in wide_files().items():
            (tmp_path / "wide" / name).mkdir(parents=True)
            for file, content in members:
                archive.writestr(f"{name}/{file}", content)
                (tmp_path / "wide" / name / file).write_bytes(content)
    squares = [
        dataset.train.images
        for dataset in (
            from_files(wide_files(), side=24, fit="pad"),
            from_zip(tmp_path / "wide.zip", side=24, fit="pad"),
            from_folder(tmp_path / "wide", side=24, fit="pad"),
            open_dataset(str(tmp_path / "wide.zip"), side=24, fit="pad"),
        )
    ]
    for other in squares[1:]:
        np.testing.assert_array_equal(other, squares[0])


def deep(value: int, form: str = "PNG") -> bytes:
    return encoded(Image.fromarray(speckled(value)), form)


def speckled(value: int) -> np.ndarray:
    """Noise up to ``value``, another one for each."""
    pixels = np.random.default_rng(value).integers(value // 2, value + 1, (16, 16), np.uint16)
    pixels[0, 0] = value
    return pixels


def test_the_conversion_of_deep_pictures_is_said_with_its_range() -> None:
    files = {
        "dim": [(f"{n}.png", deep(900 + n)) for n in range(3)],
        "bright": [(f"{n}.tif", deep(3000 + n, "TIFF")) for n in range(3)],
    }
    dataset = from_files(files, side=8)
    assert dataset.reading.counts == (0, 4095)
    assert said(dataset) == (
        "6 pictures of more than 8 bits (16-bit) became 8-bit by one rule for the whole set: values from 0 to 4,095 "
        "became black to white."
    )


def test_other_conversions_are_counted_by_kind() -> None:
    random = np.random.default_rng(0)

    def noise() -> Image.Image:
        return Image.fromarray(random.integers(0, 255, (16, 16, 3), np.uint8))

    files = {
        name: [
            (f"{n}.x", encoded(noise().convert(mode), form))
            for n, (mode, form) in enumerate((("CMYK", "JPEG"), ("P", "PNG"), ("P", "GIF"), ("RGB", "PNG")))
        ]
        for name in "ab"
    }
    assert said(from_files(files, side=8)) == "6 pictures became plain RGB (2 × CMYK, 4 × palette)."


HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(40)


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        (
            [HEIC] * 4,
            r"“cat” has no image that can be read.* 4 files of this class could not be read: .*HEIC",
        ),
        ([b"<html>403</html>"] * 4, "4 files of this class could not be read: .*web page"),
        ([b""] * 4, r"4 files of this class could not be read: .*empty \(0 bytes\)"),
        (
            [b"", HEIC, HEIC, HEIC],
            "4 files of this class could not be read, 3 of them for this reason: .*HEIC",
        ),
        ([HEIC], "has no image.* 1 file of this class could not be read: .*HEIC"),
    ],
)
def test_a_class_whose_files_all_fail_says_why(failing: list[bytes], words: str) -> None:
    files = {
        "cat": [(f"{n}.jpg", content) for n, content in enumerate(failing)],
        "dog": [(f"{n}.png", deep(n)) for n in range(5)],
    }
    with pytest.raises(DataError, match=words) as caught:
        from_files(files, side=8)
    assert "“dog”" not in str(caught.value)


def test_a_class_of_which_too_little_is_left_says_what_became_of_the_rest() -> None:
    files = {
        "cat": [("1.png", deep(1)), *((f"{n}.jpg", HEIC) for n in range(5))],
        "dog": [(f"{n}.png", deep(n)) for n in range(5)],
    }
    with pytest.raises(
        DataError, match=r"has only 1 image;.* 5 files of this class could not be read: .*HEIC"
    ):
        from_files(files, side=8)


def test_a_test_part_that_cannot_be_read_says_why_beside_the_accuracy() -> None:
    files = class_folders(prefix="train/") | {f"test/dog/{n}.heic": HEIC for n in range(3)}
    (caveat,) = from_zip(zipped(files), side=8).report.caveats
    assert caveat.startswith(
        "A test part is drawn from the training part: 3 files of the given test part could"
    )
    assert "HEIC" in caveat
    files |= class_folders(prefix="test/", classes=("cat",), seed=50)
    (caveat,) = from_zip(zipped(files), side=8).report.caveats
    assert "no picture of “dog”" in caveat
    assert "3 files of these classes could not be read: The file is a HEIC" in caveat


def test_built_in_sets_are_squares_whatever_the_fit() -> None:
    cropped, padded = (open_dataset("digits", side=16, fit=fit) for fit in ("crop", "pad"))
    np.testing.assert_array_equal(cropped.train.images, padded.train.images)
    assert padded.reading.fit == "pad"


def test_one_faulty_pixel_that_darkens_the_whole_set_is_warned_of_and_a_dark_class_is_not() -> None:
    files = {
        name: [(f"{n}.png", deep(level + n)) for n in range(4)] for name, level in (("a", 300), ("b", 900))
    }
    assert "almost black" not in said(from_files(files, side=8))
    values = np.full((32, 32), 950, np.uint16)
    values[0, 0] = 65535
    files["b"].append(("faulty.png", encoded(Image.fromarray(values))))
    with pytest.raises(
        DataError, match=r"1 different picture.* 9 pictures of more than 8 bits came out almost black"
    ):
        from_files(files, side=8)
    files["a"] = [(f"{n}.png", deep(2000 + n)) for n in range(4)]
    assert "9 pictures of more than 8 bits came out almost black" in said(from_files(files, side=8))
    files["a"] = [(f"{n}.png", deep(3000 + n)) for n in range(4)]
    bright = {"dim": files["a"], "bright": [(f"{n}.png", deep(60000 + n)) for n in range(4)]}
    assert "almost black" not in said(from_files(bright, side=8))


def test_pages_and_bits_are_both_said() -> None:
    pages = [Image.fromarray(speckled(900 + n)) for n in range(3)]

    def stack(number: int) -> bytes:
        stream = io.BytesIO()
        pages[number].save(stream, "TIFF", save_all=True, append_images=pages)
        return stream.getvalue()

    files = {name: [(f"{n}.tif", stack(n)) for n in range(3)] for name in "ab"}
    words = said(from_files(files, side=8))
    assert "6 pictures of more than 8 bits (16-bit, several pages (first page))" in words
    assert "values from 0 to 1,023" in words
