"""``python -m core technique`` and ``techniques``: run one method's experiment, or list them all."""

import argparse
import dataclasses
import importlib
from collections.abc import Sequence

from core import errors
from core.commands import interrupts
from core.commands.options import json_line
from core.commands.terminal import Terminal
from core.events import Progress
from core.techniques import catalogue
from core.techniques.events import Panel
from core.techniques.report import Report, shown
from core.techniques.technique import Settings, Technique


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``technique``."""
    parser.add_argument("name", metavar="NAME", help="a technique's name, as `techniques` lists them")
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="settings of the experiment",
    )
    parser.add_argument("--seeds", type=int, help="how often everything is repeated")
    parser.add_argument("--json", action="store_true", help="one JSON object per event")


def run(chosen: argparse.Namespace) -> None:
    """Run the experiment."""
    technique = catalogue.technique(chosen.name)
    settings = settings_from(technique, chosen.set)
    if chosen.seeds is not None:
        settings = dataclasses.replace(settings, seeds=chosen.seeds)
    technique = technique.chosen(settings.to_json())
    with interrupts.at_once():
        importlib.import_module(f"{technique.package}.{technique.module}")
    show, report = Terminal(), Report(technique=technique, seeds=settings.seeds)
    for event in technique.run(settings):
        report.take(event)
        if chosen.json:
            if not isinstance(event, Panel):  # pictures and point clouds are for the eye
                print(json_line(event.to_json()), flush=True)
        elif isinstance(event, Progress):
            show.bar(event.phase[:40], round(100 * event.share), 100, None)
    if chosen.json:
        print(json_line({"event": "result", "settings": settings.to_json()} | report.to_json()), flush=True)
    else:
        show.clear()
        tell(report)


def settings_from(technique: Technique, pairs: Sequence[str]) -> Settings:
    """Read KEY=VALUE pairs; `SettingsError` says what is wrong."""
    texts = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise errors.SettingsError(
                f"--set needs KEY=VALUE; {errors.shortened(repr(pair))} has no equals sign."
            )
        texts[name] = value
    try:
        return technique.settings_of(texts)
    except errors.OutOfRange as error:
        name = error.setting.replace(" ", "_")
        if name not in texts:
            raise
        raise errors.OutOfRange(f"--set {name}", error.says) from error


def tell(report: Report) -> None:
    """Print every arm's mean with its interval, the verdict and the remarks."""
    technique = report.technique
    print(f"{technique.title}: {technique.question}")
    for of in technique.quantities:
        print(f"\n{of.title}{' (%)' if of.share else ''}")
        for arm in technique.arms:
            for x in report.places(of.name) or [None]:  # type: ignore[list-item]
                mean = report.mean(arm.name, of.name, x)
                if mean is not None:
                    place = "" if x is None else f"{x:g}"
                    value, low, high = (shown(number, of) for number in (mean.value, mean.low, mean.high))
                    print(f"  {arm.title:<28}{place:>8}{value:>9} [{low}, {high}]")
    print(f"\n{report.verdict.sentence}")
    for text in report.remarks:
        print(text)


def list_all(chosen: argparse.Namespace) -> None:
    """List every technique."""
    known = catalogue.techniques().values()
    if chosen.json:
        print(
            json_line(
                [
                    {
                        "name": technique.name,
                        "title": technique.title,
                        "question": technique.question,
                        "transferred": technique.transferred,
                        "differs": technique.differs,
                        "arms": [arm.name for arm in technique.arms],
                        "settings": technique.settings().to_json(),
                    }
                    for technique in known
                ]
            )
        )
        return
    for technique in known:
        print(f"{technique.name:<26}{technique.question}")
