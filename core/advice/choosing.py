"""How often each way of choosing among pretrained networks is wrong, on data sets that were measured. Torch-free.

Made by ``tools/measure_networks.py``. The truth of a network on a data set is the accuracy, on its test images, of a
linear probe fitted to all training images of a draw. A way of choosing sees no more than `candidates.compare` sees: a
sample of the training images. What it gives away is how far the network that it takes falls behind the one that turned
out best. "Always the same network" and "any one, at random" are judged as well: a score that loses to them is none.
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from core.advice.candidates_report import short_title, strength, sure
from core.advice.evidence import FOLDER
from core.advice.report import Policy
from core.arrays import Flags
from core.backbones import catalogue
from core.metrics.report import Interval

SCORES = ("probe", "neighbours", "logme", "h_score")
ALWAYS = "always-"  # how the names of ways begin that look at nothing
PATH = FOLDER / "networks.json"


@dataclass(frozen=True, kw_only=True)
class NetworkCase:
    """One data set with at most so many images per class: every network, every seed."""

    task: str  # of `tasks.TASKS`
    per_class: int
    images: int  # training images
    classes: int
    chance: float  # accuracy of always naming the most frequent test class
    test_images: int
    sample: int  # training images that the scores saw
    accuracy: dict[str, tuple[float, ...]]  # by network: of the probe on test images, one of each seed, 0-1
    scores: dict[str, dict[str, tuple[float, ...]]]  # by network and score: on the sample, one of each seed
    right: dict[
        str, tuple[str, ...]
    ]  # by network: which images of the sample the cross-validated probe named rightly

    def answers(self, network: str, seed: int) -> Flags:
        """Unpack ``right``: (sample,) bool."""
        packed = np.frombuffer(bytes.fromhex(self.right[network][seed]), dtype=np.uint8)
        return np.unpackbits(packed, count=self.sample).astype(np.bool_)

    @property
    def means(self) -> dict[str, float]:
        """Accuracy of every network over seeds."""
        return {name: sum(values) / len(values) for name, values in self.accuracy.items()}


@dataclass(frozen=True, kw_only=True)
class NetworkEvidence:
    """Everything that was measured about several networks on the same images."""

    networks: tuple[str, ...]
    sides: dict[str, int]  # pixels that each saw
    milliseconds: dict[str, float]  # one image, one forward pass at that side, on the machine that measured
    made: dict[str, Any]  # provenance: versions, processor, date
    cases: tuple[NetworkCase, ...]

    def only(self, networks: Sequence[str]) -> "NetworkEvidence":
        """Keep what is about these networks, as if there were no others."""
        kept = tuple(name for name in self.networks if name in networks)

        def of_them(values: dict[str, Any]) -> dict[str, Any]:
            return {name: values[name] for name in kept}

        return dataclasses.replace(
            self,
            networks=kept,
            cases=tuple(
                dataclasses.replace(
                    case,
                    accuracy=of_them(case.accuracy),
                    scores=of_them(case.scores),
                    right=of_them(case.right),
                )
                for case in self.cases
            ),
        )


@dataclass(frozen=True, kw_only=True)
class ChoiceRecord:
    """How good every way of choosing is among some networks, and how far these lie apart."""

    networks: tuple[str, ...]
    policies: tuple[Policy, ...]  # costs: milliseconds a picture, of those of the first network
    ahead: dict[str, Interval]  # by network: mean accuracy minus the first's, in points; over data sets
    tasks: int
    cases: int


NetworkChooser = Callable[[NetworkEvidence, NetworkCase], list[str]]  # the networks chosen, one of each seed


# --- ways to choose ---------------------------------------------------------------------------------------


def by_score(score: str) -> NetworkChooser:
    """Take the network with the highest score on the sample; of equals, the one that is stronger on its source."""

    def choose(evidence: NetworkEvidence, case: NetworkCase) -> list[str]:
        return [
            max(
                evidence.networks,
                key=lambda name: (case.scores[name][score][seed], strength(catalogue.entry(name))),
            )
            for seed in _seeds(case)
        ]

    return choose


def unless_surely_worse(evidence: NetworkEvidence, case: NetworkCase) -> list[str]:
    """Take the one that is strongest on its source, of those whose probe cannot be told from the best probe."""
    names = evidence.networks
    return [
        names[sure([case.answers(name, seed) for name in names], [catalogue.entry(name) for name in names])]
        for seed in _seeds(case)
    ]


def always(network: str) -> NetworkChooser:
    """Take this network whatever the pictures are."""
    return lambda evidence, case: [network]


def at_random(evidence: NetworkEvidence, case: NetworkCase) -> list[str]:
    """Take any of them: each as often."""
    return list(evidence.networks)


def best_elsewhere(evidence: NetworkEvidence, case: NetworkCase) -> list[str]:
    """Take the network that was best on average on all other data sets."""
    others = [one for one in evidence.cases if one.task != case.task] or [case]
    return [max(evidence.networks, key=lambda name: sum(one.means[name] for one in others))]


def best_in_hindsight(evidence: NetworkEvidence, case: NetworkCase) -> list[str]:
    """Take the network that was best on average on all data sets, this one among them."""
    return [max(evidence.networks, key=lambda name: sum(one.means[name] for one in evidence.cases))]


WAYS: dict[str, tuple[str, str, NetworkChooser]] = {
    "advice-sure": (
        "The strongest, unless surely worse",
        "Of the networks whose probes cannot be told from the best, the one that does best on its source task.",
        unless_surely_worse,
    ),
    "probe": ("Best linear probe", "Cross-validated on the sample.", by_score("probe")),
    "neighbours": ("Best k-NN vote", "Leave one out, on the sample.", by_score("neighbours")),
    "logme": ("Highest LogME", "You et al. 2021 (arXiv 2102.11005).", by_score("logme")),
    "h_score": ("Highest H-score", "Bao et al. 2019; Ibrahim et al. 2021.", by_score("h_score")),
    "best-elsewhere": (
        "The network that is best on average",
        "One network for everything: the best one on the other data sets.",
        best_elsewhere,
    ),
    "best-in-hindsight": (
        "The best single network, in hindsight",
        "One network for everything: the best one on these very data sets, which nobody knows beforehand.",
        best_in_hindsight,
    ),
    "random": ("Any one, at random", "The mean over all of them.", at_random),
}


def ways(evidence: NetworkEvidence) -> dict[str, tuple[str, str, NetworkChooser]]:
    """Every way of choosing with its title and what it does: `WAYS`, and always the same of the networks."""
    return WAYS | {
        f"{ALWAYS}{name}": (
            f"Always {short_title(name)}",
            "Whatever the pictures are.",
            always(name),
        )
        for name in evidence.networks
    }


# --- the record -------------------------------------------------------------------------------------------


def record(evidence: NetworkEvidence) -> ChoiceRecord | None:
    """Judge every way of choosing; None where there are fewer than two networks, or no case."""
    from core.advice import judge  # with SciPy behind it, which a first visit need not wait for

    if len(evidence.networks) < 2 or not evidence.cases:
        return None
    first = evidence.networks[0]
    costs = {name: pace / evidence.milliseconds[first] for name, pace in evidence.milliseconds.items()}
    policies = []
    for name, (title, what, choose) in ways(evidence).items():
        losses = [
            judge.policy_loss(case.task, case.per_class, case.accuracy, costs, choose(evidence, case))
            for case in evidence.cases
        ]
        policies.append(judge.summary(name, title, what, losses))
    return ChoiceRecord(
        networks=evidence.networks,
        policies=tuple(policies),
        ahead={name: judge.over_tasks(_ahead(evidence, name, first)) for name in evidence.networks[1:]},
        tasks=len({case.task for case in evidence.cases}),
        cases=len(evidence.cases),
    )


def _ahead(evidence: NetworkEvidence, name: str, first: str) -> list[tuple[str, float]]:
    return [(case.task, 100 * (case.means[name] - case.means[first])) for case in evidence.cases]


def _seeds(case: NetworkCase) -> range:
    return range(min(map(len, case.accuracy.values())))


# --- what ships -------------------------------------------------------------------------------------------


@cache
def load(path: Path = PATH) -> NetworkEvidence | None:
    """Read what was measured; None where nothing was."""
    if not path.is_file():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    return NetworkEvidence(
        **(
            values
            | {
                "networks": tuple(values["networks"]),
                "cases": tuple(NetworkCase(**_tuples(case)) for case in values["cases"]),
            }
        )
    )


def write(evidence: NetworkEvidence, path: Path) -> None:
    """Write it, a line a case, so that changes can be read."""
    text = json.dumps(dataclasses.asdict(evidence), separators=(",", ":"))
    path.write_text(text.replace('{"task"', '\n{"task"') + "\n", encoding="utf-8")
    load.cache_clear()


def _tuples(values: Any) -> Any:
    """Turn all lists within into tuples."""
    if isinstance(values, dict):
        return {name: _tuples(one) for name, one in values.items()}
    return tuple(map(_tuples, values)) if isinstance(values, list) else values
