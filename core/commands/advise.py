"""``python -m core advise``: how deep to freeze, from a look at the pictures and nothing trained."""

import argparse
import dataclasses

from core.advice import advisor, evidence, familiar
from core.advice.report import Advice, Measures
from core.advice.tasks import TASKS
from core.backbones import catalogue as backbones
from core.commands import interrupts
from core.commands.data_read import data_read
from core.commands.options import add_data, add_settings, chosen_settings, json_line
from core.commands.terminal import Terminal
from core.events import Note, Progress
from core.training.config import FinetuneConfig
from core.words import count, percent, seconds

_SETTINGS = ("backbone", "weights", "per_class", "seed")


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_data(parser)
    add_settings(parser, FinetuneConfig, only=_SETTINGS)
    parser.add_argument("--probe", action="store_true", help="Fit linear probes at every stage, too.")


def run(chosen: argparse.Namespace) -> None:
    """Look at the pictures through the network, and advise."""
    config = chosen_settings(chosen, FinetuneConfig)
    entry = backbones.entry(config.backbone)
    show = Terminal()

    with interrupts.at_once():
        from core.advice import similarity
        from core.backbones import stages, weights
        from core.datasets.open import open_dataset
        from core.training.sweep import draw, parts

    def tell(phase: str, done: int, total: int) -> None:
        if not chosen.json:
            show.bar(phase, done, total, None)

    dataset = open_dataset(
        chosen.data,
        side=evidence.side(entry.name),  # as those were that they are compared with
        fit=chosen.fit,
        progress=lambda done, total: tell("data", done, total),
    )
    for said in data_read(dataset):
        if chosen.json:
            print(json_line(said.to_json()), flush=True)
        else:
            show.line(said.message if isinstance(said, Note) else said.text())
    network = stages.build(entry.name)
    weights.load_pretrained(
        network, config.weights, progress=lambda done, total: tell("weights", done, total)
    )
    pool, _ = parts(dataset, config.seed)
    numbers = draw(pool.labels, config.per_class, seed=config.seed)
    for step in similarity.steps(
        network,
        pool.images[numbers],
        pool.labels[numbers],
        dataset.class_names,
        probe=chosen.probe,
        seed=config.seed,
    ):
        if isinstance(step, Measures):
            measures = step
        elif chosen.json:
            print(
                json_line(Progress(phase=step.phase, done=round(100 * step.share), total=100).to_json()),
                flush=True,
            )
        else:
            tell("measuring", round(100 * step.share), 100)
    known_as = chosen.data if chosen.data in TASKS else familiar.data_set(measures)
    advice = advisor.from_measures(measures, entry.name, known_as=known_as)
    if chosen.json:
        print(
            json_line(outcome(advice, measures, dataset.report.caveats) | {"weights": network.said}),
            flush=True,
        )
    else:
        show.clear()
        for sentence in network.said:
            show.line(sentence)
        _tell(advice, measures, dataset.report.caveats)


def outcome(advice: Advice, measures: Measures, caveats: tuple[str, ...] = ()) -> dict[str, object]:
    """Gather the last JSON object: depth, strategy, expected accuracy, similarity measures, and all the rest."""
    return {
        "event": "advice",
        "depth": advice.freeze_depth,
        "strategy": advice.strategy,
        "expected_accuracy": dataclasses.asdict(advice.outlook.accuracy),
        "caveats": caveats,
        "similarity": dataclasses.asdict(measures),
        "advice": dataclasses.asdict(advice),
    }


def _tell(advice: Advice, measures: Measures, caveats: tuple[str, ...]) -> None:
    expected, stages = advice.outlook.accuracy, len(advice.stages)
    print(
        f"freeze          {advice.freeze_depth} of {stages} stages ({advice.strategy}), "
        f"{count(advice.epochs, 'epoch')} at {advice.learning_rate:g}"
    )
    print(
        f"expect          {percent(expected.value, 0)} right, 80 % range {percent(expected.low, 0)} to "
        f"{percent(expected.high, 0)}"
    )
    for caveat in caveats:
        print(f"                {caveat}")
    print(
        "leans on        "
        + (", ".join(one.task for one in advice.neighbours) or "all measured data sets alike")
    )
    for rule in advice.rules:
        print(f"rule            {rule.says} ({rule.citation})")
        if rule.departs:
            print(f"                {rule.departs}")
    for sentence in filter(None, (advice.warning, *advice.changes)):
        print(f"                {sentence}")
    print(f"{'stage':<16}{'k-NN':>7}{'LogME':>8}{'H-score':>9}{'distance':>10}{'probe':>8}")
    for stage in measures.stages:
        far = "" if stage.frechet is None else f"{stage.frechet.value:.2f}"
        probe = "" if stage.probe is None else percent(stage.probe.value)
        print(
            f"{stage.stage:<16}{percent(stage.neighbours.value):>7}{stage.logme.value:>8.2f}{stage.h_score.value:>9.2f}"
            f"{far:>10}{probe:>8}"
        )
    print(
        f"{count(measures.images, 'picture')} looked at in {seconds(sum(measures.seconds.values()), 1)}; nothing was "
        "trained"
    )
