"""The advice, its record and its evidence in plain sentences; every figure in them is measured. Torch-free."""

from collections.abc import Sequence

from core.advice.evidence import Cell, Evidence
from core.advice.forecast import SMALL_LOSS
from core.advice.report import HINDSIGHT, Advice, Policy, Record, Rule
from core.advice.tasks import SIMILARITIES, TASKS, Similarity
from core.backbones.catalogue import BackboneEntry
from core.training.sweep_config import SweepArm
from core.words import interval, listed, number, points

CLEARLY = 0.02  # of accuracy: a probe's peak stands out by more than this


def headline(advice: Advice) -> str:
    """Say what to do in one sentence."""
    count, depth = len(advice.stages), advice.freeze_depth
    if depth == count:
        return f"Freeze all {count} stages and fit only a new last layer."
    how = f"for {advice.epochs} epochs at a learning rate of {advice.learning_rate:g}"
    what = (
        f"Freeze nothing: train all {count} stages {how}"
        if depth == 0
        else f"Freeze the first {'stage' if depth == 1 else depth} of {count}{'' if depth == 1 else ' stages'}, "
        f"train the rest {how}"
    )
    return f"{what}, starting from a fitted last layer." if advice.strategy == "lp_ft" else f"{what}."


def measured_anew(evidence: Evidence) -> str:
    """Say which accuracies were measured later than the rest, why, and how far they moved; "" where none were."""
    anew = evidence.made.get("accuracies")
    if anew is None:
        return ""
    sizes = [f"{size}" if size else "all" for size in anew["per_class"]]
    return (
        f"Cases with {listed(sizes)} pictures a class were measured anew on {anew['date'][:10]}: {anew['because']}. No "
        f"mean moved by more than {points(anew['most_points_moved'] / 100, sign=False)}."
    )


def sides(evidence: Evidence, entry: BackboneEntry) -> str:
    """Say at which side the advice's evidence was measured, where runs of the same network use another; else ""."""
    if evidence.backbone != entry.name or evidence.image_size == entry.finetune_size:
        return ""
    there, here = evidence.image_size, entry.finetune_size
    return (
        f"What is expected was learned from pictures of {there} × {there} pixels; a run here lets the network see "
        f"{here} × {here}, unless you choose otherwise."
    )


def arm_title(name: str, stages: int) -> str:
    """Call an arm by a name that reads well in a sentence; names that are no arms stay as they are."""
    if name == "surgical":
        return "the first stage only"
    try:
        arm = SweepArm.named(name)
    except ValueError:
        return name
    if arm.strategy == "lp_ft":
        return "probe, then fine-tune" + (f" with {arm.depth} frozen" if arm.depth else "")
    if arm.depth in (0, stages):
        return "nothing frozen" if arm.depth == 0 else "everything frozen"
    return f"{arm.depth} of {stages} frozen"


def nearest(advice: Advice) -> tuple[str, str]:
    """Name the measured data sets that the advice leans on most, and say in what they are near: title and text."""
    alike = "that your answers fit best" if advice.basis == "described" else "that this network finds as hard"
    title = f"Measured data sets {alike}"
    if not advice.neighbours:
        return title, "all of them about equally: none stands out"
    return title, "; ".join(
        f"**{TASKS[one.task].title}**, {TASKS[one.task].about}" for one in advice.neighbours
    )


def chosen_by(advice: Advice) -> str:
    """State the rule by which the depth was chosen, as it came out here, and which depths may be as good."""
    expected = "the one that is expected to do best"
    if advice.arm != advice.best:
        most = points(SMALL_LOSS, 2, sign=False)
        expected = (
            f"the cheapest that is expected to lose no more than {most} against the best "
            f"({arm_title(advice.best, len(advice.stages))})"
        )
    text = f"**Advised: {expected}.**"
    equal = [outlook.arm for outlook in advice.outlooks if outlook.arm in advice.indistinguishable]
    if len(equal) < 2:
        return f"{text} It stands out from all other depths."
    count = len(advice.stages)
    if len(equal) == count + 1:
        return (
            f"{text} None of the depths can be told from it by what was measured, so any may turn out better."
        )
    depths = listed([str(SweepArm.named(name).depth) for name in equal])
    return (
        f"{text} Freezing {depths} of {count} stages cannot be told apart by what was measured, so another of them "
        "may turn out better; the others are clearly behind."
    )


def rule_of(rule: Rule, *, only: bool) -> str:
    """Quote a rule in Markdown, and say how the advice stands to it; not the ``only`` one: for which pictures it is."""
    start = "" if only else f"*{_KINDS[rule.kind]}*: "
    departs = rule.departs or "The advice follows that rule."
    return f"{start}{rule.says} :gray[({rule.citation})] {departs}"


_KINDS: dict[Similarity, str] = {
    "similar": SIMILARITIES["similar"],
    "between": "Anything else",
    "different": "Anything else",
}


# --- the record -------------------------------------------------------------------------------------------


def standing(record: Record) -> tuple[str, ...]:
    """Say how the advice stands against every other way to choose, one sentence each; losses are named."""
    rules = [
        policy
        for policy in record.policies
        if not policy.name.startswith("advice") and policy.name != HINDSIGHT
    ]
    sentences = []
    for policy in record.policies:
        if not policy.name.startswith("advice") or not rules:
            continue
        value = policy.regret
        behind = points(value.value / 100, sign=False)  # a policy's regret is in points
        gives = f"**{policy.title}** gives away {behind} {interval(value.low / 100, value.high / 100)}"
        ahead = sorted((rule for rule in rules if rule.regret.value < value.value), key=_mean)
        if ahead:
            named = ", ".join(f"“{rule.title}” ({rule.regret.value:.1f})" for rule in ahead)
            sentences.append(f"{gives}; better on average: {named}.")
        else:
            rival = min(rules, key=_mean)
            sentences.append(
                f"{gives}; no fixed rule does better, the best being “{rival.title}” "
                f"({rival.regret.value:.1f})."
            )
    sentences += [
        f"“{policy.title}”, which nobody knows beforehand, gives away "
        f"{points(policy.regret.value / 100, sign=False)}."
        for policy in record.policies
        if policy.name == HINDSIGHT
    ]
    return tuple(sentences)


def worst_case(policy: Policy) -> str:
    """Name the case in which a policy did worst."""
    size = "all pictures" if policy.worst_per_class is None else f"{policy.worst_per_class} of each class"
    return f"{TASKS[policy.worst_task].title}, {size}"


def _mean(policy: Policy) -> float:
    return policy.regret.value


# --- the evidence -----------------------------------------------------------------------------------------


def story(evidence: Evidence) -> tuple[str, ...]:
    """Tell what the evidence says about depth: where probes peak, and what freezing everything costs."""
    return tuple(
        one for one in (_peaks(evidence), _cost_of_freezing(evidence.cells, len(evidence.stages))) if one
    )


def _peaks(evidence: Evidence) -> str:
    """Say on how many data sets a linear probe reads an earlier stage clearly better than the last."""
    early: dict[Similarity, list[str]] = {"similar": [], "between": [], "different": []}
    counts: dict[Similarity, int] = dict.fromkeys(early, 0)
    for name, task in TASKS.items():
        curve = probe_curve(evidence, name)
        if not curve:
            continue
        counts[task.similarity] += 1
        if max(curve) - curve[-1] > CLEARLY:
            early[task.similarity].append(name)
    photographs, others = counts["similar"], counts["between"] + counts["different"]
    if not photographs or not others:
        return ""
    elsewhere = len(early["between"]) + len(early["different"])
    return (
        f"A linear probe reads an earlier stage better than the last (by more than {points(CLEARLY, 0, sign=False)}) "
        f"in {elsewhere} of {others} data sets that are no photographs of things, and in {len(early['similar'])} of "
        f"{photographs} that are."
    )


def probe_curve(evidence: Evidence, task: str) -> list[float]:
    """Accuracy of a linear probe at every stage, mean over seeds, with all images of ``task``; empty if unknown."""
    measured = evidence.measures.get((task, None), ())
    curves = [[stage.probe.value for stage in one.stages if stage.probe is not None] for one in measured]
    whole = [curve for curve in curves if len(curve) == len(evidence.stages)]
    return [sum(values) / len(whole) for values in zip(*whole, strict=True)]


def _cost_of_freezing(cells: Sequence[Cell], stages: int) -> str:
    """Say what a linear probe on the last stage gives away against the best depth, by kind of data set."""
    lost: dict[bool, list[float]] = {True: [], False: []}
    for cell in cells:
        means = cell.means
        alike = TASKS[cell.task].similarity == "similar"
        lost[alike].append(max(means.values()) - means[f"k{stages}"])
    if not lost[True] or not lost[False]:
        return ""
    like, unlike = (sum(lost[one]) / len(lost[one]) for one in (True, False))
    return (
        f"Freezing everything gives away {points(unlike, sign=False)} on average where pictures are no photographs "
        f"of things, {number(100 * like)} where they are."
    )
