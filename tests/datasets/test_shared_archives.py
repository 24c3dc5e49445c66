"""The real archives of ../shared/data through the door that a teacher's ZIP takes."""

from pathlib import Path

import pytest

from core.datasets.own_images import from_zip
from core.datasets.splits import class_counts, split
from core.errors import DataError

# classes, training images, test images: the table in ../shared/data/README.md, counted
ARCHIVES = {
    "cats-dogs": (2, 400, 200),
    "chest-xray": (2, 340, 160),
    "cifar10-6000": (10, 5000, 1000),
    "cifar100-animals": (17, 2040, 680),
    "cifar100-vehicles": (6, 1800, 600),
    "hymenoptera": (2, 244, 153),
    "mnist-6000": (10, 5000, 1000),
    "pacs-art-painting": (7, 280, 140),
    "pacs-cartoon": (7, 280, 140),
    "pacs-photo": (7, 280, 140),
    "pacs-sketch": (7, 280, 140),
    "satellite": (7, 490, 210),
    "steel-defects": (6, 600, 300),
    "textures": (10, 800, 400),
}


def archive(shared_data: Path, name: str) -> Path:
    path = shared_data / f"{name}.zip"
    if not path.is_file():
        pytest.skip(f"needs ../shared/data/{name}.zip, which is not on this machine")
    return path


@pytest.mark.parametrize("name", ARCHIVES)
def test_class_folder_archives_open(name: str, shared_data: Path) -> None:
    classes, train, test = ARCHIVES[name]
    dataset = from_zip(archive(shared_data, name), side=16)
    assert dataset.test is not None
    assert (len(dataset.class_names), len(dataset.train), len(dataset.test)) == (classes, train, test)
    assert dataset.report.skipped == ()
    assert dataset.name == name
    splits = split(dataset, per_class=10, seed=0)
    assert class_counts(splits.train, classes).tolist() == [10] * classes
    assert class_counts(dataset.test, classes).min() >= 20
    assert dataset.train.images.std() > 20  # pictures, not one grey


def test_every_archive_of_the_folder_is_covered(shared_data: Path) -> None:
    others = {"tiny-imagenet-200", "omniglot-images_background_small1", "cells-masks", "blood-boxes"}
    assert {path.stem for path in shared_data.glob("*.zip")} <= set(ARCHIVES) | others


def test_omniglots_nested_folders_become_its_alphabets(shared_data: Path) -> None:
    dataset = from_zip(archive(shared_data, "omniglot-images_background_small1"), side=12)
    assert dataset.class_names == ("Balinese", "Early_Aramaic", "Greek", "Korean", "Latin")
    assert len(dataset.train) == 2720
    assert dataset.test is None


@pytest.mark.parametrize(
    ("name", "words"), [("cells-masks", "images and masks hold"), ("blood-boxes", "only one class")]
)
def test_pictures_with_masks_or_boxes_are_no_classes(name: str, words: str, shared_data: Path) -> None:
    with pytest.raises(DataError, match=words):
        from_zip(archive(shared_data, name), side=16)


def test_tiny_imagenet_is_refused_in_one_sentence_before_anything_is_decoded(shared_data: Path) -> None:
    seen: list[tuple[int, int]] = []
    with pytest.raises(DataError, match="110,000 pictures, and at most 60,000 are read"):
        from_zip(
            archive(shared_data, "tiny-imagenet-200"),
            side=32,
            progress=lambda done, total: seen.append((done, total)),
        )
    assert seen == []
