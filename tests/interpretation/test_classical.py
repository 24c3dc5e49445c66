"""HOG, SIFT and pixels: what scikit-image says, and pictures that have nothing to show."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data
from skimage.color import rgb2gray
from skimage.feature import SIFT, hog

from core.events import Progress
from core.interpretation import classical


@pytest.fixture(scope="module")
def cat() -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = data.chelsea()[50:114, 150:214]
    return picture


def test_hog_equals_scikit_image(cat: NDArray[np.uint8]) -> None:
    features, drawn = hog(rgb2gray(cat), visualize=True)
    assert np.array_equal(classical.hog_features(cat), features)
    assert np.array_equal(classical.hog_picture(cat), drawn)


def test_sift_equals_scikit_image_largest_first(cat: NDArray[np.uint8]) -> None:
    finder = SIFT()
    finder.detect_and_extract(rgb2gray(cat))
    points, descriptors = classical.sift(cat)
    assert len(points) == len(finder.keypoints) > 0
    assert (np.diff(points[:, 2]) <= 0).all()
    assert {tuple(row) for row in points[:, :2]} == {tuple(row) for row in finder.keypoints}
    assert sorted(map(bytes, descriptors)) == sorted(map(bytes, finder.descriptors.astype(descriptors.dtype)))


@pytest.mark.parametrize("side", [1, 8, 64])
def test_a_grey_or_tiny_picture_has_no_keypoints_and_a_dark_hog(side: int) -> None:
    grey = np.full((side, side, 3), 128, dtype=np.uint8)
    points, descriptors = classical.sift(grey)
    assert points.shape == (0, 3)
    assert descriptors.shape == (0, 128)
    assert not classical.hog_features(grey).any()
    assert not classical.hog_picture(grey).any()
    drawn, count = classical.keypoint_picture(grey)
    assert drawn.shape == grey.shape
    assert count == 0


def test_keypoints_are_drawn_inside_the_picture(cat: NDArray[np.uint8]) -> None:
    before = cat.copy()
    drawn, count = classical.keypoint_picture(cat, 5)
    assert count == len(classical.sift(cat)[0])
    assert (drawn == np.array(classical.GOLD)).all(axis=-1).any()
    assert np.array_equal(cat, before)


def test_visual_words_by_hand() -> None:
    one, two = np.zeros((1, 128)), np.full((1, 128), 100.0)
    words = classical.VisualWords(words=2)
    found = words.fit_transform([np.repeat(one, 3, axis=0), np.concatenate([one, two, two, two]), two[:0]])
    first = found[0].argmax()
    assert found[:, first] == pytest.approx([1.0, np.sqrt(0.25), 0.0])
    assert found[:, 1 - first] == pytest.approx([0.0, np.sqrt(0.75), 0.0])


def test_words_without_any_keypoint_are_zeros() -> None:
    assert not classical.VisualWords().fit_transform([np.empty((0, 128))] * 3).any()


def test_bars_are_told_apart_by_hog_but_not_from_grey_pictures() -> None:
    random = np.random.default_rng(0)
    labels = np.tile([0, 1], 10)
    images = np.empty((20, 64, 64, 3), dtype=np.uint8)
    for number, label in enumerate(labels):
        bars = 60 * ((np.arange(64) + random.integers(16)) // 8 % 2) + 80
        images[number] = (bars[:, None] if label else bars[None, :])[..., None]
    *steps, found = classical.measure(images, labels)
    assert isinstance(found, tuple)
    shares = [step.share for step in steps if isinstance(step, Progress)]
    assert shares == sorted(shares)
    readings = {one.name: one for one in found}
    assert list(readings) == ["Pixels", "HOG", "SIFT"]
    assert readings["HOG"].readings.probe.right.all()
    assert readings["HOG"].size == len(classical.hog_features(images[0]))
    *_, grey = classical.measure(np.full_like(images[:4], 128), labels[:4])
    assert isinstance(grey, tuple)  # nothing to see: no crash, and no better than guessing
    assert all(one.readings.probe.accuracy.value <= 0.5 for one in grey)
