"""The record that ships with the evidence: how good the advice is, worked out once by the tool. Torch-free.

Judging every policy on every data set takes many seconds, which nobody wants to wait for at the first visit. What
is shipped counts only for the very evidence that it was worked out from; for any other it is worked out anew.
"""

import dataclasses
import json
from collections.abc import Collection
from functools import cache
from itertools import combinations
from typing import Any

from core.advice import evidence as shipped
from core.advice import forecast
from core.advice.evidence import FOLDER, Evidence
from core.advice.forecast import ANSWERS
from core.advice.report import Basis, Policy, Record
from core.metrics.report import Interval


def record(backbone: str) -> Record | None:
    """Judge every policy on the evidence of ``backbone``; None where there is none."""
    found = _kept(backbone)
    if found is not None:
        return _record(found["record"])
    from core.advice import judge  # with SciPy behind it, which a first visit need not wait for

    return judge.record(backbone)


def typical(backbone: str, basis: Basis, said: Collection[str] = ANSWERS) -> tuple[float, float]:
    """How far off forecasts are: (80 % quantile of errors on the logit scale, median distance to the nearest task)."""
    found = _kept(backbone)
    answers = tuple(one for one in ANSWERS if one in said)
    if found is None:
        return forecast.typical(backbone, basis, said=answers)
    off, distance = found["typical"][_key(basis, answers)]
    return off, distance


def work_out(evidence: Evidence) -> dict[str, Any]:
    """What ships: the record and all that `typical` is asked for, as plain values."""
    from core.advice import judge

    judged = judge.record(evidence.backbone)
    assert judged is not None
    bases: list[tuple[Basis, tuple[str, ...]]] = [
        ("described", said) for count in range(len(ANSWERS) + 1) for said in combinations(ANSWERS, count)
    ]
    if evidence.measures:
        bases += [("measured", ()), ("probed", ())]
    return {
        "made": evidence.made,
        "runs": evidence.runs,
        "record": dataclasses.asdict(judged),
        "typical": {
            _key(basis, said): forecast.typical(evidence.backbone, basis, said=said) for basis, said in bases
        },
    }


def write(evidence: Evidence) -> None:
    """Put what `work_out` gives beside the evidence."""
    text = json.dumps(work_out(evidence), indent=1, ensure_ascii=False)
    (FOLDER / f"record-{evidence.backbone}.json").write_text(text + "\n", encoding="utf-8")


def _kept(backbone: str) -> dict[str, Any] | None:
    """What ships for ``backbone``, if it was worked out from the evidence that is here."""
    evidence, kept = shipped.load(backbone), _read(backbone)
    if evidence is None or kept is None:
        return None
    return kept if (kept["made"], kept["runs"]) == (evidence.made, evidence.runs) else None


@cache
def _read(backbone: str) -> dict[str, Any] | None:
    path = FOLDER / f"record-{backbone}.json"
    if not path.is_file():
        return None
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values


def _key(basis: Basis, said: tuple[str, ...]) -> str:
    # Beside measures, answers do not change how far off a forecast is.
    return " ".join((basis, *(said if basis == "described" else ())))


def _record(values: dict[str, Any]) -> Record:
    policies = tuple(
        Policy(**(one | {name: Interval(**one[name]) for name in ("regret", "percentile_90", "fair_regret")}))
        for one in values["policies"]
    )
    return Record(**(values | {"policies": policies, "covered": Interval(**values["covered"])}))
