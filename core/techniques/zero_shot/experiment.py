"""Some digits are hidden; their strokes are told; pictures of them are named. Torch-free."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from core.arrays import Floats, Labels, Pixels
from core.events import Event, Note, Progress
from core.techniques.digits.scanned import scanned_digits
from core.techniques.events import Grid, Panel, Pictures
from core.techniques.panels import enlarged
from core.techniques.report import Report
from core.techniques.runner import Events, each_seed
from core.techniques.zero_shot.calibration import accuracy_by_handicap
from core.techniques.zero_shot.entry import TECHNIQUE, ZeroShotSettings
from core.techniques.zero_shot.hidden import Hidden, bias, scored
from core.techniques.zero_shot.recognition import by_dap, by_eszsl
from core.techniques.zero_shot.segments import DESCRIPTIONS, STROKES, at_strokes, drawing, same_as_drawing

CLASSES = 10
HANDICAPS: Floats = np.linspace(0.0, 10.0, 41)  # of log-posterior
SHUFFLES = 5  # of the descriptions, for each seed: a control with three hidden digits varies much
SHOWN = 24  # pixels a side of a picture in the panel


def hide(settings: ZeroShotSettings, seed: int) -> Hidden:
    """Draw the hidden digits so that among the others every stroke is sometimes lit and sometimes not."""
    generator = np.random.default_rng(seed)
    while True:
        is_seen = np.ones(CLASSES, dtype=bool)
        is_seen[generator.choice(CLASSES, settings.unseen, replace=False)] = False
        common = DESCRIPTIONS[is_seen].mean(axis=0)
        if common.min() > 0 and common.max() < 1:
            break
    pictures, labels = scanned_digits()
    order = generator.permutation(len(labels))
    known = [order[labels[order] == digit][: settings.per_class] for digit in np.flatnonzero(is_seen)]
    learned_from = np.concatenate(known)
    rest = np.setdiff1d(order, learned_from)
    return Hidden(
        is_seen=is_seen,
        known=pictures[learned_from],
        known_labels=labels[learned_from],
        asked=pictures[rest],
        asked_labels=labels[rest],
    )


def scores_by_arm(task: Hidden, seed: int) -> tuple[dict[str, list[Floats]], Floats]:
    """Scores (N, 10) of every arm that looks at pictures, and DAP's probabilities of strokes (N, 7).

    One array for each arm; the control has `SHUFFLES`, one for each way to deal out the descriptions.
    """
    generator = np.random.default_rng((seed, 1))
    known, asked = at_strokes(task.known), at_strokes(task.asked)
    own = [[part[:, place] for place in range(len(STROKES))] for part in (known, asked)]
    flat_known, flat_asked = (part.reshape(len(part), -1) for part in (known, asked))
    whole = [[part] * len(STROKES) for part in (flat_known, flat_asked)]
    shuffled = [DESCRIPTIONS[_displaced(generator)] for _ in range(SHUFFLES)]
    dap, present = by_dap(own[0], task.known_labels, own[1], DESCRIPTIONS)
    return {
        "dap": [dap],
        "dap-whole": [by_dap(whole[0], task.known_labels, whole[1], DESCRIPTIONS)[0]],
        "eszsl": [by_eszsl(flat_known, task.known_labels, flat_asked, DESCRIPTIONS, generator)],
        "drawing": [same_as_drawing(task.asked)],
        "shuffled": [by_dap(own[0], task.known_labels, own[1], descriptions)[0] for descriptions in shuffled],
    }, present


def _displaced(generator: np.random.Generator) -> Labels:
    """Draw an order of the digits in which none keeps its place."""
    while True:
        order = generator.permutation(CLASSES)
        if (order != np.arange(CLASSES)).all():
            return order


def run(settings: ZeroShotSettings) -> Iterator[Event]:
    """Score every arm of one seed, then the next seed; panels last."""
    yield Progress(done=0.0, phase="Hiding digits")
    report = Report(technique=TECHNIQUE)
    curves: list[tuple[Floats, Floats]] = []
    named = np.zeros((CLASSES, CLASSES))  # how often an unseen digit (row) was called what, all ten allowed
    yield from each_seed(settings, partial(_one_seed, settings, curves, named), report)
    yield _bias(curves)
    yield _confusions(named)
    yield Note(
        message="DAP at each stroke against comparing with a drawing, which needs no pictures: "
        + report.compare("dap", "drawing").sentence
    )
    yield Note(message="Against shuffled descriptions: " + report.compare("dap", "shuffled").sentence)


def _one_seed(
    settings: ZeroShotSettings, curves: list[tuple[Floats, Floats]], named: Floats, seed: int
) -> Events:
    task = hide(settings, seed)
    hidden = np.flatnonzero(~task.is_seen)
    yield Progress(done=0.0, phase=f"hiding {', '.join(map(str, hidden))}")
    by_arm, present = scores_by_arm(task, seed)
    yield from scored(task, seed, TECHNIQUE.arms, by_arm)
    if seed == settings.first_seed:
        yield _pictures(task, present)
    dap = by_arm["dap"][0]
    curves.append(accuracy_by_handicap(dap, task.asked_labels, task.is_seen, HANDICAPS))
    of_unseen = ~task.is_seen[task.asked_labels]
    np.add.at(named, (task.asked_labels[of_unseen], dap[of_unseen].argmax(axis=1)), 1)


def _pictures(task: Hidden, present: Floats) -> Panel:
    """Lay one picture of each hidden digit beside the strokes that were detected in it."""
    pictures, captions = [], []
    for digit in np.flatnonzero(~task.is_seen):
        number = int(np.flatnonzero(task.asked_labels == digit)[0])
        pictures += [_shown(task.asked[number]), _shown(drawing(present[number], SHOWN))]
        captions += [f"An unseen {digit}", "Strokes found"]
    return Panel(
        name="strokes",
        title="What the detectors see in digits that they were never shown",
        caption="Left a picture, right the display: the brighter a stroke, the more certain its detector. First seed.",
        drawing=Pictures(pictures=tuple(pictures), captions=tuple(captions)),
    )


def _shown(picture: Floats) -> Pixels:
    """Enlarge a picture (side, side), 0-1, pixel by pixel."""
    bright = (255 * picture / max(picture.max(), 1e-9)).round().astype(np.uint8)
    return enlarged(bright, SHOWN // len(picture))


def _bias(curves: list[tuple[Floats, Floats]]) -> Panel:
    return bias(
        curves,
        HANDICAPS,
        what="digits",
        title="All ten digits allowed, and seen digits held back",
        caption=(
            "DAP at each stroke. Left, as it is. To the right, seen digits are held back by more and more: what the "
            "unseen gain, the seen lose (calibrated stacking, Chao et al. 2016, arXiv 1605.04253)."
        ),
        x_title="How far seen digits are held back (log-probability)",
    )


def _confusions(named: Floats) -> Panel:
    rows = np.flatnonzero(named.sum(axis=1))
    shares = named[rows] / named[rows].sum(axis=1, keepdims=True)
    return Panel(
        name="named",
        title="What unseen digits are taken for",
        caption="DAP at each stroke, all ten digits allowed; over all seeds in which the digit of the row was hidden.",
        drawing=Grid(
            rows=tuple(map(str, rows)),
            columns=tuple(map(str, range(CLASSES))),
            values=shares.tolist(),
            x_title="Called",
            y_title="Unseen digit",
            low=0.0,
            high=1.0,
            share=True,
        ),
    )
