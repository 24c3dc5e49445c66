"""What the charts of the layers page show, each in one sentence."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.figures.says import NOTHING, written

if TYPE_CHECKING:
    from core.interpretation.specificity_report import SpecificityReport
    from core.interpretation.trust import Curves as TrustCurves
    from core.interpretation.trust import SanityStep


def tuning_says(angles: Sequence[float], answers: Sequence[float]) -> str:
    """Say which stripes excite a filter most, and how little those across them do."""
    values = np.asarray(answers, dtype=np.float64)
    most = int(values.argmax())
    if values[most] <= 0:
        return "It answers to no stripes."
    across = int(np.argmin(np.abs((np.asarray(angles) - angles[most] - 90 + 90) % 180 - 90)))
    return (
        f"It answers most to stripes at {angles[most]:.0f}°; at {angles[across]:.0f}° its answer is "
        f"{100 * values[across] / values[most]:.0f}\u00a0% of that."
    )


def faithfulness_says(curves: "TrustCurves") -> str:
    """Say whether the class falls and rises faster than with the map shuffled."""
    parts = []
    for what, curve, sign in (("falls", curves.deletion, 1), ("rises", curves.insertion, -1)):
        area = curve.area
        if not len(curve.shuffled):
            parts.append(f"{what} with an area of {area:.2f}")
            continue
        shuffled = float(curve.shuffled_areas.mean())
        how = "faster" if sign * (shuffled - area) > 0 else "no faster"
        parts.append(f"{what} {how} (area {area:.2f}, shuffled {shuffled:.2f})")
    return f"The class {' and '.join(parts)}."


def sanity_says(found: "Mapping[str, Sequence[SanityStep]]") -> str:
    """Say how like the first each method's map still is once every part has random weights."""
    ends = [
        f"{name} {'–' if steps[-1].rank is None else written(round(steps[-1].rank, 2))}"
        for name, steps in found.items()
    ]
    return f"With every part random, rank correlation with the map as trained: {', '.join(ends)}."


def similarity_says(report: "SpecificityReport") -> str:
    """Name the two stages that are most alike, and the two that are least."""
    names = [stage.name for stage in report.stages]
    pairs = [
        (value, f"{names[row]} and {names[column]}")
        for row in range(len(names))
        for column in range(row)
        if (value := report.cka[row][column]) is not None
    ]
    if not pairs:
        return NOTHING
    least, most = min(pairs), max(pairs)
    if least == most:
        return f"{most[1]}: CKA {most[0]:.2f}."
    return f"Most alike are {most[1]} (CKA {most[0]:.2f}), least {least[1]} ({max(least[0], 0):.2f})."
