"""Charts of the early and the late: the experiments stage by stage, and the first filters' wheel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.figures.axes import axis, named_axis
from core.figures.marks import GUIDE, band, line
from core.figures.template import (
    DATA,
    GREY,
    ICE,
    SMALL,
    Ground,
    KeySign,
    Theme,
    faded,
    figure,
    ground,
    key,
    label,
)
from core.words import percent

_SIGNS: dict[str, KeySign] = {ICE: "line", GREY: "dots"}


def stage_by_stage(
    stages: Sequence[str],
    trained: Sequence[tuple[float, float, float]],
    random: Sequence[tuple[float, float, float]] | None,
    *,
    title: str,
    random_shown: bool = False,
    theme: Theme = "light",
) -> go.Figure:
    """Draw one measure over the stages, the input on the left: median over channels, and the quartiles as a band.

    Values are (lower quartile, median, upper quartile).
    ``random`` holds the same of the network with random weights, in grey, or None; ``random_shown`` says that the
    first ones are the random ones.
    """
    first = ("Random weights", GREY, trained) if random_shown else ("Trained", ICE, trained)
    rows = [*([("Random weights", GREY, random)] if random is not None else []), first]
    return figure(
        [trace for name, colour, values in rows for trace in _quartiles(name, colour, stages, values)],
        theme,
        height=300,
        margin={"t": 40},
        title=key(*((name, colour, _SIGNS[colour]) for name, colour, _ in rows[::-1])),
        xaxis=named_axis(stages, longest=11, room=0.25, ink=ground(theme).ink, told="Stage"),
        yaxis=axis(title, rangemode="tozero"),
    )


def _quartiles(
    name: str, colour: str, stages: Sequence[str], values: Sequence[tuple[float, float, float]]
) -> list[dict[str, Any]]:
    places = list(range(len(stages)))
    low, median, high = np.asarray(values, dtype=np.float64).reshape(-1, 3).T.tolist()
    return [
        band(places, low, high, colour),
        line(
            places,
            median,
            colour,
            dash="dash" if colour == GREY else "solid",
            dots=9,
            name=name,
            meta={"low": "Lower quartile", "high": "Upper quartile"},
            customdata=[
                [label(stage), *quartiles]
                for stage, *quartiles in zip(stages, low, median, high, strict=True)
            ],
            hover="%{customdata[0]}: %{y:.2f}<br>middle half of the channels "
            f"%{{customdata[1]:.2f}} to %{{customdata[3]:.2f}}<extra>{name}</extra>",
        ),
    ]


def tuning(
    angles: ArrayLike, trained: ArrayLike, *, preferred: float | None = None, theme: Theme = "light"
) -> go.Figure:
    """Draw a filter's answer to stripes of every orientation as a half wheel, 0-180 degrees.

    ``angles`` (A,) in degrees, ``trained`` (A,) answers; ``preferred`` is the orientation found in the kernel.
    """
    answers = np.asarray(trained, dtype=np.float64)
    most = float(answers.max(initial=0.0)) or 1.0
    angle = np.asarray(angles, dtype=np.float64)
    traces = [
        _polar(
            # Stripes turned by 180 degrees are the same stripes, so the wheel is closed by its own beginning.
            np.concatenate([angle, angle + 180, angle[:1]]).tolist(),
            (np.concatenate([answers, answers, answers[:1]]) / most).tolist(),
            mode="lines+markers",
            meta={
                "x": "Turn of the stripes (°)",
                "y": "Answer, of its best (0 to 1)",
                "points": len(angle),
            },
            fill="toself",
            fillcolor=faded(ICE, 0.2),
            line={"color": ICE, "width": 3},
            marker={"size": 5, "color": ICE},
            hovertemplate="stripes at %{theta:.0f}°<br>%{r:.0%} of its best<extra></extra>",
        )
    ]
    if preferred is not None:
        needle = {"mode": "lines", "meta": GUIDE, "line": {"color": DATA, "width": 3, "dash": "dot"}}
        traces.append(
            _polar([preferred, preferred, preferred + 180], [1.08, 0, 1.08], hoverinfo="skip", **needle)
        )
    spokeless = {"visible": False, "range": [0, 1.1]}
    return _wheel(traces, spokeless, 280, theme, says=_tuning_says(angle, answers))


def wheel(
    orientations: ArrayLike,
    frequencies: ArrayLike,
    colours: Sequence[str],
    labels: Sequence[str],
    *,
    chosen: int | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Draw every filter as a dot: its angle is the stripes' orientation, its radius cycles per pixel.

    ``orientations`` (K,) in degrees, 0-180; each filter stands on both sides, since stripes have no direction.
    """
    on = ground(theme)
    angle = np.asarray(orientations, dtype=np.float64)
    radius = np.asarray(frequencies, dtype=np.float64)
    is_chosen = [number == chosen for number in range(len(angle))]
    marker = {
        "size": [20 if lit else 12 for lit in is_chosen],
        "color": list(colours),
        "line": {"color": [on.ink if lit else on.muted for lit in is_chosen], "width": 1.5},
    }
    traces = [
        _polar(
            (angle + turn).tolist(),
            radius.tolist(),
            mode="markers",
            meta=GUIDE if turn else {"text": "Filter", "x": "Orientation (°)", "y": "Cycles per pixel"},
            marker=marker,
            text=[label(name) for name in labels],
            hovertemplate="%{text}<extra></extra>",
        )
        for turn in (0, 180)
    ]
    rim = max(0.1, float(radius.max(initial=0.0)) * 1.1)
    return _wheel(traces, _spokes(on) | {"nticks": 4, "range": [0, rim], "angle": 22.5}, 380, theme)


def _polar(theta: Sequence[float], r: Sequence[float], **more: Any) -> dict[str, Any]:
    return {"type": "scatterpolar", "theta": theta, "r": r, **more}


def _wheel(
    traces: Sequence[dict[str, Any]],
    radial: dict[str, Any],
    height: int,
    theme: Theme,
    *,
    says: str | None = None,
) -> go.Figure:
    """Lay the traces on a wheel of orientations, each named on both sides."""
    angular = _spokes(ground(theme)) | {
        "tickvals": [0, 45, 90, 135, 180, 225, 270, 315],
        "ticktext": ["0°", "45°", "90°", "135°"] * 2,
    }
    return figure(
        traces,
        theme,
        says=says,
        height=height,
        margin={"t": 34, "l": 36, "r": 36, "b": 28},
        polar={"bgcolor": "rgba(0,0,0,0)", "radialaxis": radial, "angularaxis": angular},
    )


def _spokes(on: Ground) -> dict[str, Any]:
    return {"gridcolor": on.grid, "linecolor": on.grid, "tickfont": {"size": SMALL, "color": on.muted}}


def _tuning_says(angles: NDArray[np.float64], answers: NDArray[np.float64]) -> str:
    """Say which stripes excite a filter most, and how little those across them do."""
    most = int(answers.argmax())
    if answers[most] <= 0:
        return "It answers to no stripes."
    across = int(np.argmin(np.abs((angles - angles[most] - 90 + 90) % 180 - 90)))
    return (
        f"It answers most to stripes at {angles[most]:.0f}°; at {angles[across]:.0f}° its answer is "
        f"{percent(answers[across] / answers[most], 0)} of that."
    )
