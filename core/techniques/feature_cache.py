"""Features that are computed once per picture, however many seeds draw it. Torch-free."""

from collections.abc import Callable, Generator
from typing import Generic, TypeVar

from core.arrays import Pixels
from core.datasets.assemble import content_hashes

CHUNK = 32  # pictures computed between two signs of life

T = TypeVar("T")


class FeatureCache(Generic[T]):
    """What ``compute`` answers for images, remembered by their content."""

    def __init__(self, compute: Callable[[Pixels], list[T]], chunk: int = CHUNK) -> None:
        """``compute`` turns images (N, S, S, 3), ``chunk`` of them at most, into N answers."""
        self._compute = compute
        self._chunk = chunk
        self._known: dict[bytes, T] = {}

    def of(self, images: Pixels) -> list[T]:
        """Answers for images (N, S, S, 3) that `learn` has seen."""
        return [self._known[key] for key in content_hashes(images)]

    def learn(self, images: Pixels) -> Generator[float, None, None]:
        """Compute what is not known yet of images (N, S, S, 3); yields the share that is done."""
        keys = content_hashes(images)
        new = [number for number, key in enumerate(keys) if key not in self._known]
        for start in range(0, len(new), self._chunk):
            numbers = new[start : start + self._chunk]
            for number, answer in zip(numbers, self._compute(images[numbers]), strict=True):
                self._known[keys[number]] = answer
            yield (start + len(numbers)) / len(new)
