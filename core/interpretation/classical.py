"""Features that nobody learned: raw pixels, HOG and SIFT, by scikit-image. What there was before deep networks.

HOG: Dalal & Triggs, CVPR 2005. SIFT: Lowe, IJCV 60(2), 2004, here as a bag of visual words (Csurka et al., ECCV
workshop 2004) with Hellinger's square root (Arandjelović & Zisserman, CVPR 2012). Torch-free.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2gray
from skimage.draw import circle_perimeter
from skimage.feature import SIFT, hog
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.cluster import MiniBatchKMeans

from core.arrays import Pixels
from core.events import Progress
from core.images.decoding import square_from_array
from core.interpretation import readout
from core.interpretation.rendering import GOLD
from core.interpretation.side_by_side import side_by_side
from core.interpretation.specificity_report import ClassicalReading, Reading, Readings

SIDE = 64  # pixels that pictures are brought to, whatever the network beside them takes
PIXEL_SIDE = 32  # raw pixels: 32 x 32 x 3, as in CIFAR
DESCRIPTOR = 128  # length of a SIFT descriptor: 4 x 4 places, 8 orientations
WORDS = 100  # of the visual vocabulary
DRAWN = 80  # keypoints at most that are drawn on a picture
_BLOCK = 24  # pixels: scikit-image's HOG has cells of 8 x 8 pixels, blocks of 3 x 3 cells and 9 orientations
_CHUNK = 25


def hog_features(picture: Pixels) -> NDArray[np.float64]:
    """Histograms of oriented gradients of a picture (H, W, 3) at 64 x 64 pixels, scikit-image's defaults: (2916,)."""
    features: NDArray[np.float64] = hog(rgb2gray(square_from_array(picture, SIDE)))
    return features


def hog_picture(picture: Pixels) -> NDArray[np.float64]:
    """Draw HOG: in every cell of 8 x 8 pixels a star of strokes along its edges, (H, W), 0 and above.

    A picture smaller than one block (24 pixels) is enlarged to 64 first.
    """
    large = picture if min(picture.shape[:2]) >= _BLOCK else square_from_array(picture, SIDE)
    drawn: NDArray[np.float64] = hog(rgb2gray(large), visualize=True)[1]
    return drawn


def sift(picture: Pixels) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Find SIFT keypoints of a picture (H, W, 3): (K, 3) row, column and radius in pixels, and descriptors (K, 128).

    Strongest scale first. K is 0 for a picture without corners or blobs, and for one smaller than 8 pixels.
    """
    finder: Any = SIFT()  # type: ignore[no-untyped-call]
    try:
        finder.detect_and_extract(rgb2gray(picture))
    except (RuntimeError, ValueError, IndexError):  # scikit-image: none found, or a picture too small to ask
        return np.empty((0, 3)), np.empty((0, DESCRIPTOR), dtype=np.uint8)
    order = np.argsort(-finder.sigmas, kind="stable")
    # A blob of standard deviation sigma has a radius of about sqrt(2) sigma (Lowe 2004).
    points = np.column_stack([finder.keypoints, np.sqrt(2) * finder.sigmas])[order]
    return points.astype(np.float64), finder.descriptors[order]


def keypoint_picture(picture: Pixels, most: int = DRAWN) -> tuple[Pixels, int]:
    """Draw the ``most`` largest SIFT keypoints as gold circles on a picture (H, W, 3); also how many were found."""
    points = sift(picture)[0]
    drawn = (picture * 0.6).astype(np.uint8)  # dimmed, so that thin circles show
    for row, column, radius in points[:most]:
        for grow in (0, 1):  # two pixels wide
            at = circle_perimeter(  # type: ignore[no-untyped-call]
                round(row), round(column), max(round(radius), 2) + grow, shape=drawn.shape[:2]
            )
            drawn[at] = GOLD
    return drawn, len(points)


class VisualWords(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Sets of descriptors (N,), each (K, 128) -> shares of visual words (N, words), square root taken.

    The vocabulary is k-means over the descriptors of those pictures that it is fitted on.
    """

    def __init__(self, words: int = WORDS, seed: int = 0) -> None:
        self.words = words
        self.seed = seed

    def fit(self, sets: Sequence[NDArray[Any]], _labels: object = None) -> Self:
        """Learn the vocabulary; with fewer descriptors than words it has as many words as descriptors."""
        every = np.concatenate([np.empty((0, DESCRIPTOR)), *sets])
        self.vocabulary_ = None
        if len(every):
            distinct = len(np.unique(every, axis=0))
            count = min(self.words, distinct)
            self.vocabulary_ = MiniBatchKMeans(count, n_init=1, random_state=self.seed).fit(every)
        return self

    def transform(self, sets: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
        """Count words; a picture without descriptors, or a vocabulary without words, gives zeros."""
        counts = np.zeros((len(sets), 1 if self.vocabulary_ is None else self.vocabulary_.n_clusters))
        for number, descriptors in enumerate(sets):
            if self.vocabulary_ is not None and len(descriptors):
                nearest = self.vocabulary_.predict(np.asarray(descriptors, dtype=np.float64))
                counts[number] = np.bincount(nearest, minlength=counts.shape[1]) / len(nearest)
        return np.sqrt(counts)


def measure(images: Pixels, labels: NDArray[np.int64]) -> Iterator[Progress | tuple[ClassicalReading, ...]]:
    """Read the classes of images (N, S, S, 3) out of pixels, HOG and SIFT as out of a network's stages.

    Yields steps, and last the three readings. The vocabulary of visual words is learned
    inside every training fold; for the vote of neighbours from all images, without their labels.
    """
    voters = readout.neighbours_for(labels)
    chunks = [images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK)]
    seen: list[_Described] = []
    for told in side_by_side([partial(_described, chunk) for chunk in chunks]):
        if isinstance(told, float):
            yield Progress(done=0.6 * told, phase="Pixels, HOG and SIFT of every picture")
        else:
            seen = [picture for chunk in told for picture in chunk]
    pixels, gradients = (
        np.stack([picture[place] for picture in seen]).astype(np.float64) for place in (0, 1)
    )
    points = np.empty(len(seen), dtype=object)
    points[:] = [picture[2] for picture in seen]
    words = VisualWords()
    pieces: list[Callable[[], readout.Answered]] = []
    owners: list[tuple[str, bool]] = []  # whose answer each piece is; True: of the vote
    for name, rows, first in (("Pixels", pixels, None), ("HOG", gradients, None), ("SIFT", points, words)):
        folds = readout.probe_folds(rows, labels, first=first)
        pieces += [*folds, partial(_voted, rows, labels, voters, first)]
        owners += [*[(name, False)] * len(folds), (name, True)]
    for answers in side_by_side(pieces):
        if isinstance(answers, float):
            yield Progress(done=0.6 + 0.4 * answers, phase="Reading the classes out of pixels, HOG and SIFT")
            continue
        right = {
            owner: readout.together(
                len(labels),
                [answered for other, answered in zip(owners, answers, strict=True) if other == owner],
            )
            for owner in owners
        }
        yield tuple(
            ClassicalReading(
                name=name,
                size=size,
                readings=Readings(
                    probe=Reading(right=right[name, False]), neighbours=Reading(right=right[name, True])
                ),
            )
            for name, size in (("Pixels", pixels.shape[1]), ("HOG", gradients.shape[1]), ("SIFT", WORDS))
        )


_Described = tuple[
    NDArray[np.uint8], NDArray[np.float64], NDArray[np.uint8]
]  # raw pixels, HOG, SIFT's descriptors


def _described(images: Pixels) -> list[_Described]:
    described = []
    for image in images:
        square = square_from_array(image, SIDE)
        pixels = square_from_array(square, PIXEL_SIDE).ravel()
        described.append((pixels, hog_features(square), sift(square)[1]))
    return described


def _voted(rows: Any, labels: NDArray[np.int64], voters: int, first: VisualWords | None) -> readout.Answered:
    table = rows if first is None else clone(first).fit_transform(rows)
    return np.arange(len(labels)), readout.neighbours(table, labels, voters)
