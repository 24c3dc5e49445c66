"""``python -m core advise``: how deep to freeze, from a look at the pictures and nothing trained."""

import argparse
import dataclasses

from core.advice import advisor
from core.advice.report import Advice, Measures
from core.backbones import catalogue as backbones
from core.commands.options import add_data, json_line, notices
from core.commands.terminal import Terminal
from core.training.events import Progress


def options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_data(parser)
    parser.add_argument("--backbone", default=backbones.BUILT_IN, help="The pretrained network to transfer.")
    parser.add_argument(
        "--weights", default="pretrained", help="'pretrained', or the path of a .safetensors or .pth file."
    )
    parser.add_argument("--per-class", type=int, help="Training images per class; empty means all.")
    parser.add_argument("--probe", action="store_true", help="Fit linear probes at every stage, too.")
    parser.add_argument("--seed", type=int, default=0, help="Which images are looked at.")


def run(chosen: argparse.Namespace) -> None:
    """Look at the pictures through the network, and advise."""
    entry = backbones.entry(chosen.backbone)
    show = Terminal()

    from core.advice import similarity
    from core.backbones import stages, weights
    from core.datasets.open import open_dataset
    from core.training.sweep import draw, parts

    def tell(phase: str, done: int, total: int) -> None:
        if not chosen.json:
            show.bar(phase, done, total, None)

    dataset = open_dataset(
        chosen.data,
        side=entry.image_size,
        fit=chosen.fit,
        progress=lambda done, total: tell("data", done, total),
    )
    for note in notices(dataset):
        if chosen.json:
            print(json_line(note.to_json()), flush=True)
        else:
            show.line(note.message)
    network = stages.build(entry.name)
    weights.load_pretrained(
        network, chosen.weights, progress=lambda done, total: tell("weights", done, total)
    )
    pool, _ = parts(dataset, chosen.seed)
    numbers = draw(pool.labels, chosen.per_class, seed=chosen.seed)
    for step in similarity.steps(
        network,
        pool.images[numbers],
        pool.labels[numbers],
        dataset.class_names,
        probe=chosen.probe,
        seed=chosen.seed,
    ):
        if isinstance(step, Measures):
            measures = step
        elif chosen.json:
            print(
                json_line(Progress(phase=step.doing, done=round(100 * step.share), total=100).to_json()),
                flush=True,
            )
        else:
            tell("measuring", round(100 * step.share), 100)
    advice = advisor.from_measures(measures, entry.name)
    if chosen.json:
        print(json_line(outcome(advice, measures)), flush=True)
    else:
        show.clear()
        _tell(advice, measures)


def outcome(advice: Advice, measures: Measures) -> dict[str, object]:
    """Gather the last JSON object: depth, strategy, expected accuracy, similarity measures, and all the rest."""
    return {
        "event": "advice",
        "depth": advice.freeze_depth,
        "strategy": advice.strategy,
        "expected_accuracy": dataclasses.asdict(advice.outlook.accuracy),
        "similarity": dataclasses.asdict(measures),
        "advice": dataclasses.asdict(advice),
    }


def _tell(advice: Advice, measures: Measures) -> None:
    expected, stages = advice.outlook.accuracy, len(advice.stages)
    print(
        f"freeze          {advice.freeze_depth} of {stages} stages ({advice.strategy}), {advice.epochs} epoch(s) at "
        f"{advice.learning_rate:g}"
    )
    print(f"expect          {expected.value:.0%} right, 80 % range {expected.low:.0%} to {expected.high:.0%}")
    print("leans on        " + ", ".join(one.task for one in advice.neighbours))
    print(f"rule            {advice.rule.says} ({advice.rule.citation})")
    for sentence in filter(None, (advice.departs, advice.warning, *advice.changes)):
        print(f"                {sentence}")
    print(f"{'stage':<16}{'k-NN':>7}{'LogME':>8}{'H-score':>9}{'distance':>10}{'probe':>8}")
    for stage in measures.stages:
        far = "" if stage.frechet is None else f"{stage.frechet.value:.2f}"
        probe = "" if stage.probe is None else f"{stage.probe.value:.1%}"
        print(
            f"{stage.stage:<16}{stage.neighbours.value:>7.1%}{stage.logme.value:>8.2f}{stage.h_score.value:>9.2f}"
            f"{far:>10}{probe:>8}"
        )
    print(
        f"{measures.images} pictures looked at in {sum(measures.seconds.values()):.1f} s; nothing was trained"
    )
