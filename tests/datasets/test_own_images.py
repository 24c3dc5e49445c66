"""ZIP, folder and files per class: what is understood, what is reported, and that the order never varies."""

import errno
import io
import os
import socket
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import own_images
from core.datasets.layout import Layout, arrange
from core.datasets.open import open_dataset
from core.datasets.own_images import from_files, from_folder, from_zip
from core.errors import DataError
from core.images.decoding import ReadingLimits


def png(seed: int) -> bytes:
    """A small picture of its own for every seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def class_folders(
    *, prefix: str = "", classes: tuple[str, ...] = ("cat", "dog"), each: int = 4, seed: int = 0
) -> dict[str, bytes]:
    return {
        f"{prefix}{name}/{number}.png": png(seed + 100 * label + number)
        for label, name in enumerate(classes)
        for number in range(each)
    }


def zipped(files: dict[str, bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream


def test_class_folders_become_classes_in_alphabetical_order() -> None:
    dataset = from_zip(zipped(class_folders(classes=("dog", "cat", "ape"))), side=12, name="pets")
    assert dataset.class_names == ("ape", "cat", "dog")
    assert dataset.name == "pets"
    assert dataset.test is None
    assert dataset.train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert dataset.train.images.shape == (12, 12, 12, 3)
    assert dataset.train.images.dtype == np.uint8
    expected = np.asarray(Image.open(io.BytesIO(png(200))))  # ape was the third in the archive
    np.testing.assert_array_equal(dataset.train.images[0], expected)


@pytest.mark.parametrize(
    ("train", "test"),
    [("train", "test"), ("Train", "TEST"), ("training", "val"), ("train", "valid"), ("train", "validation")],
)
def test_train_and_test_folders_are_recognised(train: str, test: str) -> None:
    files = class_folders(prefix=f"{train}/") | class_folders(prefix=f"{test}/", each=2, seed=50)
    dataset = from_zip(zipped(files), side=8)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.test is not None
    assert (len(dataset.train), len(dataset.test)) == (8, 4)


def test_validation_joins_training_where_there_is_a_test_part_too() -> None:
    files = (
        class_folders(prefix="train/")
        | class_folders(prefix="val/", each=2, seed=50)
        | class_folders(prefix="test/", each=3, seed=70)
    )
    dataset = from_zip(zipped(files), side=8)
    assert dataset.test is not None
    assert (len(dataset.train), len(dataset.test)) == (12, 6)


def test_wrapping_folders_and_what_operating_systems_leave_are_ignored() -> None:
    files = class_folders(prefix="My data/v2/") | {
        "__MACOSX/My data/v2/cat/._0.png": b"\x00",
        "My data/.DS_Store": b"\x00",
        "My data/v2/cat/Thumbs.db": b"\x00",
        "My data/v2/dog/.hidden.png": b"\x00",
    }
    dataset = from_zip(zipped(files), side=8)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.report.skipped == ()


def test_an_unlabelled_test_folder_does_not_stand_in_the_way() -> None:
    files = class_folders(prefix="train/") | {f"test/{number}.png": png(900 + number) for number in range(3)}
    dataset = from_zip(zipped(files), side=8)
    assert dataset.test is None
    assert {file for file, _ in dataset.report.skipped} == {f"test/{number}.png" for number in range(3)}


def test_folders_below_a_class_belong_to_it() -> None:
    files = {
        f"{name}/images/{number}.png": content
        for name in ("a", "b")
        for number, content in enumerate(map(png, range(3)))
    }
    assert from_zip(zipped(files), side=8).class_names == ("a", "b")


def test_test_classes_that_were_never_trained_are_left_out_and_listed() -> None:
    files = class_folders(prefix="train/") | class_folders(
        prefix="test/", classes=("cat", "dog", "yak"), each=1, seed=60
    )
    dataset = from_zip(zipped(files), side=8)
    assert dataset.test is not None
    assert len(dataset.test) == 2
    assert dict(dataset.report.skipped) == {"test/yak/0.png": "Class “yak” occurs in the test part only."}


def test_files_that_do_not_decode_are_listed_and_left_out() -> None:
    files = class_folders() | {
        "cat/empty.jpg": b"",
        "cat/page.jpg": b"<!doctype html><title>Not found</title>",
        "dog/notes.txt": b"my notes",
        "stray.png": png(1),
    }
    dataset = from_zip(zipped(files), side=8)
    assert len(dataset.train) == 8
    reasons = dict(dataset.report.skipped)
    assert set(reasons) == {"cat/empty.jpg", "cat/page.jpg", "dog/notes.txt", "stray.png"}
    assert "empty" in reasons["cat/empty.jpg"]
    assert "web page" in reasons["cat/page.jpg"]
    assert "no class folder" in reasons["stray.png"]


def test_conversions_are_reported() -> None:
    stream = io.BytesIO()
    Image.new("CMYK", (9, 9)).save(stream, "JPEG")
    dataset = from_zip(zipped(class_folders() | {"cat/print.jpg": stream.getvalue()}), side=8)
    assert dataset.report.converted == (("cat/print.jpg", "CMYK"),)


def test_the_same_picture_in_train_and_test_is_reported() -> None:
    files = class_folders(prefix="train/") | class_folders(prefix="test/", each=2, seed=500)
    files["test/dog/again.png"] = files["train/dog/2.png"]
    dataset = from_zip(zipped(files), side=8)
    assert dataset.report.duplicates == (("train/dog/2.png", "test/dog/again.png"),)


def test_names_may_be_written_in_any_script() -> None:
    names = ("猫", "собака", "Übergrößenträger", "🐎 horse")
    dataset = from_zip(zipped(class_folders(classes=names)), side=8)
    assert set(dataset.class_names) == set(names)


def test_macos_names_without_the_utf8_mark_are_read_as_utf8() -> None:
    archive = zipped(class_folders(classes=("käse", "brot"))).getvalue()
    for local, central in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # clear bit 11 of every entry's flags
        start = archive.find(local)
        while start >= 0:
            flags = archive[start + central + 1] & ~0x08
            archive = archive[: start + central + 1] + bytes([flags]) + archive[start + central + 2 :]
            start = archive.find(local, start + 4)
    assert from_zip(io.BytesIO(archive), side=8).class_names == ("brot", "käse")


def test_control_and_direction_marks_leave_class_names() -> None:
    files = {
        ("ca\u202et", "dog\x07")[label]: [(f"{n}.png", png(n + 9 * label)) for n in range(3)]
        for label in (0, 1)
    }
    assert from_files(files, side=8).class_names == ("cat", "dog")


def test_windows_separators_are_understood() -> None:
    files = {name.replace("/", "\\"): content for name, content in class_folders().items()}
    assert from_zip(zipped(files), side=8).class_names == ("cat", "dog")


def test_the_order_in_the_archive_does_not_matter() -> None:
    files = class_folders(each=20)
    forwards = from_zip(zipped(files), side=8)
    backwards = from_zip(zipped(dict(reversed(files.items()))), side=8)
    np.testing.assert_array_equal(forwards.train.images, backwards.train.images)
    assert forwards.fingerprint == backwards.fingerprint


def test_zip_folder_and_files_give_the_same_data_set(tmp_path: Path) -> None:
    files = class_folders(each=5)
    for name, content in files.items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(content)
    (tmp_path / "set.zip").write_bytes(zipped(files).getvalue())
    by_class: dict[str, list[tuple[str, bytes]]] = {}
    for name, content in files.items():
        by_class.setdefault(name.split("/")[0], []).append((name.split("/")[1], content))
    data_sets = [
        from_zip(tmp_path / "set.zip", side=10),
        from_folder(tmp_path / "set", side=10),
        from_files(by_class, side=10, name="set"),
    ]
    assert len({dataset.fingerprint for dataset in data_sets}) == 1
    assert {dataset.name for dataset in data_sets} == {"set"}


def test_the_fingerprint_follows_pixels_labels_names_and_parts() -> None:
    files = class_folders(each=5)
    moved = {("dog/9.png" if name == "cat/0.png" else name): content for name, content in files.items()}
    renamed = {name.replace("cat", "kat"): content for name, content in files.items()}
    other_pixel = files | {"cat/0.png": png(77)}
    with_parts = {f"train/{name}": content for name, content in files.items()} | {
        f"test/{name}": content for name, content in class_folders(each=1, seed=40).items()
    }
    fingerprints = [
        from_zip(zipped(variant), side=8).fingerprint
        for variant in (files, moved, renamed, other_pixel, with_parts)
    ]
    fingerprints.append(from_zip(zipped(files), side=9).fingerprint)
    assert len(set(fingerprints)) == 6
    assert all(len(fingerprint) == 64 for fingerprint in fingerprints)
    assert fingerprints[0] == from_zip(zipped(files), side=8, name="another name").fingerprint


def test_an_uploads_name_is_used() -> None:
    upload = zipped(class_folders())
    upload.name = "Holiday pictures.zip"  # type: ignore[misc]
    assert from_zip(upload, side=8).name == "Holiday pictures"


def test_progress_is_told() -> None:
    seen: list[tuple[int, int]] = []
    from_zip(zipped(class_folders(each=30)), side=8, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (60, 60)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no pictures"),
        ({"cat/readme.txt": b"x"}, "no pictures"),
        ({f"{number}.png": png(number) for number in range(4)}, "no class folders"),
        (class_folders(classes=("cat",)), "only one class"),
        (class_folders(prefix="train/", classes=("cat",)), "only one class"),
        (class_folders() | {"yak/0.png": png(3)}, "“yak” has only 1 image;"),
        (class_folders() | {"yak/0.png": png(3), "yak/1.png": png(4)}, "“yak” has only 2 images;"),
        (class_folders() | {"yak/0.png": b"", "yak/1.png": b"", "yak/2.png": b""}, "“yak” has no image that"),
        (class_folders(prefix="test/") | class_folders(prefix="val/", seed=9), "no train/ folder"),
        (class_folders(classes=("a" * 101, "b")), "101 characters"),
    ],
)
def test_archives_that_cannot_be_used_earn_one_sentence(files: dict[str, bytes], words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        from_zip(zipped(files), side=8)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (ReadingLimits(max_images=7), "8 pictures"),
        (ReadingLimits(max_classes=1), "2 class folders"),
        (ReadingLimits(max_entries=7), "more than 7 entries"),
        (ReadingLimits(max_decoded_bytes=8 * 64 * 3 - 1), "smaller image size"),
        (ReadingLimits(max_unpacked_bytes=500), "would unpack"),
    ],
)
def test_limits_are_kept_with_a_sentence_each(limits: ReadingLimits, words: str) -> None:
    with pytest.raises(DataError, match=words):
        from_zip(zipped(class_folders()), side=8, limits=limits)


def test_two_images_are_enough_where_the_test_part_is_given() -> None:
    files = class_folders(prefix="train/", each=2) | class_folders(prefix="test/", each=1, seed=50)
    assert len(from_zip(zipped(files), side=8).train) == 4


def test_folders_list_links_and_do_not_follow_them(tmp_path: Path) -> None:
    for name, content in class_folders().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "cat" / "link.png").symlink_to(tmp_path / "dog" / "0.png")
    (tmp_path / "more").symlink_to(tmp_path / "cat", target_is_directory=True)
    dataset = from_folder(tmp_path, side=8)
    assert dataset.class_names == ("cat", "dog")
    assert [file for file, _ in dataset.report.skipped] == ["cat/link.png", "more"]


def written(root: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


@pytest.mark.parametrize("closed", ["cat", "train/dog"])
def test_a_class_folder_that_cannot_be_read_is_an_error_and_not_a_class_fewer(
    closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, class_folders(classes=("cat", "dog", "yak"), prefix="train/" if "/" in closed else ""))
    scandir = os.scandir

    def refusing(path: bytes) -> Iterator[os.DirEntry[bytes]]:
        # What the kernel says to everybody but root, whom no permission stops.
        if os.fsdecode(path).endswith(closed):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DataError, match=rf"folder .*{closed} cannot be read \(Permission denied\)"):
        from_folder(tmp_path, side=8)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_named_pipes_and_sockets_are_listed_and_nobody_waits_for_them(tmp_path: Path) -> None:
    written(tmp_path, class_folders())
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "dog" / "s.png"))
        dataset = from_folder(tmp_path, side=8)
    assert [(file, why[:10]) for file, why in dataset.report.skipped] == [
        ("cat/pipe.png", "It is no f"),
        ("dog/s.png", "It is no f"),
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_file_that_became_a_named_pipe_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, class_folders(each=5))

    def late(paths: Sequence[str], limits: ReadingLimits) -> Layout:
        (tmp_path / "cat" / "0.png").unlink()
        os.mkfifo(tmp_path / "cat" / "0.png")
        return arrange(paths, limits)

    monkeypatch.setattr(own_images, "arrange", late)
    dataset = from_folder(tmp_path, side=8)
    assert [file for file, _ in dataset.report.skipped] == ["cat/0.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_data_that_is_neither_file_nor_folder_is_one_sentence(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "data.zip")
    with pytest.raises(DataError, match="neither a folder nor a file"):
        open_dataset(str(tmp_path / "data.zip"), side=8)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder .*nowhere"):
        from_folder(tmp_path / "nowhere", side=8)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no classes yet"),
        ({"cat": [("a.png", png(1))]}, "only one class"),
        ({"cat": [], "dog": []}, "no image"),
        ({" ": [], "dog": []}, "empty name"),
    ],
)
def test_uploads_that_cannot_be_used_earn_one_sentence(
    files: dict[str, list[tuple[str, bytes]]], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        from_files(files, side=8)
