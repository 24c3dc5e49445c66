"""``python -m core sweep``: every freeze depth of a network on a data set, measured."""

import argparse
import dataclasses
from collections.abc import Callable
from typing import Any

from core.commands import interrupts
from core.commands.data_read import DataRead, data_read
from core.commands.options import add_data, add_settings, chosen_settings, json_line
from core.commands.terminal import Terminal
from core.events import Event, Note, Progress
from core.training.sweep_config import SweepArm, SweepConfig
from core.training.sweep_events import ArmDone, ArmDropped, CachesReady, SweepFinished, SweepStarted
from core.training.sweep_log import SweepLog
from core.training.sweep_report import ArmReport, SweepReport, report, spoken
from core.words import megabytes, percent, seconds


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_data(parser)
    add_settings(parser, SweepConfig)


def run(chosen: argparse.Namespace) -> None:
    """Measure all depths; the last JSON object, or the table, says what was found."""
    config = chosen_settings(chosen, SweepConfig)
    show: _SweepJson | _SweepTerminal = _SweepJson() if chosen.json else _SweepTerminal()

    with interrupts.at_once():
        from core.datasets.open import open_dataset
        from core.runs.kinds import pretrained
        from core.training import precision, sweep

    def tell(phase: str) -> Callable[[int, int], None]:
        return lambda done, total: show.event(Progress(phase=phase, done=done, total=total))

    precision.choose_device(config.device)  # rather than after all pictures are read
    dataset = open_dataset(
        chosen.data, side=pretrained.image_side(config), fit=chosen.fit, progress=tell("data")
    )
    for said in data_read(dataset):
        show.event(said)
    pretrained.fetch(config, tell("weights"))
    log = SweepLog()
    for event in sweep.sweep(config, dataset):
        log.absorb(event)
        if isinstance(event, SweepFinished):
            show.finished(event, report(log))
        else:
            show.event(event)


def outcome(event: SweepFinished, table: SweepReport) -> dict[str, Any]:
    """Gather the last JSON object: accuracy and seconds of every depth, the best, what may be the best, the verdict."""
    best = table.of(str(table.best))
    cheapest = table.of(str(table.cheapest))
    assert best is not None
    assert cheapest is not None
    return {
        **event.to_json(),
        "data": table.data_name,
        "stages": table.stages,
        "images": table.images,
        "epochs": table.epochs,
        "seeds": table.counted,
        "chance": table.chance,
        "caveats": table.caveats,
        "depths": [dataclasses.asdict(arm) for arm in table.arms],
        "accuracy": {arm.arm: dataclasses.asdict(arm.accuracy) for arm in table.arms},
        "seconds_per_depth": {arm.arm: arm.seconds for arm in table.arms},
        "seconds_alone": {arm.arm: arm.seconds_alone for arm in table.arms},
        "best": best.arm,
        "best_depth": best.depth,
        "indistinguishable": table.as_good,
        "cheapest": cheapest.arm,
        "cheapest_depth": cheapest.depth,
        "verdict": table.verdict,
        "method": table.method,
    }


class _SweepJson:
    """One object a line."""

    def event(self, event: Event) -> None:
        print(json_line(event.to_json()), flush=True)

    def finished(self, event: SweepFinished, table: SweepReport) -> None:
        print(json_line(outcome(event, table)), flush=True)


class _SweepTerminal(Terminal):
    """A line an arm, and a table."""

    def __init__(self) -> None:
        super().__init__()
        self._seeds = 1
        self._data = ""  # said once the network is there: what is wrong until then is one sentence

    def event(self, event: Event) -> None:
        if isinstance(event, SweepStarted):
            self._seeds = len(event.seeds)
            self.line(self._data)
            self.line(
                f"{event.config['backbone']} on {event.data_name}: {len(event.arms)} arms, {self._seeds} seeds,"
                f" {event.epochs} epochs, {event.images['train']} training and {event.images['test']} test images of"
                f" {len(event.class_names)} classes, on {event.device} in {event.precision}"
            )
        elif isinstance(event, Note):
            self.line(event.message)
        elif isinstance(event, DataRead):
            self._data = event.text()
        elif isinstance(event, CachesReady):
            self.line(f"one pass through the network took {seconds(event.seconds[-1], 1)}")
        elif isinstance(event, ArmDone):
            self.line(
                f"seed {event.seed}, {spoken([event.arm])}: {percent(event.accuracy)} in {seconds(event.seconds, 1)}"
            )
        elif isinstance(event, ArmDropped):
            self.line(f"{spoken([event.arm])} has clearly lost to {spoken([event.behind])}; no further seeds")
        elif isinstance(event, Progress):
            self.bar(event.phase, event.done, event.total, event.images_per_second)

    def finished(self, event: SweepFinished, table: SweepReport) -> None:
        self.clear()
        print(f"{'frozen':<22}{'accuracy':>9}  {'95 % interval':<18}{'behind':>7}{'seconds':>9}{'alone':>8}")
        for arm in table.arms:
            interval = f"{percent(arm.accuracy.low)} to {percent(arm.accuracy.high)}"
            alone = "" if arm.seconds_alone is None else f"{arm.seconds_alone:.1f}"
            mark = "*" if arm.as_good else " "
            print(
                f"{_frozen(arm, table):<22}{percent(arm.accuracy.value):>9}{mark} {interval:<18}"
                f"{100 * arm.regret.value:>7.1f}{arm.seconds:>9.1f}{alone:>8}"
            )
        print("* may be the best")
        for caveat in table.caveats:
            print(caveat)
        print(table.verdict)
        print(table.method)
        print(f"{event.seconds:.1f} seconds in all; {megabytes(event.peak_memory_bytes)} of memory at most")


def _frozen(arm: ArmReport, table: SweepReport) -> str:
    if SweepArm.named(arm.arm).strategy == "lp_ft":
        return "LP-FT"
    stage = "nothing" if arm.depth == 0 else f"up to {table.stages[arm.depth - 1]}"
    return f"{arm.depth} ({stage})"
