"""What training changed, epoch by epoch: lines of the stages, and a picture's classes before and now."""

from collections.abc import Collection, Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from core import errors
from core.figures.axes import axis, named_axis, percent_axis
from core.figures.marks import apart, guide, line, note, points, rule
from core.figures.template import (
    FIRE,
    GREY,
    ICE,
    ROLES,
    SIZE,
    ColourRole,
    Ground,
    Theme,
    figure,
    ground,
    key,
    label,
)
from core.interpretation.change_report import EpochChange

ChangePanel = Literal["change", "similarity"]
MOST_CLASSES = 5
_PALEST = 0.45  # of the colour of the first trained stage; the last one has all of it
_GAP = 0.075  # between the names at the lines' ends, as a share of the axis


def stages_over_epochs(
    history: Sequence[EpochChange],
    *,
    frozen: Collection[str],
    panel: ChangePanel,
    epoch: int,
    result: int,
    role: ColourRole = "trainable",
    theme: Theme = "light",
) -> go.Figure:
    """One line a stage: relative weight change (%) or CKA of its features, over the epochs that are kept.

    Ice blue: ``frozen`` all the time. The colour of ``role``: trained, deeper stages stronger. A dotted line marks
    ``epoch``; ``result`` is the epoch whose weights are the run's result.
    """
    errors.one_of("panel", panel, ("change", "similarity"))
    on = ground(theme)
    epochs = [change.epoch for change in history]
    values = _values(history, panel)
    known = [value for of_stage in values.values() for value in of_stage if value is not None]
    # CKA from 0, or from below it where a debiased one is negative, to a little above 1.
    low, high = (0.0, 1.08 * max([1.0, *known])) if panel == "change" else (min([0.0, *known]), 1.03)
    shades = _shades(list(values), frozen, role, on)
    ends = apart(_ends(values, frozen, panel, role, on), low, high, _GAP * (high - low))
    return figure(
        [
            _stage(name, epochs, of_stage, shades[name], frozen=name in frozen, panel=panel)
            for name, of_stage in values.items()
        ],
        theme,
        height=380,
        margin={"t": 20, "r": 90, "l": 8, "b": 8},
        xaxis=axis(
            "Epoch", range=[-0.15, max([*epochs, 1]) + 0.15], showgrid=False, **_ticks(epochs, result)
        ),
        yaxis=axis(
            "Weights moved (%)" if panel == "change" else "Features kept (CKA)", range=[low, high], nticks=6
        ),
        annotations=[
            note(text, 1.01, y, colour, anchor="left middle", xref="paper") for y, text, colour in ends
        ],
        shapes=[rule(on.ink, x=epoch, dash="dot", layer="below")] if epochs else [],
    )


def _values(history: Sequence[EpochChange], panel: ChangePanel) -> dict[str, list[float | None]]:
    """By stage, what the panel shows of every epoch."""
    names = [stage.stage for stage in history[0].stages] if history else []
    rows = [[change.stages[place] for change in history] for place in range(len(names))]
    return {
        name: [100 * stage.relative_change if panel == "change" else stage.cka for stage in row]
        for name, row in zip(names, rows, strict=True)
    }


def _stage(
    name: str,
    epochs: Sequence[int],
    values: Sequence[float | None],
    shade: str,
    *,
    frozen: bool,
    panel: ChangePanel,
) -> dict[str, Any]:
    told = "moved by %{y:.3g} % of its length" if panel == "change" else "CKA %{y:.3f}"
    return line(
        epochs,
        values,
        shade,
        width=5 if frozen else 3,
        dots=7,
        name=label(name, 18),
        meta={"series": label(name)},
        cliponaxis=False,
        hover=f"{label(name, 18)}, epoch %{{x}}<br>{told}",
    )


def _ends(
    values: dict[str, list[float | None]],
    frozen: Collection[str],
    panel: ChangePanel,
    role: ColourRole,
    on: Ground,
) -> list[tuple[float, str, str]]:
    """Where lines end, how they are called there and in which colour; all that are frozen end together."""
    colour = on.trainable if role == "trainable" else on.control
    last = {name: [value for value in row if value is not None][-1:] for name, row in values.items()}
    ends = [(row[0], label(name, 14), colour) for name, row in last.items() if row and name not in frozen]
    if any(name in frozen for name in values):
        ends.append((0.0 if panel == "change" else 1.0, "frozen", on.frozen))
    return ends


def classes_before_and_now(
    names: Sequence[str], before: Sequence[float], now: Sequence[float], *, theme: Theme = "light"
) -> go.Figure:
    """The most probable classes (0-1 each) as dots, grey before training and fire now, joined by a line."""
    if not len(names) == len(before) == len(now):
        raise ValueError(f"{len(names)} names, {len(before)} and {len(now)} probabilities")
    on = ground(theme)
    order = sorted(range(len(names)), key=lambda place: -now[place])[:MOST_CLASSES]
    rows = list(range(len(order)))
    shown = [names[place] for place in order]
    shares = {
        name: [100 * values[place] for place in order] for name, values in (("before", before), ("now", now))
    }
    tracks = [
        guide(list(ends), [row, row], on.grid, width=5)
        for row, ends in enumerate(zip(shares["before"], shares["now"], strict=True))
    ]
    dots = [
        points(
            shares[name],
            rows,
            colour,
            size=15,
            name=name,
            cliponaxis=False,
            customdata=[label(each) for each in shown],
            hover=f"%{{customdata}}, {name}: %{{x:.1f}} %",
        )
        for name, colour in (("before", GREY), ("now", FIRE))
    ]
    return figure(
        [*tracks, *dots],
        theme,
        height=120 + 46 * max(len(rows), 2),
        margin={"t": 44, "r": 24},
        title=key(("Before", GREY, "bar"), ("Now", FIRE, "bar")),
        xaxis=percent_axis("Probability (%)", dtick=25),
        yaxis=named_axis(shown, longest=16, down=True, ink=on.ink, size=SIZE - 1, told="Class"),
    )


def _shades(names: Sequence[str], frozen: Collection[str], role: ColourRole, on: Ground) -> dict[str, str]:
    """Give frozen stages ice, and trained ones the role's colour: pale for the first of them, full for the last."""
    trained = [name for name in names if name not in frozen]
    steps = max(len(trained) - 1, 1)
    shares = {name: _PALEST + (1 - _PALEST) * place / steps for place, name in enumerate(trained)}
    if len(trained) == 1:
        shares[trained[0]] = 1.0
    return {name: _blend(ROLES[role], shares[name], on.paper) if name in shares else ICE for name in names}


def _blend(colour: str, share: float, paper: str) -> str:
    """Blend ``share`` of a colour with the page's ground."""
    parts = [
        round(share * int(colour[i : i + 2], 16) + (1 - share) * int(paper[i : i + 2], 16)) for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02X}" for part in parts)


def _ticks(epochs: Sequence[int], result: int) -> dict[str, Any]:
    """Name 0 "before" and the result's epoch; number a few of the others."""
    step = max(1, -(-len(epochs) // 6))
    shown = {0, result, *(epoch for epoch in epochs if epoch % step == 0 and abs(epoch - result) > step / 2)}
    places = sorted(shown & set(epochs))
    special = {result: f"<b>{result}</b>", 0: "before"}
    return {"tickvals": places, "ticktext": [special.get(epoch, str(epoch)) for epoch in places]}
