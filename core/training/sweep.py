"""All freeze depths of one network on one data set, measured: a generator of typed events.

One forward pass fills a cache before every stage; each depth then trains only what lies behind its own cache. So
all depths together cost little more than the one that trains everything. Every arm trains for the same number of
epochs on the same images, keeps its last weights, and is tested on the same test images, so that arms can be
compared image by image. Nothing is chosen on the test images, except that *racing* leaves out what has lost.
"""

import dataclasses
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from core import errors
from core.arrays import Numbers
from core.backbones import catalogue, stages
from core.backbones.backbone import Backbone
from core.datasets.dataset import ImageDataset, LabelledImages
from core.datasets.splits import split
from core.events import Event, Note, Progress
from core.freezing.apply import freeze
from core.training import memory, optimisers, precision, probe, strategies
from core.training.batch_norm import hold_statistics
from core.training.cache import CachedFeatures, Some
from core.training.config import FinetuneConfig
from core.training.events import BatchDone
from core.training.loop import Loop, evaluate
from core.training.run import CHUNKS
from core.training.sweep_config import SweepArm, SweepConfig, epochs_for
from core.training.sweep_events import ArmDone, CachesReady, SweepFinished, SweepStarted
from core.training.sweep_report import lost, pack, spoken
from core.training.views import Views, views_of


def sweep(
    config: SweepConfig,
    dataset: ImageDataset,
    *,
    backbone: Backbone | None = None,
    done: Iterable[ArmDone] = (),
) -> Iterator[Event]:
    """Train every arm of ``config`` with every seed, and test it.

    Events: `SweepStarted`, `Progress`, `CachesReady`, then an `ArmDone` for every arm and seed, seed by seed and
    from the cheapest arm to the dearest, so that each seed's picture is complete before the next one begins; last
    `SweepFinished`. ``backbone`` (left untouched, original head in place) takes the place of the network that the
    settings name. ``done`` are events of an earlier part of the same sweep: they are not measured again, and what
    follows is what would have followed. Raises the errors of `core.errors`.
    """
    bench = Bench(config, dataset, backbone)
    try:
        yield bench.started()
        yield from (Note(message=sentence) for sentence in bench.backbone.said)
        yield from bench.fill()
        yield bench.caches_ready()
        measured = {(one.arm, one.seed): one for one in done}
        racing = list(bench.arms)
        for seed in bench.seeds:
            for arm in sorted(racing, key=bench.cost):
                if (arm.name, seed) not in measured:
                    measured[arm.name, seed] = yield from bench.measure(arm, seed)
                    yield measured[arm.name, seed]
            if config.racing and seed != bench.seeds[-1]:
                for dropped in lost(list(measured.values()), [one.name for one in racing], bench.test_count):
                    racing.remove(SweepArm.named(dropped.arm))
                    yield dataclasses.replace(dropped, after_seed=seed)
        yield bench.finished()
    finally:
        bench.close()


class Bench:
    """One network and one data set, with everything cached that all arms and seeds share."""

    def __init__(self, config: SweepConfig, dataset: ImageDataset, given: Backbone | None = None) -> None:
        self._begin = time.perf_counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self.config = config
        self.dataset = dataset
        self.device = precision.choose_device(config.device)
        precision.prepare(self.device)
        memory.reset_peak(self.device)
        name = config.backbone if given is None else given.name
        # None: a network made by hand, which the catalogue knows nothing about.
        entry = catalogue.entry(name) if given is None else catalogue.known(name)
        self.image_size = config.image_size or (
            dataset.train.images.shape[1] if entry is None else entry.finetune_size
        )
        if entry is not None:
            entry.check_size(self.image_size)
        anything = FinetuneConfig(backbone=config.backbone, weights=config.weights, strategy="full")
        self.backbone = strategies.start(anything, given)
        self.stages = tuple(stage.name for stage in self.backbone.table)
        self.probe_head = config.head == "probe" or (
            config.head == "auto" and not strategies.is_normalised(self.backbone)
        )
        self.arms = config.arms(len(self.stages), probe_head=self.probe_head)
        self.seeds = tuple(range(config.first_seed, config.first_seed + config.seeds))
        classes = len(dataset.class_names)
        stages.new_head(self.backbone, classes, seed=config.first_seed)
        self.backbone.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.pool, self.test = parts(dataset, config.first_seed)
        self.chosen = {
            seed: draw(self.pool.labels, config.per_class, seed=seed) for seed in self.seeds
        }  # numbers of training images, (M,) each
        # Seeds draw subsets of one pool; what no seed drew is never computed.
        self._used = np.unique(np.concatenate(list(self.chosen.values())))
        self.images = len(self.chosen[config.first_seed])
        self.epochs = config.epochs or epochs_for(self.images)
        self.test_count = len(self.test)
        self._notes: list[Note] = []
        self._reading = memory.MicroBatch(size=CHUNKS[self.device.type], smallest=1, notes=self._notes)
        freeze(self.backbone, self.stages)
        self.backbone.eval()
        self._start = {
            name: value.clone()
            for name, value in self.backbone.state_dict().items()
            if not name.startswith("head.")
        }
        views = [
            views_of(
                part,
                normalisation=stages.normalisation(self.backbone.name),
                size=self.image_size,
                device=self.device,
            )
            for part in (self.pool.subset(self._used), self.test)
        ]
        self._train, self._test = (self._chain(one) for one in views)
        self._probes: dict[int, probe.Probe] = {}
        self._reached = [0.0] * (len(self.stages) + 1)  # seconds from pixels to each depth
        self._seconds["prepare"] = time.perf_counter() - self._begin

    # --- events ---------------------------------------------------------------------------------------

    def started(self) -> SweepStarted:
        """Say what is going to be measured."""
        return SweepStarted(
            config=self.config.to_json(),
            data_name=self.dataset.name,
            data_fingerprint=self.dataset.fingerprint,
            class_names=self.dataset.class_names,
            images={"train": self.images, "test": self.test_count},
            stages=self.stages,
            arms=tuple(arm.name for arm in self.arms),
            seeds=self.seeds,
            epochs=self.epochs,
            chance=float(np.bincount(self.test.labels).max() / self.test_count),
            device=str(self.device),
            precision="float32" if precision.autocast_type(self.device) is None else "bfloat16",
            probe_head=self.probe_head,
            reading=self.dataset.reading.to_json(),
            caveats=self.dataset.report.caveats,
        )

    def fill(self) -> Iterator[Event]:
        """Run every stage once on every image that is going to be used."""
        total = sum(
            len(chain[depth]) for chain in (self._train, self._test) for depth in range(1, len(chain))
        )
        done = 0
        begin = time.perf_counter()
        for depth in range(1, len(self.stages) + 1):
            for chain in (self._train, self._test):
                for count in chain[depth].fill(0):
                    yield Progress(phase="features", done=done + count, total=total)
                done += len(chain[depth])
            self._reached[depth] = time.perf_counter() - begin
        self._seconds["features"] += time.perf_counter() - begin
        yield from self._reading.news()

    def caches_ready(self) -> CachesReady:
        """Say what the one pass cost."""
        return CachesReady(
            seconds=tuple(self._reached),
            bytes=sum(one.bytes_stored for chain in (self._train, self._test) for one in chain),
        )

    def cost(self, arm: SweepArm) -> tuple[int, int]:
        """Order arms from the cheapest to the dearest: fewer trained stages first, LP-FT last."""
        return (-arm.depth, arm.strategy == "lp_ft")

    def measure(self, arm: SweepArm, seed: int) -> Generator[Event, None, ArmDone]:
        """Train ``arm`` with ``seed`` and test it; the generator's value is its `ArmDone`."""
        begin = time.perf_counter()
        run = self.config.run_of(
            arm,
            seed=seed,
            epochs=self.epochs,
            stages=len(self.stages),
            image_size=self.image_size,
            probe_head=self.probe_head,
        )
        self.backbone.load_state_dict(self._start, strict=False)
        stages.new_head(self.backbone, len(self.dataset.class_names), seed=seed)
        frozen = self.stages[: arm.depth]
        chosen = torch.from_numpy(np.searchsorted(self._used, self.chosen[seed]))
        if arm.depth == len(self.stages) or run.strategy == "lp_ft":
            self._write_probe(chosen, seed)
        if arm.depth < len(self.stages):
            features = Some(self._train[arm.depth], chosen)
            loop = Loop(
                config=run,
                backbone=self.backbone,
                optimiser=optimisers.build_optimiser(run, self.backbone),
                micro=memory.MicroBatch(size=run.batch_size, smallest=2, notes=self._notes),
                segments=[self.epochs],
            )
            for number in range(self.epochs):
                freeze(self.backbone, frozen)
                if strategies.holds_statistics(run):
                    hold_statistics(self.backbone)
                for step in loop.epoch(number, features):
                    if isinstance(step, Note):
                        yield step
                    elif isinstance(step, BatchDone):
                        yield Progress(
                            phase=arm.name,
                            done=step.step,
                            total=step.steps,
                            images_per_second=step.images_per_second,
                        )
            if run.statistics == "recomputed":
                loop.recompute_statistics(features, 0, frozen=frozen)
        freeze(self.backbone, frozen)
        scores = torch.cat(list(evaluate(self.backbone, self._test[arm.depth], micro=self._reading)))
        named = torch.isfinite(scores).all(dim=1).cpu().numpy()
        if not named.all():
            yield Note(
                message=f"Training diverged at {spoken([arm.name])} with seed {seed}: scores grew beyond all numbers, "
                f"so that {named.size - named.sum():,} of {named.size:,} test images are given no class and count as "
                "wrong."
            )
        hits = named & (scores.argmax(dim=1).cpu().numpy() == self.test.labels)  # (N_test,)
        seconds = time.perf_counter() - begin
        self._seconds["train"] += seconds
        return ArmDone(arm=arm.name, seed=seed, accuracy=float(hits.mean()), hits=pack(hits), seconds=seconds)

    def finished(self) -> SweepFinished:
        """Say what the whole took."""
        return SweepFinished(
            seconds=time.perf_counter() - self._begin,
            seconds_by_phase=dict(self._seconds),
            peak_memory_bytes=memory.peak_bytes(self.device),
        )

    def close(self) -> None:
        """Delete what was cached."""
        for features in (*self._train, *self._test):
            features.close()

    # --- pieces ---------------------------------------------------------------------------------------

    def _chain(self, views: Views) -> tuple[CachedFeatures, ...]:
        """Features before every stage, 0 … K, each computed from the one before it."""
        chain = [CachedFeatures(self.backbone, views, depth=0, micro=self._reading, cached=False)]
        for depth in range(1, len(self.stages) + 1):
            chain.append(
                CachedFeatures(
                    self.backbone,
                    views,
                    depth=depth,
                    micro=self._reading,
                    cached=True,
                    base=chain[-1] if depth > 1 else None,
                )
            )
        return tuple(chain)

    def _write_probe(self, chosen: Tensor, seed: int) -> None:
        """Fit a linear probe on the chosen images' last features, once a seed, and write it into the head."""
        if seed not in self._probes:
            rows, labels = probe.rows_of(Some(self._train[-1], chosen))
            self._probes[seed] = next(
                step
                for step in probe.fit(rows, labels, images=len(labels), seed=seed)
                if isinstance(step, probe.Probe)
            )
        assert isinstance(self.backbone.head, nn.Sequential)
        layer = self.backbone.head[-1]
        assert isinstance(layer, nn.Linear)
        probe.write(self._probes[seed], layer)


def draw(labels: Numbers, per_class: int | None, *, seed: int) -> Numbers:
    """Draw ``per_class`` images (None or too many: all) of each class: numbers (M,), sorted.

    For one seed a smaller draw is contained in a larger one.
    """
    random = np.random.default_rng(seed)
    members = [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return np.sort(np.concatenate([one[:per_class] for one in members]))


def parts(dataset: ImageDataset, seed: int) -> tuple[LabelledImages, LabelledImages]:
    """All images that may be learned from, and the test part: the source's own, or one drawn by ``seed``."""
    if dataset.test is not None:
        counts = np.bincount(dataset.train.labels, minlength=len(dataset.class_names))
        if counts.min() == 0:
            name = dataset.class_names[int(counts.argmin())]
            raise errors.DataError(f"The class {name} has no training images; add some or remove the class.")
        return dataset.train, dataset.test
    parts = split(dataset, per_class=None, seed=seed)
    both = (parts.train, parts.validation)
    pool = LabelledImages(
        images=np.concatenate([part.images for part in both]),
        labels=np.concatenate([part.labels for part in both]),
    )
    return pool, parts.test
