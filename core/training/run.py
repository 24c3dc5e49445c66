"""One run, from settings and images to a tested network: a generator of typed events.

Whoever drives `finetune` may stop between two events and go on later from the last `CheckpointReady`.
"""

import contextlib
import hashlib
import time
from collections import defaultdict
from collections.abc import Generator, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from core import errors
from core.backbones import catalogue, stages
from core.backbones.backbone import Backbone
from core.datasets.dataset import ImageDataset, LabelledImages, Splits
from core.events import CheckpointReady, Event, Note, Progress
from core.freezing import audit
from core.freezing.apply import freeze
from core.metrics import classification
from core.training import checkpoint, divergence, drift, memory, optimisers, precision, probe, strategies
from core.training.batch_norm import hold_statistics
from core.training.cache import CachedFeatures, Features, prefix_chunk
from core.training.config import FinetuneConfig
from core.training.events import EpochDone, Finished, RunStarted
from core.training.loop import Loop, evaluate
from core.training.parts import draw_parts
from core.training.steps import Scores, measure
from core.training.views import Views, views_of
from core.words import percent

# Images at once where nothing is learned: enough to keep a device busy, few enough for a CPU's cache
# (resnet18 at 224 pixels, images a second on one core: 25 with 8, 24 with 16, 23 with 32 and 64 at once).
CHUNKS = {"cpu": 16, "cuda": 256}


def finetune(
    config: FinetuneConfig,
    dataset: ImageDataset,
    *,
    splits: Splits | None = None,
    resume: dict[str, Any] | None = None,
    backbone: Backbone | None = None,
    checkpoint_every: int = 1,
) -> Generator[Event, None, None]:
    """Transfer a pretrained network to ``dataset`` as ``config`` says, and test it once.

    ``splits`` are the parts that `draw_parts` draws, from whoever needs them, too; None draws them here. ``backbone``
    (left untouched) takes the place of the network that ``config.backbone`` and ``config.weights`` name; where its
    name is in the catalogue, it gets that entry's preprocessing. Events: `RunStarted`; then
    `Progress`, `Note`, `BatchDone`, and after each epoch `EpochDone` and, every ``checkpoint_every`` epochs and
    after the last one, `CheckpointReady`; at the end `Finished`, with the epoch whose validation accuracy was
    highest (ties: lower loss). Training that diverges (`divergence`) ends the run in that epoch, of which only a
    `Note` tells: the result is that of the epochs before it. Raises the errors of `core.errors`, also where the
    first epoch diverges.

    **Stopping, resuming, extending.** ``resume`` is the ``state`` of a `CheckpointReady` of the same run. What
    follows is, on a CPU, bit for bit what an uninterrupted run would have done, because nothing random is
    carried along: order, crops and dropout are functions of the seed and the epoch or step.
    ``config.epochs`` is where the run ends, counted from its beginning:

    - the same number as before: the run goes on;
    - more than was ever planned: the run is extended. Its learning-rate schedule is a list of segments, [10]
      for a run of 10 epochs, and [10, 5] once it is extended to 15: warm-up and cosine are laid over each
      segment anew (a warm restart). It makes no difference when the extension is asked for: after epoch 3 or
      after the run has finished;
    - fewer, but no fewer than are done: the run ends there and is tested; its schedule stays as it was.

    Early stopping counts epochs since the best one or the last extension, whichever came later.
    """
    run = _Run(config, dataset, splits, backbone)
    try:
        yield run.started()
        run.remember_start()
        if resume is None:
            yield from (Note(message=sentence) for sentence in run.backbone.said)
        if resume is not None:
            run.resume(resume)
        elif run.is_probe:
            yield from run.solve_probe()
            yield run.epoch_done(run.probe_scores)
            yield run.checkpoint()
        elif run.config.strategy == "lp_ft":
            yield from run.solve_probe()
            yield Note(
                message=f"The linear probe is right on {percent(run.probe_scores[1].accuracy)} of the validation "
                "images; fine-tuning starts from it."
            )
        while run.epochs_done < run.epochs and not run.stopped_early:
            scores = yield from run.train_epoch()
            why = run.diverged(scores)
            if why is not None:
                yield run.gone_back(why)
                break
            yield run.epoch_done(scores)
            last = run.epochs_done == run.epochs or run.stopped_early
            if last or run.epochs_done % checkpoint_every == 0:
                yield run.checkpoint()
        if run.stopped_early:
            yield Note(
                message=f"Stopped early: validation accuracy has not risen for {run.config.patience} epochs."
            )
        yield from run.finish()
    finally:
        run.close()  # also when whoever drives this stops asking


class _Run:
    """The state of one run; each method is one phase of `finetune`."""

    def __init__(
        self, config: FinetuneConfig, dataset: ImageDataset, splits: Splits | None, given: Backbone | None
    ) -> None:
        self._seconds: defaultdict[str, float] = defaultdict(float)
        with self._phase("prepare"):
            self.device = precision.choose_device(config.device)
            precision.prepare(self.device)
            memory.reset_peak(self.device)
            self.dataset = dataset
            name = config.backbone if given is None else given.name
            # None: a network made by hand, which the catalogue knows nothing about.
            entry = catalogue.entry(name) if given is None else catalogue.known(name)
            self.backbone = strategies.start(config, given)
            self.in_catalogue = entry is not None
            self.names = tuple(stage.name for stage in self.backbone.table)
            self.config = config.resolved(
                stages=len(self.names),
                image_size=dataset.train.images.shape[1] if entry is None else entry.finetune_size,
            )
            assert self.config.epochs is not None
            assert self.config.image_size is not None
            assert self.config.views is not None
            if entry is not None:
                entry.check_size(self.config.image_size)
            self._normalisation = stages.normalisation(self.backbone.name)
            stages.new_head(
                self.backbone,
                len(dataset.class_names),
                kind=self.config.head,
                width=self.config.head_width,
                dropout=self.config.head_dropout,
                seed=self.config.seed,
            )
            self.backbone.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.splits = draw_parts(dataset, self.config) if splits is None else splits
            self.train = self._views(self.splits.train, count=self.config.views)
            self.validation = self._views(self.splits.validation, count=1)

        self.is_probe = strategies.is_probe(self.config, len(self.names))
        self.epochs = 1 if self.is_probe else self.config.epochs
        self.segments = [self.epochs]
        self.epochs_done = 0
        self.images_trained = 0
        self.best: dict[str, Any] = {}
        self.end: str | None = None  # what says that training diverged
        self.always_frozen = strategies.always_frozen(self.config, self.names)
        self._open: list[CachedFeatures] = []  # of training and validation images, while they are used
        self._notes: list[Note] = []
        self._reading = self._micro_batch(CHUNKS[self.device.type])  # where nothing is learned
        self._freeze()
        trains_batch_norm = any(
            isinstance(module, _BatchNorm) and module.training for module in self.backbone.modules()
        )
        if trains_batch_norm and self.config.batch_size == 1:
            raise errors.SettingsError(
                "BatchNorm cannot learn from one image at a time; choose a batch size of 2 or more."
            )

    # --- beginning ------------------------------------------------------------------------------------

    def started(self) -> RunStarted:
        trainable = sum(p.numel() for p in self.backbone.parameters() if p.requires_grad)
        return RunStarted(
            config={**self.config.to_json(), "epochs": self.epochs},
            data_name=self.dataset.name,
            data_fingerprint=self.dataset.fingerprint,
            class_names=self.dataset.class_names,
            images={
                "train": len(self.splits.train),
                "validation": len(self.splits.validation),
                "test": len(self.splits.test),
            },
            stages=self.names,
            frozen_stages=self._frozen(),
            trainable_parameters=trainable,
            total_parameters=sum(p.numel() for p in self.backbone.parameters()),
            device=str(self.device),
            precision="float32" if precision.autocast_type(self.device) is None else "bfloat16",
            reading=self.dataset.reading.to_json(),
        )

    def remember_start(self) -> None:
        """Keep what the audit compares with, and what L2-SP pulls towards, before anything is trained."""
        with self._phase("audit"):
            self.before = audit.snapshot(self.backbone)
            text = "".join(one.fingerprint.combined for one in self.before)
            self.start_hash = hashlib.sha256(text.encode()).hexdigest()
            # Features can differ from the first stage on that is trained or whose statistics drift.
            moving = [
                place
                for place, name in enumerate(self.names)
                if name not in self.always_frozen or self.config.batch_norm == "learning"
            ]
            self.first_moving = moving[0] if moving else len(self.names)
            self.features_before = drift.pooled_features(
                self.backbone, self.validation, first=self.first_moving, micro=self._reading
            )
        self.loop = Loop(
            config=self.config,
            backbone=self.backbone,
            optimiser=optimisers.build_optimiser(self.config, self.backbone),
            micro=self._micro_batch(self.config.batch_size, smallest=min(2, self.config.batch_size)),
            segments=self.segments,
        )

    def resume(self, state: dict[str, Any]) -> None:
        checkpoint.check(
            state,
            config=self.config,
            epochs=self.epochs,
            data=self.dataset.fingerprint,
            start=self.start_hash,
        )
        self.segments[:] = state["segments"]
        planned = sum(self.segments)
        if self.epochs > planned:
            self.segments.append(self.epochs - planned)
        self.epochs_done = state["epoch"]
        self.images_trained = state["images_trained"]
        self.best = state["best"]
        self.loop.micro.size = min(self.loop.micro.size, state["micro_batch"])
        self.backbone.load_state_dict(state["weights"], strict=False)
        self.loop.optimiser.load_state_dict(state["optimiser"])
        for phase, seconds in state["seconds"].items():
            self._seconds[phase] += seconds

    # --- linear probe ---------------------------------------------------------------------------------

    def solve_probe(self) -> Iterator[Event]:
        """Fit the head to the features of all views, and write the solution into it."""
        depth = len(self.names)
        views = self.train if self.train.count else self._views(self.splits.train, count=1)
        train, validation = self._use(views, self.validation, depth=depth, micro=self._reading, cached=True)
        self.backbone.eval()
        for view in range(views.count):
            yield from self._fill(train, view)
        yield from self._fill(validation, 0)
        rows, labels = probe.rows_of(train)
        with self._phase("probe"):
            for step in probe.fit(rows, labels, images=len(train), seed=self.config.seed):
                if isinstance(step, probe.Probe):
                    solution = step
                else:
                    yield Progress(phase="probe", done=step[0], total=step[1])
            assert isinstance(self.backbone.head, nn.Sequential)
            layer = self.backbone.head[-1]
            assert isinstance(layer, nn.Linear)
            probe.write(solution, layer)
            if not solution.converged:
                yield Note(
                    message="The linear probe did not converge fully; its accuracy may be a little low."
                )
            self.probe_scores = (self._evaluated(train), self._evaluated(validation))
        self.images_trained += len(rows)
        self.close()
        if self.is_probe:
            self.epochs_done = 1

    # --- epochs ---------------------------------------------------------------------------------------

    def train_epoch(self) -> Generator[Event, None, tuple[Scores, Scores]]:
        """Train one epoch; return its scores on training images (while learning) and on validation images."""
        self._freeze()
        train, validation = self._features_for_epoch()
        view = train.views.of_epoch(self.epochs_done)
        yield from self._fill(train, view)
        with self._phase("train"):
            for step in self.loop.epoch(self.epochs_done, train):
                if isinstance(step, Scores):
                    learned = step
                else:
                    yield step
            if self.config.statistics == "recomputed":
                self.loop.recompute_statistics(train, view, frozen=self._frozen())
        yield from self._fill(validation, 0)
        with self._phase("validate"):
            scores = self._evaluated(validation)
        yield from self._reading.news()
        self.epochs_done += 1
        self.images_trained += len(train)
        return learned, scores

    def diverged(self, scores: tuple[Scores, Scores]) -> str | None:
        """Say what in this epoch's ``scores`` shows that training diverged; None where nothing does."""
        return divergence.shown(
            *scores,
            train=self.splits.train.labels,
            validation=self.splits.validation.labels,
            classes=len(self.dataset.class_names),
        )

    def gone_back(self, why: str) -> Note:
        """Take the last epoch back, in which training diverged; `RunError` where no epoch before it is left."""
        advice = f"choose a smaller learning rate than {self.config.learning_rate:g}"
        if not self.best:
            raise errors.RunError(f"Training diverged in its first epoch: {why}; {advice}.")
        diverged, self.epochs_done = self.epochs_done, self.epochs_done - 1
        self.end = (
            f"Training diverged in epoch {diverged}: {why}. The run ends here, with epoch {self.best['epoch']}, the "
            f"best before; {advice}."
        )
        return Note(message=self.end)

    def epoch_done(self, scores: tuple[Scores, Scores]) -> EpochDone:
        """Note whether this epoch is the best so far, and say how it went."""
        learned, checked = scores
        best = self.best
        if not best or (checked.accuracy, -checked.loss) > (best["accuracy"], -best["loss"]):
            self.best = {
                "epoch": self.epochs_done,
                "accuracy": checked.accuracy,
                "loss": checked.loss,
                "weights": checkpoint.trained_state(self.backbone, self.always_frozen),
            }
        return EpochDone(
            epoch=self.epochs_done,
            epochs=self.epochs,
            train_loss=learned.loss,
            train_accuracy=learned.accuracy,
            validation_loss=checked.loss,
            validation_accuracy=checked.accuracy,
            frozen_depth=strategies.frozen_depth(self._frozen(self.epochs_done - 1), self.names),
            seconds=sum(self._seconds.values()),
        )

    def checkpoint(self) -> CheckpointReady:
        best_is_now = self.best["epoch"] == self.epochs_done
        return CheckpointReady(
            epoch=self.epochs_done,
            state={
                "format": checkpoint.FORMAT,
                "config": self.config.to_json(),
                "data": self.dataset.fingerprint,
                "start": self.start_hash,
                "epoch": self.epochs_done,
                "segments": list(self.segments),
                "images_trained": self.images_trained,
                "micro_batch": self.loop.micro.size,
                "weights": self.best["weights"]
                if best_is_now
                else checkpoint.trained_state(self.backbone, self.always_frozen),
                "optimiser": checkpoint.optimiser_state(self.loop.optimiser),
                "best": dict(self.best),
                "seconds": dict(self._seconds),
            },
        )

    @property
    def stopped_early(self) -> bool:
        if self.config.patience is None or not self.best or self.is_probe:
            return False
        since = max(int(self.best["epoch"]), sum(self.segments[:-1]))
        return self.epochs_done - since >= self.config.patience

    # --- end ------------------------------------------------------------------------------------------

    def finish(self) -> Iterator[Event]:
        """Take the best epoch's weights, audit them, and touch the test set, once."""
        self.backbone.load_state_dict(self.best["weights"], strict=False)
        self.backbone.eval()
        self.close()
        with self._phase("audit"):
            after = drift.pooled_features(
                self.backbone, self.validation, first=self.first_moving, micro=self._reading
            )
            rows = audit.audit(
                self.before,
                audit.snapshot(self.backbone, copy=False),
                frozen=self.always_frozen,
                cka=drift.cka(self.backbone, self.features_before, after),
            )
        pictures = self._views(self.splits.test, count=1)
        test = Features(self.backbone, pictures, depth=0, size=self._reading.size)
        parts: list[Tensor] = []
        with self._phase("evaluate"):
            done, begin = 0, time.perf_counter()
            for scores in evaluate(self.backbone, test, micro=self._reading):
                parts.append(scores.softmax(dim=1).cpu())
                done += len(scores)
                yield Progress(
                    phase="evaluate",
                    done=done,
                    total=len(test),
                    images_per_second=done / (time.perf_counter() - begin),
                )
            probabilities = torch.cat(parts).numpy()
            report = classification.report(
                probabilities,
                self.splits.test.labels,
                self.dataset.class_names,
                caveats=self.dataset.report.caveats,
            )
        yield from self._reading.news()
        learning = sum(self._seconds.get(phase, 0.0) for phase in ("features", "probe", "train"))
        yield Finished(
            test=report,
            best_epoch=self.best["epoch"],
            epochs_done=self.epochs_done,
            validation_accuracy=self.best["accuracy"],
            stopped_early=self.stopped_early,
            diverged=self.end,
            audit=rows,
            seconds=sum(self._seconds.values()),
            seconds_by_phase=dict(self._seconds),
            images_per_second=self.images_trained / learning,
            peak_memory_bytes=memory.peak_bytes(self.device),
            scores=probabilities,
            labels=self.splits.test.labels,
            test_images=self.splits.test.images,
            test_files=self.splits.test.files,
            weights=self._weights(),
        )

    def close(self) -> None:
        """Delete what was cached."""
        for features in self._open:
            features.close()
        self._open.clear()

    # --- pieces ---------------------------------------------------------------------------------------

    def _micro_batch(self, size: int, *, smallest: int = 1) -> memory.MicroBatch:
        return memory.MicroBatch(size=size, smallest=smallest, notes=self._notes)

    @contextlib.contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] += time.perf_counter() - begin

    def _views(self, part: LabelledImages, *, count: int) -> Views:
        assert self.config.image_size is not None
        return views_of(
            part,
            normalisation=self._normalisation,
            size=self.config.image_size,
            count=count,
            seed=self.config.seed,
            device=self.device,
        )

    def _frozen(self, epoch: int | None = None) -> tuple[str, ...]:
        return strategies.frozen_in_epoch(
            self.config,
            epoch=self.epochs_done if epoch is None else epoch,
            names=self.names,
            first_segment=self.segments[0],
        )

    def _freeze(self) -> None:
        freeze(self.backbone, self._frozen(), batch_norm=self.config.batch_norm)
        if strategies.holds_statistics(self.config):
            hold_statistics(self.backbone)

    def _features_for_epoch(self) -> list[CachedFeatures]:
        """Features at the depth that is frozen now; kept from epoch to epoch while the depth stays."""
        depth = strategies.cacheable_depth(self.config, self._frozen(), self.names)
        if not self._open or self._open[0].depth != depth:
            micro = self._micro_batch(prefix_chunk(self.config, self.device, self._reading.size))
            self._use(self.train, self.validation, depth=depth, micro=micro, cached=self.config.cache)
        return self._open

    def _use(
        self, train: Views, validation: Views, *, depth: int, micro: memory.MicroBatch, cached: bool
    ) -> tuple[CachedFeatures, CachedFeatures]:
        """Open features at ``depth`` in place of those used so far, whose memory comes free first."""
        self.close()
        used = (
            CachedFeatures(self.backbone, train, depth=depth, micro=micro, cached=cached),
            CachedFeatures(self.backbone, validation, depth=depth, micro=self._reading, cached=cached),
        )
        self._open.extend(used)
        return used

    def _fill(self, features: CachedFeatures, view: int) -> Iterator[Event]:
        if not features.lacks(view):
            return
        with self._phase("features"):
            begin = time.perf_counter()
            for done in features.fill(view):
                yield Progress(
                    phase="features",
                    done=done,
                    total=len(features),
                    images_per_second=done / (time.perf_counter() - begin),
                )
        yield from self._reading.news()

    def _evaluated(self, features: Features) -> Scores:
        scores = torch.cat(list(evaluate(self.backbone, features, micro=self._reading)))
        return measure(scores, features.labels)

    def _weights(self) -> dict[str, Tensor]:
        """All weights on the CPU, under the original network's names where the catalogue knows it."""
        if self.in_catalogue:
            return stages.to_state(self.backbone)
        return {
            name: value.detach().to("cpu", copy=True).contiguous()
            for name, value in self.backbone.state_dict().items()
        }
