"""Features before the first trained stage: computed, or cached, once per image and view instead of once per epoch."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from core.backbones.backbone import Backbone
from core.training import memory
from core.training.config import FinetuneConfig
from core.training.precision import autocast
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


def prefix_chunk(config: FinetuneConfig, device: torch.device, reading: int) -> int:
    """How many images go through the frozen stages at once, while a resolved ``config`` trains what lies behind them.

    As many as a batch has, so that a cache saves nothing but time: see `Features`. A GPU that caches is kept busy with
    ``reading``, as many as it takes where nothing is learned.
    """
    if device.type != "cpu" and config.cache and config.views:
        return max(config.batch_size, reading)
    return config.batch_size


class Features:
    """What stands before stage ``depth`` of the network, for one part of the data, computed each time."""

    def __init__(self, backbone: Backbone, views: Views, *, depth: int, size: int) -> None:
        self.backbone = backbone
        self.views = views
        self.labels = views.labels  # (N,) int64 on the device
        self.device = views.device
        self.depth = depth
        self.size = size

    def __len__(self) -> int:
        return len(self.views)

    def batch(self, numbers: Tensor, view: int) -> Tensor:
        """Features of images ``numbers`` (B,) int64 on the CPU, on the device, ready for `suffix`."""
        return self.views.batch(numbers, view) if self.depth == 0 else self.computed(numbers, view, self.size)

    def computed(self, numbers: Tensor, view: int, size: int) -> Tensor:
        """Run the stages before ``depth`` on images ``numbers`` (B,), ``size`` at once."""
        # How a convolution sums may depend on the *shape* of its batch, and training batches differ in size: so these
        # stages always see exactly ``size`` images, filled up with repetitions.
        parts = []
        for some in numbers.split(size):  # type: ignore[no-untyped-call]
            filled = torch.cat([some, some[-1:].expand(size - len(some))])
            with torch.no_grad(), autocast(self.device):
                features = self.before(filled, view)
            parts.append(features[: len(some)])
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def before(self, numbers: Tensor, view: int) -> Tensor:
        """Features of exactly these images, from their pixels."""
        return prefix(self.backbone, self.views.batch(numbers, view), self.depth)


class CachedFeatures(Features):
    """`Features` that are kept, equal to computed ones bit for bit, and that need no more memory than there is.

    Views are cached (where ``cached``) when they are first asked for, so that caching never computes more than it
    saves. What exceeds ``memory_limit`` bytes (None: a share of what is free) goes to a temporary file until `close`.

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
        base: Features | None = None,
    ) -> None:
        super().__init__(backbone, views, depth=depth, size=micro.size)
        self._base = base
        self._micro = micro
        self._cached = cached and depth > 0 and views.count > 0
        self._limit = memory_limit
        self._stored: dict[int, Tensor] = {}
        self._channels_last = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None

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
            features = self.batch(part, view)
            if done == 0:
                store = self._allocate(features, view)
            store[done : done + len(part)] = features.permute(0, 2, 3, 1) if self._channels_last else features
            done += len(part)
            yield done
        self._stored[view] = store

    def batch(self, numbers: Tensor, view: int) -> Tensor:
        """Features of images ``numbers`` (B,) int64 on the CPU, from the cache where they are in it."""
        if view not in self._stored:
            return super().batch(numbers, view)
        store = self._stored[view]
        features = store[numbers.to(store.device)].to(self.device)
        return features.permute(0, 3, 1, 2) if self._channels_last else features

    def computed(self, numbers: Tensor, view: int, size: int) -> Tensor:
        """Run the stages on fewer than ``size`` images at once, where memory asks for it."""
        del size  # what it was at first; the micro-batch knows what it is now
        features: list[Tensor] = []
        compute = super().computed

        def run(most: int) -> None:
            features.clear()
            features.append(compute(numbers, view, most))

        self._micro.attempt(run, self.device)
        return features[0]

    def before(self, numbers: Tensor, view: int) -> Tensor:
        """Features of exactly these images, from those of ``base`` where there are any."""
        if self._base is None:
            return super().before(numbers, view)
        return prefix(self.backbone, self._base.batch(numbers, view), self.depth, start=self._base.depth)

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
            self._limit = int(MEMORY_SHARE * memory.free_bytes(self.device))
        if sum(store.nbytes for store in self._stored.values()) + needed <= self._limit:
            return torch.empty(shape, dtype=one.dtype, device=self.device)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="features-", ignore_cleanup_errors=True)
        path = Path(self._folder.name) / f"view-{view}"
        return torch.from_file(str(path), shared=True, size=one.numel() * len(self), dtype=one.dtype).view(
            shape
        )


class Some(Features):
    """Some of the images of other features, ``chosen`` (M,) int64 on the CPU, as if they were all there are."""

    def __init__(self, whole: Features, chosen: Tensor) -> None:
        super().__init__(whole.backbone, whole.views, depth=whole.depth, size=whole.size)
        self.labels = whole.labels[chosen.to(whole.device)]  # (M,)
        self._whole = whole
        self._chosen = chosen

    def __len__(self) -> int:
        return len(self._chosen)

    def batch(self, numbers: Tensor, view: int) -> Tensor:
        """Features of the chosen images ``numbers`` (B,), as those of all images are given."""
        return self._whole.batch(self._chosen[numbers], view)
