"""``python -m core finetune``: one fine-tuning, its events or a summary, and its files."""

import argparse
from collections.abc import Callable
from pathlib import Path

from core import errors
from core.backbones import catalogue as backbones
from core.commands.options import add_data, add_settings, chosen_settings, json_line, notices
from core.commands.terminal import Terminal
from core.jobs import artefacts
from core.jobs.timeline import Timeline
from core.training.config import STRATEGIES, FinetuneConfig
from core.training.events import BatchDone, EpochDone, Event, Finished, Note, Progress, RunStarted


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_data(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="write weights, run, images and script here")
    add_settings(parser, FinetuneConfig)


def run(chosen: argparse.Namespace) -> None:
    """Transfer a network to a data set, and write what was asked for."""
    config = FinetuneConfig(**chosen_settings(chosen, FinetuneConfig))
    if config.freeze_depth is not None and config.strategy not in ("freeze_to_depth", "lp_ft"):
        raise errors.SettingsError(
            f"--freeze goes with --strategy freeze_to_depth or lp_ft; {config.strategy} decides for itself what is "
            "frozen."
        )
    entry = backbones.entry(config.backbone)
    config.resolved(stages=len(entry.stages), image_size=entry.image_size)
    if chosen.out is not None:
        _make_folder(chosen.out)
    show: _Json | _Terminal = _Json() if chosen.json else _Terminal()

    from core.datasets import noticed
    from core.datasets.open import open_dataset
    from core.jobs import engine, export, recorder

    def tell(phase: str) -> Callable[[int, int], None]:
        return lambda done, total: show.event(Progress(phase=phase, done=done, total=total))

    dataset = open_dataset(chosen.data, side=engine.image_side(config), fit=chosen.fit, progress=tell("data"))
    timeline = Timeline()
    for note in notices(dataset):
        show.event(note)
    timeline.absorb(Note(message=one).to_json() for one in noticed.sentences(dataset.report, dataset.reading))
    engine.fetch_weights(config, tell("weights"))
    started: RunStarted | None = None
    for event in engine.events(config, dataset, None):
        if isinstance(event, RunStarted):
            started = event
        if isinstance(event, RunStarted | EpochDone | Note):
            timeline.absorb([artefacts.finite(event.to_json())])
        if not isinstance(event, Finished):
            show.event(event)
            continue
        assert started is not None
        title = engine.job_title(config, dataset.title)
        files: dict[str, str] = {}
        if chosen.out is not None:
            recorder.write_weights(chosen.out / artefacts.WEIGHTS, started, event)
            result = recorder.build_result(title, started, timeline, event)
            written = [artefacts.WEIGHTS]
            for name, content in export.companions(result, engine.parts(dataset, config)):
                (chosen.out / name).write_bytes(content)
                written.append(name)
            files = {Path(name).stem: str(chosen.out / name) for name in written}
        show.finished(event, files)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.SettingsError(f"--out {path} cannot be made: {error.strerror}.") from error


class _Json:
    """One object a line."""

    def event(self, event: Event) -> None:
        print(json_line(event.to_json()), flush=True)

    def finished(self, event: Finished, files: dict[str, str]) -> None:
        print(json_line({**event.to_json(), "files": files}), flush=True)


class _Terminal(Terminal):
    """Epochs as lines, and a summary."""

    def __init__(self) -> None:
        super().__init__()
        self._epoch = ""

    def event(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._started(event)
        elif isinstance(event, Note):
            self.line(event.message)
        elif isinstance(event, EpochDone):
            self._epoch = (
                f"epoch {event.epoch} of {event.epochs}: loss {event.train_loss:.3f}, right on"
                f" {event.train_accuracy:.1%} of training and {event.validation_accuracy:.1%} of validation images"
            )
            self.line(self._epoch)
        elif isinstance(event, Progress):
            self.bar(event.phase, event.done, event.total, event.images_per_second)
        elif isinstance(event, BatchDone):
            self.bar("training", event.step, event.steps, event.images_per_second)

    def finished(self, event: Finished, files: dict[str, str]) -> None:
        self.clear()
        accuracy, report = event.test.accuracy, event.test
        print(
            f"test accuracy   {accuracy.value:.1%} (95 % interval {accuracy.low:.1%} to {accuracy.high:.1%},"
            f" {report.count} images; always naming the most frequent class: {report.chance:.1%})"
        )
        print(f"best epoch      {event.best_epoch} of {event.epochs_done}")
        phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in event.seconds_by_phase.items())
        print(f"seconds         {event.seconds:.1f} ({phases})")
        print(
            f"pace            {event.images_per_second:,.0f} images/s; {_megabytes(event)} of memory at most"
        )
        print(f"{'stage':<16}{'':<10}weights moved  bit-identical")
        for row in event.audit:
            state = "frozen" if row.frozen else "trained"
            same = "yes" if row.parameters_identical and row.buffers_identical else "no"
            print(f"{row.stage:<16}{state:<10}{row.relative_change:>12.2%}  {same}")
        for path in files.values():
            print(f"wrote           {path}")

    def _started(self, event: RunStarted) -> None:
        config = event.config
        self.line(
            f"{STRATEGIES[config['strategy']].title}: {config['backbone']} on {event.data_name},"
            f" {event.images['train']} training, {event.images['validation']} validation and"
            f" {event.images['test']} test images of {len(event.class_names)} classes"
        )
        frozen = ", ".join(event.frozen_stages) or "nothing"
        self.line(
            f"frozen: {frozen}; {event.trainable_parameters:,} of {event.total_parameters:,} parameters learn,"
            f" on {event.device} in {event.precision}"
        )


def _megabytes(event: Finished) -> str:
    return f"{event.peak_memory_bytes / 1e6:,.0f} MB"
