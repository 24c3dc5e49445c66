"""The advice: how deep to freeze and how to train, what to expect, and what the answer rests on."""

import dataclasses
from functools import cache

import numpy as np

from core.advice import evidence as shipped
from core.advice import record
from core.advice.evidence import Evidence
from core.advice.forecast import ANSWERS, SMALL_LOSS, Forecast, accuracy, forecast
from core.advice.nearness import Query
from core.advice.quadrants import QUADRANTS, quadrant_of
from core.advice.report import (
    MOST_IMAGES,
    Advice,
    Alternative,
    Basis,
    Description,
    Measures,
    Neighbour,
    Outlook,
    Rule,
)
from core.advice.tasks import SIMILARITIES, TASKS, Similarity
from core.arrays import Floats
from core.backbones import catalogue
from core.errors import SettingsError
from core.metrics.report import Interval
from core.training.config import STRATEGIES
from core.training.sweep_config import epochs_for
from core.words import points

FAR = 2.0  # times the distance at which a new data set typically finds its nearest measured one
NAMED = 3  # nearest measured data sets
STANDS_OUT = 0.06  # of the weight: below this a measured case is no nearer than many others

# Measured by `python -m core finetune --data … --strategy full --per-class 20 --views 1` (and 4) with seeds 0 to 2.
AUGMENTATION = (
    "None: the plain pictures. In runs as short as these, four augmented views did no better (200 pictures, "
    "three seeds, the small built-in network: digits 95.3 against 97.8 %, textures 57.6 against 59.1 %)."
)
REGULARISATION = "Weight decay 0.01, as in all measured runs; what stays frozen cannot overfit."


def from_description(description: Description, backbone: str, *, pass_seconds: float | None = None) -> Advice:
    """Advise on a task in a person's own words.

    ``pass_seconds``: what one image of the size that runs use takes to pass through the network on this machine, where
    that is known.
    Raises `SettingsError` for an unknown network.
    """
    query = Query(per_class=description.per_class, classes=description.classes, description=description)
    return _advise(query, backbone, "described", pass_seconds)


def from_measures(
    measures: Measures, backbone: str, *, description: Description | None = None, known_as: str | None = None
) -> Advice:
    """Advise on pictures that were measured, and described as well where ``description`` is given.

    ``known_as``: the measured data set (of `tasks.TASKS`) that they are, where they are one.

    They should have been measured at `evidence.side`, as those were that they are compared with.
    For a network without evidence of its own only the description and the numbers of images count, since what
    its features say cannot be compared with anything.
    """
    # A pass costs as much as there are pixels, and runs may look at other sides than measures.
    larger = (catalogue.entry(backbone).finetune_size / shipped.side(backbone)) ** 2
    pass_seconds = larger * measures.seconds.get("features", 0.0) / max(measures.images, 1) or None
    if backbone not in shipped.measured_networks():
        said = description or Description(
            per_class=min(max(measures.per_class, 2), MOST_IMAGES), classes=measures.classes
        )
        return _advise(
            Query(per_class=said.per_class, classes=said.classes, description=said),
            backbone,
            "described",
            pass_seconds,
            known_as,
        )
    probed = all(stage.probe is not None for stage in measures.stages)
    query = Query(
        per_class=measures.per_class,
        classes=measures.classes,
        description=description,
        measures=measures,
        probed=probed,
    )
    return _advise(query, backbone, "probed" if probed else "measured", pass_seconds, known_as)


def _advise(
    query: Query,
    backbone: str,
    basis: Basis,
    pass_seconds: float | None,
    known_as: str | None = None,
) -> Advice:
    description = query.description
    stages = tuple(stage.name for stage in catalogue.entry(backbone).stages)
    evidence = shipped.speaks_for(backbone)
    if evidence is None:
        raise SettingsError("The measured tasks are missing from this installation; install it again.")
    found = _for_stages(forecast(query, evidence), len(stages))
    said = tuple(one for one in ANSWERS if description is not None and getattr(description, one) is not None)
    off, usual = record.typical(evidence.backbone, basis, said)
    outside = found.nearest / usual if usual > 0 else 1.0
    images = max(2, round(query.per_class * query.classes))
    epochs = epochs_for(images)
    outlooks = tuple(
        Outlook(
            arm=arm,
            accuracy=_expected(found, place, off * max(1.0, outside)),
            behind=Interval(
                value=float(found.lead.max() - found.lead[place]),
                low=float(found.spread[place][0]),
                high=float(found.spread[place][1]),
            ),
            seconds=_seconds(evidence, place / len(stages), images, epochs, pass_seconds),
            best_share=float(found.best_share[place]),
        )
        for place, arm in enumerate(found.arms)
    )
    depth = found.chosen
    strategy = strategy_of(backbone, depth)
    kind = kind_of(description, known_as)
    return Advice(
        backbone=backbone,
        stages=stages,
        basis=basis,
        arm=found.arms[depth],
        strategy=strategy,
        freeze_depth=depth,
        learning_rate=STRATEGIES[strategy].learning_rate,
        epochs=1 if depth == len(stages) else epochs,
        augmentation=AUGMENTATION,
        regularisation=REGULARISATION,
        outlooks=outlooks,
        best=found.arms[found.best],
        indistinguishable=tuple(found.arms[one] for one in found.indistinguishable),
        neighbours=_named(found),
        kind=kind,
        rules=_rules(max(2, round(query.per_class)), kind, outlooks, depth),
        changes=_changes(query, evidence, len(stages), depth),
        alternatives=_alternatives(found, outlooks, depth, description),
        outside=outside,
        warning=_warning(outside, backbone, evidence.backbone, found),
    )


@cache
def strategy_of(backbone: str, depth: int) -> str:
    """Name the strategy that freezes ``depth`` stages of a network as it was measured."""
    stages = catalogue.entry(backbone).depth
    if depth == stages:
        return "linear_probe"
    from core.backbones import stages as building
    from core.training.strategies import is_normalised

    if not is_normalised(building.compose(backbone, building.outline(backbone))):
        return "lp_ft"
    return "freeze_to_depth" if depth else "full"


def _for_stages(found: Forecast, stages: int) -> Forecast:
    """Read a forecast for a network of other depth: the same share of the stages frozen."""
    have = len(found.arms) - 1
    if have == stages:
        return found
    places = np.linspace(0, have, stages + 1)

    def read(values: Floats) -> Floats:
        return np.asarray(np.interp(places, np.arange(have + 1), values))

    return dataclasses.replace(
        found,
        arms=tuple(f"k{depth}" for depth in range(stages + 1)),
        lead=read(found.lead),
        doubt=read(found.doubt),
        spread=np.stack([read(found.spread[:, 0]), read(found.spread[:, 1])], axis=1),
        best_share=read(found.best_share),
    )


def _expected(found: Forecast, place: int, off: float) -> Interval:
    shift = float(found.lead[place])

    def at(logit: float) -> float:
        return min(max(accuracy(logit) + shift, 0.0), 1.0)

    return Interval(value=at(found.level), low=at(found.level - off), high=at(found.level + off))


def _seconds(
    evidence: Evidence, share: float, images: int, epochs: int, pass_seconds: float | None
) -> float | None:
    if pass_seconds is None:
        return None
    depths = np.arange(len(evidence.arms)) / (len(evidence.arms) - 1)
    pace = float(np.interp(share, depths, [evidence.pace[arm] for arm in evidence.arms]))
    return pass_seconds * images * (1 + epochs * pace)


def kind_of(description: Description | None, known_as: str | None) -> Similarity | None:
    """Say how alike everyday photographs the pictures are: as the person says, else as is known of ``known_as``.

    None where nobody knows. Measures do not tell: the nearest measured tasks of the 95 measured cases were of the right
    kind, like photographs or not, in 78 % with tiny_resnet18, leave one data set out; "never like" is right in 59 %.
    """
    if description is not None and description.similarity is not None:
        return description.similarity
    return None if known_as is None else TASKS[known_as].similarity


def _rules(
    per_class: int, kind: Similarity | None, outlooks: tuple[Outlook, ...], depth: int
) -> tuple[Rule, ...]:
    kinds: tuple[Similarity, ...] = ("similar", "different") if kind is None else (kind,)
    return tuple(_rule(per_class, one, outlooks, depth) for one in kinds)


def _rule(per_class: int, kind: Similarity, outlooks: tuple[Outlook, ...], depth: int) -> Rule:
    quadrant = quadrant_of(per_class, kind)
    entry = QUADRANTS[quadrant]
    arm = f"k{int(np.floor(entry.frozen_share * (len(outlooks) - 1) + 0.5))}"
    return Rule(
        kind=kind,
        quadrant=quadrant,
        says=entry.says,
        arm=arm,
        citation=entry.citation,
        disputed=" ".join(f"{one.who}: {one.says} ({one.where})." for one in entry.disputed),
        departs=_departs(arm, outlooks, depth),
    )


def _departs(arm: str, outlooks: tuple[Outlook, ...], depth: int) -> str:
    if arm == outlooks[depth].arm:
        return ""
    of_rule = int(arm.removeprefix("k"))
    lost = outlooks[of_rule].behind.value - outlooks[depth].behind.value
    if lost >= SMALL_LOSS:
        expected = f"that is expected to be {points(lost, sign=False)} worse"
    else:
        expected = "that is expected to be no better" + (", and it takes longer" if of_rule < depth else "")
    return f"It amounts to freezing {_stages_in_words(arm, len(outlooks) - 1)}; from the measured tasks, {expected}."


def _stages_in_words(arm: str, stages: int) -> str:
    depth = int(arm.removeprefix("k"))
    if depth == 0:
        return "nothing"
    if depth == stages:
        return "everything"
    return f"{depth} of {stages} stages"


def _named(found: Forecast) -> tuple[Neighbour, ...]:
    """The nearest measured tasks, each once; none that is hardly nearer than many others."""
    named: dict[str, Neighbour] = {}
    for one in found.neighbours:
        if one.weight >= STANDS_OUT:
            named.setdefault(one.task, one)
    return tuple(named.values())[:NAMED]


def _changes(query: Query, evidence: Evidence, stages: int, depth: int) -> tuple[str, ...]:
    """Say which other numbers of images, and which other answers, would change the depth."""
    sentences = []
    for factor in (0.25, 4.0):
        other = dataclasses.replace(query, per_class=max(2.0, query.per_class * factor))
        chosen = _for_stages(forecast(other, evidence), stages).chosen
        if chosen != depth:
            sentences.append(
                f"With {other.per_class:,.0f} pictures of each class: freeze {_stages_in_words(f'k{chosen}', stages)}."
            )
    if query.description is not None:
        for name, words in SIMILARITIES.items():
            if name == query.description.similarity:
                continue
            other = dataclasses.replace(
                query, description=dataclasses.replace(query.description, similarity=name)
            )
            chosen = _for_stages(forecast(other, evidence), stages).chosen
            if chosen != depth:
                sentences.append(
                    f"If they were “{words[0].lower()}{words[1:]}”: freeze "
                    f"{_stages_in_words(f'k{chosen}', stages)}."
                )
    return tuple(sentences)


def _alternatives(
    found: Forecast, outlooks: tuple[Outlook, ...], depth: int, description: Description | None
) -> tuple[Alternative, ...]:
    ways = []
    last = len(outlooks) - 1

    def behind(place: int) -> float:
        return outlooks[place].behind.value - outlooks[depth].behind.value

    if found.best != depth:
        ways.append(
            Alternative(
                arm=found.arms[found.best],
                when=f"Freeze {_stages_in_words(found.arms[found.best], last)} if every hundredth of a point counts.",
                risk=f"Expected gain {points(-behind(found.best), 2, sign=False)}, too little to be sure of, for more "
                "seconds.",
            )
        )
    if depth != last:
        ways.append(
            Alternative(
                arm=found.arms[last],
                when="Freeze everything (a linear probe) if you need the quickest answer.",
                risk=f"From the measured tasks, {points(behind(last), sign=False)} behind are expected."
                if behind(last) >= SMALL_LOSS
                else "From the measured tasks, nothing is expected to be lost.",
            )
        )
    if description is not None and description.difference == "surface":
        ways.append(
            Alternative(
                arm="surgical",
                when="Train only the first stage and the head: where only the pictures' surface changed, that may win.",
                risk="Lee et al. 2022 (arXiv 2210.11466) found it for blur and noise; it is not measured here.",
            )
        )
    ways.append(
        Alternative(
            arm="lp_ft",
            when="Probe first, then fine-tune (LP-FT), if later pictures will look different from these.",
            risk="Kumar et al. 2022 (arXiv 2202.10054): 10 points better on shifted pictures. Our own small experiment "
            "with noise (page Methods, Fine-tuning) saw the opposite.",
        )
    )
    return tuple(ways)


def _warning(outside: float, backbone: str, speaker: str, found: Forecast) -> str:
    parts = []
    if backbone != speaker:
        parts.append(
            f"Nothing was measured with {catalogue.entry(backbone).title}; the advice borrows what was measured with "
            f"{catalogue.entry(speaker).title}, share of frozen stages for share."
        )
    if outside > FAR:
        nearest = TASKS[found.neighbours[0].task].title
        parts.append(
            f"Nobody measured anything like this: it is {outside:.1f} times as far from the nearest measured task "
            f"({nearest}) as a new data set usually is, and the expected range is widened as much."
        )
    return " ".join(parts)
