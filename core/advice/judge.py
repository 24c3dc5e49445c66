"""How good the advice is: every way to choose a depth, judged on data sets that it has not seen. Torch-free."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from core.advice import evidence as shipped
from core.advice.evidence import Cell, Evidence
from core.advice.forecast import ANSWERS, accuracy, forecast, queries, typical
from core.advice.quadrants import QUADRANTS, quadrant_of
from core.advice.report import BETWEEN, HINDSIGHT, Basis, Measures, Policy, Record
from core.advice.tasks import TASKS
from core.arrays import Floats
from core.metrics.classification import wilson
from core.metrics.report import Interval

RESAMPLES = 2000
Reader = Literal["neighbours", "probe"]


@dataclass(frozen=True, kw_only=True)
class PolicyLoss:
    """What one policy lost on one measured case: data set × images per class."""

    task: str  # of `tasks.TASKS`
    per_class: int | None  # None: all
    regret: float  # points (0-100): mean accuracy of the best arm minus that of the chosen ones, as measured
    fair: (
        float  # the same, but the best arm is picked on the other seeds: chance does not make it look better
    )
    cost: float  # seconds of the chosen arm, of those of training everything


Chooser = Callable[[Evidence, Cell], list[str]]  # the arms chosen, one of each query


def judge(evidence: Evidence, choose: Chooser) -> list[PolicyLoss]:
    """Let ``choose`` answer for every cell; it must not look at the cell's own data set."""
    found = []
    for cell in evidence.cells:
        chosen = choose(evidence, cell)
        if chosen:
            costs = {arm: seconds / cell.seconds["k0"] for arm, seconds in cell.seconds.items()}
            found.append(policy_loss(cell.task, cell.per_class, cell.accuracy, costs, chosen))
    return found


def policy_loss(
    task: str,
    per_class: int | None,
    accuracy: Mapping[str, Sequence[float]],
    costs: Mapping[str, float],
    chosen: Sequence[str],
) -> PolicyLoss:
    """What is lost where ``chosen`` (one of each query) are taken, of arms with these accuracies, one of each seed."""
    means = {arm: sum(values) / len(values) for arm, values in accuracy.items()}
    return PolicyLoss(
        task=task,
        per_class=per_class,
        regret=float(np.mean([100 * (max(means.values()) - means[arm]) for arm in chosen])),
        fair=float(np.mean([100 * _fair(accuracy, arm) for arm in chosen])),
        cost=float(np.mean([costs[arm] for arm in chosen])),
    )


def _fair(accuracy: Mapping[str, Sequence[float]], arm: str) -> float:
    """Regret without the winner's curse: in each seed, the arm that is best on the other seeds stands for the best."""
    seeds = min(map(len, accuracy.values()))
    table = {name: np.array(values[:seeds]) for name, values in accuracy.items()}
    if seeds < 2:
        means = {name: float(values.mean()) for name, values in table.items()}
        return max(means.values()) - means[arm]
    lost = []
    for seed in range(seeds):
        others = {name: float(np.delete(values, seed).mean()) for name, values in table.items()}
        best = max(others, key=lambda name: others[name])
        lost.append(float(table[best][seed] - table[arm][seed]))
    return float(np.mean(lost))


# --- ways to choose ---------------------------------------------------------------------------------------


def fixed(depth: int) -> Chooser:
    """Always freeze this many stages; -1: all of them."""
    return lambda evidence, cell: [evidence.arms[depth]]


def textbook(evidence: Evidence, cell: Cell) -> list[str]:
    """Choose by the rule of the task's quadrant."""
    entry = QUADRANTS[quadrant_of(round(cell.per_class_mean), TASKS[cell.task].similarity)]
    return [f"k{_depth(evidence, entry.frozen_share)}"]


def guided(reader: Reader) -> Chooser:
    """Freeze up to the stage whose features a k-NN vote or a linear probe reads best (the first, where several do)."""

    def choose(evidence: Evidence, cell: Cell) -> list[str]:
        return [
            f"k{1 + best_stage(measures, reader)}"
            for measures in evidence.measures.get((cell.task, cell.per_class), ())
        ]

    return choose


def best_stage(measures: Measures, reader: Reader) -> int:
    """Which stage is read best; the first of equals."""
    values = []
    for stage in measures.stages:
        found = getattr(stage, reader)
        values.append(-1.0 if found is None else found.value)
    return int(np.argmax(values))


def advised(basis: Basis, said: Collection[str] = ANSWERS, *, strict: bool = False) -> Chooser:
    """Follow the advisor, who has not seen the data set; with ``strict``, none of its family either.

    ``said`` names the questions that were answered.
    """

    def choose(evidence: Evidence, cell: Cell) -> list[str]:
        family = TASKS[cell.task].family
        unseen = {name for name, task in TASKS.items() if strict and task.family == family} | {cell.task}
        return [
            evidence.arms[forecast(query, evidence, without=unseen).chosen]
            for query in queries(evidence, cell, basis, said)
        ]

    return choose


def best_fixed(evidence: Evidence, cell: Cell) -> list[str]:
    """Choose the one depth that was best on average on all other data sets."""
    others = [one for one in evidence.cells if one.task != cell.task]
    return [max(evidence.arms, key=lambda arm: sum(one.mean(arm) for one in others))]


def best_in_hindsight(evidence: Evidence, cell: Cell) -> list[str]:
    """Choose the one depth that was best on average on all data sets, this one among them."""
    return [max(evidence.arms, key=lambda arm: sum(one.mean(arm) for one in evidence.cells))]


@dataclass(frozen=True, kw_only=True)
class PolicyEntry:
    """A way to choose, its name and what it does in one sentence."""

    title: str
    what: str
    choose: Chooser


POLICIES: dict[str, PolicyEntry] = {
    "advice-described": PolicyEntry(
        title="This advice, from your words",
        what="Only the three questions and the number of pictures.",
        choose=advised("described"),
    ),
    "advice-measured": PolicyEntry(
        title="This advice, from your pictures",
        what="k-NN votes at every stage; nothing is trained, nothing is said.",
        choose=advised("measured", ()),
    ),
    "advice-probed": PolicyEntry(
        title="This advice, after probing",
        what="Linear probes at every stage; nothing is said.",
        choose=advised("probed", ()),
    ),
    "advice-all": PolicyEntry(
        title="This advice, words and probes",
        what="The three questions, and linear probes at every stage.",
        choose=advised("probed"),
    ),
    "best-fixed": PolicyEntry(
        title="The depth that is best on average",
        what="One depth for everything: the best one on the other data sets.",
        choose=best_fixed,
    ),
    HINDSIGHT: PolicyEntry(
        title="The best single depth, in hindsight",
        what="One depth for everything: the best one on these very data sets, which nobody knows beforehand.",
        choose=best_in_hindsight,
    ),
    "textbook": PolicyEntry(
        title="The textbook's quadrants",
        what="Small or large, similar or different, as courses teach it.",
        choose=textbook,
    ),
    "full": PolicyEntry(title="Always train everything", what="Freeze nothing.", choose=fixed(0)),
    "probe": PolicyEntry(title="Always a linear probe", what="Freeze everything.", choose=fixed(-1)),
    "knn-guided": PolicyEntry(
        title="Freeze up to the best k-NN stage",
        what="The stage whose nearest neighbours vote best ends the frozen part.",
        choose=guided("neighbours"),
    ),
    "probe-guided": PolicyEntry(
        title="Freeze up to the best probe stage",
        what="The stage that a linear probe reads best ends the frozen part.",
        choose=guided("probe"),
    ),
}


def policies(evidence: Evidence) -> dict[str, PolicyEntry]:
    """Every way to choose a depth of this network: `POLICIES`, and always the same one of the depths between."""
    stages = len(evidence.stages)
    between = {
        f"{BETWEEN}{depth}": PolicyEntry(
            title=f"Always freeze {depth} of {stages}",
            what=f"Freeze the first {'stage' if depth == 1 else f'{depth} stages'}.",
            choose=fixed(depth),
        )
        for depth in range(1, stages)
    }
    return POLICIES | between


def _depth(evidence: Evidence, share: float) -> int:
    return int(np.floor(share * len(evidence.stages) + 0.5))


# --- the record -------------------------------------------------------------------------------------------


@cache
def record(backbone: str) -> Record | None:
    """Judge every policy on the evidence of ``backbone``; None where there is none."""
    evidence = shipped.load(backbone)
    if evidence is None:
        return None
    judged = {name: (entry, judge(evidence, entry.choose)) for name, entry in policies(evidence).items()}
    return Record(
        backbone=backbone,
        policies=tuple(
            summary(name, entry.title, entry.what, found) for name, (entry, found) in judged.items() if found
        ),
        tasks=len({cell.task for cell in evidence.cells}),
        cells=len(evidence.cells),
        runs=evidence.runs,
        covered=coverage(evidence, "measured" if evidence.measures else "described"),
    )


def summary(name: str, title: str, what: str, found: Sequence[PolicyLoss]) -> Policy:
    """Mean, 90th percentile and worst regret; data sets, not cells, are resampled, since cells of one are alike."""
    regrets = np.array([one.regret for one in found])
    worst = max(found, key=lambda one: one.regret)
    return Policy(
        name=name,
        title=title,
        what=what,
        regret=resampled(found, lambda values: float(values.mean())),
        percentile_90=resampled(found, lambda values: float(np.quantile(values, 0.9))),
        fair_regret=resampled(found, lambda values: float(values.mean()), fair=True),
        worst=float(regrets.max()),
        worst_task=worst.task,
        worst_per_class=worst.per_class,
        cost=float(np.mean([one.cost for one in found])),
    )


def resampled(
    found: Sequence[PolicyLoss], statistic: Callable[[Floats], float], *, fair: bool = False
) -> Interval:
    """Bootstrap over data sets: 95 % percentile interval of ``statistic`` of the regrets."""
    return over_tasks([(one.task, one.fair if fair else one.regret) for one in found], statistic)


def over_tasks(
    found: Sequence[tuple[str, float]],
    statistic: Callable[[Floats], float] = lambda values: float(values.mean()),
) -> Interval:
    """Give ``statistic`` of values that belong to data sets: 95 % percentile interval of a bootstrap over these."""
    names = sorted({task for task, _ in found})
    by_task = [np.array([value for task, value in found if task == name]) for name in names]
    random = np.random.default_rng(0)
    drawn = [
        statistic(np.concatenate([by_task[one] for one in random.integers(len(names), size=len(names))]))
        for _ in range(RESAMPLES)
    ]
    low, high = (float(one) for one in np.quantile(drawn, (0.025, 0.975)))
    return Interval(value=statistic(np.concatenate(by_task)), low=low, high=high)


def coverage(evidence: Evidence, basis: Basis) -> Interval:
    """How often the mean accuracy over depths fell into the stated 80 % range, the data set not having been seen."""
    inside, asked = 0, 0
    for cell in evidence.cells:
        off, _ = typical(evidence.backbone, basis, cell.task)
        for query in queries(evidence, cell, basis):
            level = forecast(query, evidence, without={cell.task}).level
            low, high = accuracy(level - off), accuracy(level + off)
            inside += low <= sum(cell.means.values()) / len(cell.means) <= high
            asked += 1
    return wilson(inside, asked)
