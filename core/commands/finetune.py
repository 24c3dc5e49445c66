"""``python -m core finetune``: one fine-tuning, its events or a summary, and its files."""

import argparse
import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from core import errors
from core.backbones import catalogue as backbones
from core.commands import folder, interrupts
from core.commands.data_read import DataRead, data_read
from core.commands.options import add_data, add_settings, chosen_settings, json_line, path
from core.commands.terminal import Terminal
from core.events import Event, Note, Progress
from core.runs.files import artefacts
from core.runs.kinds.finetuning_timeline import Timeline
from core.training.config import STRATEGIES, FinetuneConfig
from core.training.events import BatchDone, EpochDone, Finished, RunStarted
from core.words import megabytes, percent

_BYTES_PER_WEIGHT = 4  # float32


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_data(parser)
    parser.add_argument(
        "--out",
        type=path,
        metavar="DIR",
        help="write weights, run, images and script into this new or empty folder",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run's files in --out")
    add_settings(parser, FinetuneConfig)


def run(chosen: argparse.Namespace) -> None:
    """Transfer a network to a data set, and write what was asked for."""
    config = chosen_settings(chosen, FinetuneConfig)
    if config.freeze_depth is not None and config.strategy not in ("freeze_to_depth", "lp_ft"):
        raise errors.SettingsError(
            f"--freeze goes with --strategy freeze_to_depth or lp_ft; {config.strategy} decides for itself what is "
            "frozen."
        )
    entry = backbones.entry(config.backbone)
    config.resolved(stages=len(entry.stages), image_size=entry.finetune_size)
    out: Path | None = chosen.out
    with contextlib.ExitStack() as stack:
        if out is not None:
            needed = entry.parameters * _BYTES_PER_WEIGHT
            stack.enter_context(folder.ready(out, overwrite=chosen.overwrite, needed=needed))
        _train(config, chosen.data, chosen.fit, out, _FinetuneJson() if chosen.json else _FinetuneTerminal())


def _train(
    config: FinetuneConfig, data: str, fit: str, out: Path | None, show: "_FinetuneJson | _FinetuneTerminal"
) -> None:
    """Fine-tune, say how it goes, and keep the result."""
    with interrupts.at_once():
        from core.datasets import noticed
        from core.datasets.open import open_dataset
        from core.runs.export import archive as export
        from core.runs.kinds import pretrained
        from core.runs.kinds.finetuning import Finetuning
        from core.runs.kinds.finetuning_result import RunResult
        from core.runs.kinds.kind import Work
        from core.training import precision
        from core.training.parts import draw_parts

    def tell(phase: str) -> Callable[[int, int], None]:
        return lambda done, total: show.event(Progress(phase=phase, done=done, total=total))

    precision.choose_device(config.device)  # rather than after all pictures are read
    dataset = open_dataset(data, side=pretrained.image_side(config), fit=fit, progress=tell("data"))
    timeline = Timeline()
    for said in data_read(dataset):
        show.event(said)
    for sentence in noticed.sentences(dataset.report, dataset.reading):
        timeline.take(Note(message=sentence))
    pretrained.fetch(config, tell("weights"))
    kind = Finetuning()
    splits = draw_parts(dataset, config)
    for event in kind.events(Work(config=config, dataset=dataset, splits=splits)):
        if not isinstance(event, BatchDone):
            timeline.take(event)
        if not isinstance(event, Finished):
            show.event(event)
            continue
        files: dict[str, str] = {}
        problem: str | None = f"{out} is not complete: the run was stopped while it was being written."
        try:
            if out is not None:
                result = RunResult.of(kind.title(config, dataset.title), timeline)
                for name in _written(out, timeline, event, export.companions(result, splits)):
                    files[Path(name).stem] = str(out / name)
            problem = None
        except (OSError, errors.LabError) as error:
            why = getattr(error, "strerror", None) or str(error).rstrip(".")
            problem = f"The result could not be written to {out}: {why}."
        finally:  # whatever happens to the files, what was measured is said
            show.finished(event, files, problem)
        if problem is not None:
            raise errors.UnwrittenError(problem)


def _written(
    out: Path, timeline: Timeline, finished: Finished, companions: Iterable[tuple[str, bytes]]
) -> Iterator[str]:
    """Write the weights into the folder ``out``, then ``companions``, (name, content) each; yields the names."""
    from core.runs.kinds.finetuning_files import write_weights

    assert timeline.started is not None
    write_weights(out / artefacts.WEIGHTS, timeline.started, finished, private=False)
    yield artefacts.WEIGHTS
    for name, content in companions:
        artefacts.write_bytes(out / name, content, private=False)
        yield name


class _FinetuneJson:
    """One object a line."""

    def event(self, event: Event) -> None:
        print(json_line(event.to_json()), flush=True)

    def finished(self, event: Finished, files: dict[str, str], problem: str | None) -> None:
        print(json_line({**event.to_json(), "files": files, "not_written": problem}), flush=True)


class _FinetuneTerminal(Terminal):
    """Epochs as lines, and a summary."""

    def __init__(self) -> None:
        super().__init__()
        self._epoch = ""
        self._data = ""  # said once the network is there: what is wrong until then is one sentence

    def event(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._started(event)
        elif isinstance(event, Note):
            self.line(event.message)
        elif isinstance(event, DataRead):
            self._data = event.text()
        elif isinstance(event, EpochDone):
            self._epoch = (
                f"epoch {event.epoch} of {event.epochs}: loss {event.train_loss:.3f}, right on"
                f" {percent(event.train_accuracy)} of training and {percent(event.validation_accuracy)} of validation"
                " images"
            )
            self.line(self._epoch)
        elif isinstance(event, Progress):
            self.bar(event.phase, event.done, event.total, event.images_per_second)
        elif isinstance(event, BatchDone):
            self.bar("training", event.step, event.steps, event.images_per_second)

    def finished(self, event: Finished, files: dict[str, str], problem: str | None) -> None:
        del problem  # it is said last, on standard error
        self.clear()
        accuracy, report = event.test.accuracy, event.test
        print(
            f"test accuracy   {percent(accuracy.value)} (95 % interval {percent(accuracy.low)} to"
            f" {percent(accuracy.high)}, {report.count} images; always naming the most frequent class:"
            f" {percent(report.chance)})"
        )
        if event.diverged is not None:
            print(f"diverged        {event.diverged}")
        for caveat in report.caveats:
            print(f"                {caveat}")
        print(f"best epoch      {event.best_epoch} of {event.epochs_done}")
        phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in event.seconds_by_phase.items())
        print(f"seconds         {event.seconds:.1f} ({phases})")
        print(
            f"pace            {event.images_per_second:,.0f} images/s; {megabytes(event.peak_memory_bytes)} of memory"
            " at most"
        )
        print(f"{'stage':<16}{'':<10}weights moved  bit-identical")
        for row in event.audit:
            state = "frozen" if row.frozen else "trained"
            same = "yes" if row.parameters_identical and row.buffers_identical else "no"
            print(f"{row.stage:<16}{state:<10}{percent(row.relative_change, 2):>12}  {same}")
        for file in files.values():
            print(f"wrote           {file}")

    def _started(self, event: RunStarted) -> None:
        config = event.config
        self.line(self._data)
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
