"""Cached features: the frozen prefix of the network runs once per image and view, not once per epoch."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from core.backbones.backbone import Backbone
from core.training import memory, precision
from core.training.views import Views

# Share of the device's free memory that cached features may take; the rest of them goes to disk.
MEMORY_SHARE = 0.4


def prefix(backbone: Backbone, images: Tensor, depth: int, *, start: int = 0) -> Tensor:
    """Run the first ``depth`` stages, and the neck too where that is all of them: the rest is `suffix`.

    With ``start``, ``images`` are features that the first ``start`` stages made already.
    """
    features = backbone.run_stages(images, start=start, stop=depth)
    if depth == backbone.depth:
        features = backbone.neck(features)  # (B, feature_size)
    return features


def suffix(backbone: Backbone, features: Tensor, depth: int) -> Tensor:
    """Class scores (B, classes) from what `prefix` computed; the head is ``Sequential(neck, classifier…)``."""
    if depth < backbone.depth:
        scores: Tensor = backbone.head(backbone.run_stages(features, start=depth))
        return scores
    assert isinstance(backbone.head, nn.Sequential)
    return backbone.head[1:](features)  # type: ignore[no-any-return]


class Features:
    """What stands before stage ``depth``, for one part of the data: read from a cache, or computed each time.

    Both ways agree bit for bit. How a convolution sums may depend on the *shape* of its batch, and training
    batches differ in size; so the frozen prefix always runs on chunks of exactly ``micro.size`` images, filled up
    with repetitions, whether the chunk is a slice of the data set or a training batch.

    Views are cached when they are first asked for, so that caching never computes more than it saves. What
    exceeds ``memory_limit`` bytes (None: a share of what is free) goes to a temporary file until `close`.

    ``base``, features of the same images at a smaller depth, saves what was computed for them already: the
    stages between run on what it holds, instead of all stages on pixels.
    """

    def __init__(
        self,
        backbone: Backbone,
        views: Views,
        *,
        depth: int,
        micro: memory.MicroBatch,
        cached: bool,
        memory_limit: int | None = None,
        base: "Features | None" = None,
    ) -> None:
        self.views = views
        self.depth = depth
        self._base = base
        self._backbone = backbone
        self._micro = micro
        self._cached = cached and depth > 0 and views.count > 0
        self._limit = memory_limit
        self._stored: dict[int, Tensor] = {}
        self._channels_last = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __len__(self) -> int:
        return len(self.views)

    @property
    def device(self) -> torch.device:
        """Where `batch` puts features."""
        return self.views.device

    @property
    def labels(self) -> Tensor:
        """(N,) int64 on the device."""
        return self.views.labels

    @property
    def bytes_stored(self) -> int:
        """How much is cached, in memory and on disk."""
        return sum(store.nbytes for store in self._stored.values())

    @property
    def bytes_on_disk(self) -> int:
        """How much of the cache went to the temporary file."""
        if self._folder is None:
            return 0
        return sum(file.stat().st_size for file in Path(self._folder.name).iterdir())

    def close(self) -> None:
        """Forget all features, and delete the temporary file."""
        self._stored.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def lacks(self, view: int) -> bool:
        """Tell whether `fill` has something to do before batches of ``view`` come from the cache."""
        return self._cached and view not in self._stored

    def fill(self, view: int) -> Iterator[int]:
        """Compute and store the features of all images, saying after each chunk how many are done."""
        numbers = torch.arange(len(self))
        done = 0
        while done < len(self):
            part = numbers[done : done + self._micro.size]
            features = self._compute(part, view)
            if done == 0:
                store = self._allocate(features, view)
            store[done : done + len(part)] = features.permute(0, 2, 3, 1) if self._channels_last else features
            done += len(part)
            yield done
        self._stored[view] = store

    def batch(self, numbers: Tensor, view: int) -> Tensor:
        """Features of images ``numbers`` (B,) int64 on the CPU, on the device, ready for `suffix`."""
        if view not in self._stored:
            return self._compute(numbers, view)
        store = self._stored[view]
        found = store[numbers.to(store.device)].to(self.views.device)
        return found.permute(0, 3, 1, 2) if self._channels_last else found

    def _compute(self, numbers: Tensor, view: int) -> Tensor:
        if self.depth == 0:
            return self.views.batch(numbers, view)
        parts: list[Tensor] = []

        def run(size: int) -> None:
            parts.clear()
            for some in numbers.split(size):  # type: ignore[no-untyped-call]
                filled = torch.cat([some, some[-1:].expand(size - len(some))])
                with torch.no_grad(), precision.autocast(self.views.device):
                    features = self._prefix(filled, view)
                parts.append(features[: len(some)])

        self._micro.attempt(run, self.views.device)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _prefix(self, numbers: Tensor, view: int) -> Tensor:
        if self._base is None:
            return prefix(self._backbone, self.views.batch(numbers, view), self.depth)
        return prefix(self._backbone, self._base.batch(numbers, view), self.depth, start=self._base.depth)

    def _allocate(self, features: Tensor, view: int) -> Tensor:
        """Reserve room for all images: on the device, else in main memory, else in a file."""
        # A (N, H, W, C) store makes gathered batches channels-last, as the network's own tensors are.
        self._channels_last = (
            features.dim() == 4
            and features.is_contiguous(memory_format=torch.channels_last)
            and not features.is_contiguous()
        )
        one = features.permute(0, 2, 3, 1)[0] if self._channels_last else features[0]
        shape = (len(self), *one.shape)
        needed = len(self) * one.numel() * one.element_size()
        if self._limit is None:
            self._limit = int(MEMORY_SHARE * memory.free_bytes(self.views.device))
        if sum(store.nbytes for store in self._stored.values()) + needed <= self._limit:
            return torch.empty(shape, dtype=one.dtype, device=self.views.device)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="features-", ignore_cleanup_errors=True)
        path = Path(self._folder.name) / f"view-{view}"
        return torch.from_file(str(path), shared=True, size=one.numel() * len(self), dtype=one.dtype).view(
            shape
        )


class Some:
    """Some of the images of `Features`, ``chosen`` (M,) int64 on the CPU, as if they were all there are."""

    def __init__(self, whole: Features, chosen: Tensor) -> None:
        self.views = whole.views
        self.depth = whole.depth
        self.device = whole.device
        self.labels = whole.labels[chosen.to(whole.device)]  # (M,)
        self._whole = whole
        self._chosen = chosen

    def __len__(self) -> int:
        return len(self._chosen)

    def batch(self, numbers: Tensor, view: int) -> Tensor:
        """Features of the chosen images ``numbers`` (B,), as `Features.batch` gives them."""
        return self._whole.batch(self._chosen[numbers], view)
