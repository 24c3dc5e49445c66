"""The command line: list what there is, and run one fine-tuning, for teachers and for scripts.

Bad input is one sentence on standard error and exit status 2. With ``--json``, standard output carries one
JSON object a line and nothing else.
"""

import argparse
import contextlib
import dataclasses
import json
import sys
import time
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from core import errors
from core.backbones import catalogue as backbones
from core.datasets import catalogue as datasets
from core.jobs import artefacts
from core.jobs.timeline import Timeline
from core.training.config import STRATEGIES, FinetuneConfig
from core.training.events import BatchDone, EpochDone, Event, Finished, Note, Progress, RunStarted

BAD_INPUT = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells say it

# Settings whose option is not simply their name.
_OPTIONS = {"freeze_depth": "--freeze", "learning_rate": "--lr", "cache": "--no-cache"}
_BAR_WIDTH = 24  # characters
_REDRAW_SECONDS = 0.1


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        sentence = message[0].upper() + message[1:]
        raise errors.SettingsError(f"{sentence}; see {self.prog} --help.")


def main(arguments: Sequence[str]) -> int:
    """Do what ``arguments`` say; returns the exit status."""
    try:
        chosen = _parser().parse_args(arguments)
        run: Callable[[argparse.Namespace], None] = chosen.run
        run(chosen)
    except errors.LabError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe had enough, as ``head`` has
        sys.stderr.close()
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m core", description="The Transfer Learning Lab without a browser.")
    commands = parser.add_subparsers(required=True, metavar="backbones|datasets|finetune")
    for name, command, what in (
        ("backbones", _list_backbones, "list the pretrained networks"),
        ("datasets", _list_datasets, "list the data sets"),
    ):
        listing = commands.add_parser(name, help=what, description=what)
        listing.add_argument("--json", action="store_true", help="one JSON list with every figure")
        listing.set_defaults(run=command)
    finetune = commands.add_parser(
        "finetune", help="transfer a network to a data set", description="Transfer a network to a data set."
    )
    finetune.add_argument(
        "--data", required=True, help="a data set's name, a ZIP of class folders, or a folder"
    )
    finetune.add_argument(
        "--out", type=Path, metavar="DIR", help="write weights, run, images and script here"
    )
    finetune.add_argument("--json", action="store_true", help="one JSON object per event")
    _add_settings(finetune)
    finetune.set_defaults(run=_finetune)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """Make an option of every field of `FinetuneConfig`, with its own help text."""
    hints = typing.get_type_hints(FinetuneConfig)
    for field in dataclasses.fields(FinetuneConfig):
        option = _OPTIONS.get(field.name, "--" + field.name.replace("_", "-"))
        help_text = str(field.metadata["help"]).replace("%", "%%")
        if hints[field.name] is bool:
            parser.add_argument(option, dest=field.name, action="store_false", help=f"Do not: {help_text}")
            continue
        parser.add_argument(
            option,
            dest=field.name,
            type=_number_or_text(hints[field.name]),
            default=field.default,
            help=help_text + ("" if field.default is None else f" Default: {field.default}."),
            metavar=field.name.split("_")[-1].upper(),
        )


def _number_or_text(hint: Any) -> type:
    """Read int from ``int | None``, float from ``float``, and str from a choice of words."""
    members = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return next((kind for kind in (int, float) if kind in members), str)


def _list_backbones(chosen: argparse.Namespace) -> None:
    if chosen.json:
        print(_json([dataclasses.asdict(entry) for entry in backbones.BACKBONES.values()]))
        return
    print(f"{'name':<20} {'parameters':>11} {'GMACs':>6} {'pixels':>6} {'top-1':>7}  stages")
    for entry in backbones.BACKBONES.values():
        accuracy = "" if entry.accuracy is None else f"{100 * entry.accuracy:.1f} %"
        print(
            f"{entry.name:<20} {entry.parameters / 1e6:>9.2f} M {entry.multiply_adds / 1e9:>6.2f}"
            f" {entry.image_size:>6} {accuracy:>7}  {' '.join(stage.name for stage in entry.stages)}"
        )


def _list_datasets(chosen: argparse.Namespace) -> None:
    if chosen.json:
        print(_json([dataclasses.asdict(entry) for entry in datasets.DATASETS.values()]))
        return
    print(f"{'name':<18} {'classes':>7} {'images':>7} {'download':>10}  what")
    for entry in datasets.DATASETS.values():
        size = f"{entry.download_bytes / 1e6:,.0f} MB" if entry.download_bytes else "built in"
        print(f"{entry.name:<18} {entry.classes:>7} {entry.images:>7,} {size:>10}  {entry.title}")


def _finetune(chosen: argparse.Namespace) -> None:
    names = [field.name for field in dataclasses.fields(FinetuneConfig)]
    config = FinetuneConfig(**{name: getattr(chosen, name) for name in names})
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

    from core.datasets.open import open_dataset
    from core.jobs import engine, export, recorder

    def tell(phase: str) -> Callable[[int, int], None]:
        return lambda done, total: show.event(Progress(phase=phase, done=done, total=total))

    dataset = open_dataset(chosen.data, side=engine.image_side(config), progress=tell("data"))
    for name, why in dataset.report.skipped:
        show.event(Note(message=f"Left out: {name}. {why}"))
    engine.fetch_weights(config, tell("weights"))
    timeline = Timeline()
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


def _json(values: Any) -> str:
    return json.dumps(artefacts.finite(values), ensure_ascii=False, allow_nan=False)


class _Json:
    """One object a line."""

    def event(self, event: Event) -> None:
        print(_json(event.to_json()), flush=True)

    def finished(self, event: Finished, files: dict[str, str]) -> None:
        print(_json({**event.to_json(), "files": files}), flush=True)


class _Terminal:
    """A bar on standard error that overwrites itself where that is a terminal; lines and a summary elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._next = 0.0
        self._epoch = ""

    def event(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._started(event)
        elif isinstance(event, Note):
            self._line(event.message)
        elif isinstance(event, EpochDone):
            self._epoch = (
                f"epoch {event.epoch} of {event.epochs}: loss {event.train_loss:.3f}, right on"
                f" {event.train_accuracy:.1%} of training and {event.validation_accuracy:.1%} of validation images"
            )
            self._line(self._epoch)
        elif isinstance(event, Progress):
            self._bar(event.phase, event.done, event.total, event.images_per_second)
        elif isinstance(event, BatchDone):
            self._bar("training", event.step, event.steps, event.images_per_second)

    def finished(self, event: Finished, files: dict[str, str]) -> None:
        self._clear()
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
        self._line(
            f"{STRATEGIES[config['strategy']].title}: {config['backbone']} on {event.data_name},"
            f" {event.images['train']} training, {event.images['validation']} validation and"
            f" {event.images['test']} test images of {len(event.class_names)} classes"
        )
        frozen = ", ".join(event.frozen_stages) or "nothing"
        self._line(
            f"frozen: {frozen}; {event.trainable_parameters:,} of {event.total_parameters:,} parameters learn,"
            f" on {event.device} in {event.precision}"
        )

    def _bar(self, what: str, done: int, total: int, pace: float | None) -> None:
        if not self._live or (time.monotonic() < self._next and done < total):
            return
        self._next = time.monotonic() + _REDRAW_SECONDS
        filled = round(_BAR_WIDTH * min(1.0, done / max(1, total)))
        speed = f"  {pace:,.0f} images/s" if pace else ""
        text = f"{what:<9} [{'#' * filled}{'.' * (_BAR_WIDTH - filled)}] {done:,} of {total:,}{speed}"
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    def _line(self, text: str) -> None:
        self._clear()
        print(text, file=sys.stderr, flush=True)

    def _clear(self) -> None:
        if self._live:
            with contextlib.suppress(OSError):
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _megabytes(event: Finished) -> str:
    return f"{event.peak_memory_bytes / 1e6:,.0f} MB"
