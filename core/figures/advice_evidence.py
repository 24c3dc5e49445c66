"""The raw evidence: accuracy over freeze depth for every measured data set, and where a linear probe reads best."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from core.advice.evidence import Cell
from core.advice.report import Measures
from core.advice.tasks import TASKS
from core.figures.depth_axis import depth_axis, short
from core.figures.template import (
    FIRE,
    GREY,
    ICE,
    LEVEL,
    SMALL,
    WRONG,
    Theme,
    faded,
    figure,
    ground,
    key,
    label,
)

_KINDS = ("similar", "between", "different")
_FULL = 12.0  # points behind the best at which the colour is full
_NAME_HEIGHT = 6.0  # points of accuracy that a line of text covers
_NUDGE = 0.06  # of a depth, between curves
_READ = {"probe": "Linear probe", "neighbours": "Nearest neighbours"}


def ordered(cells: Sequence[Cell]) -> list[Cell]:
    """Sort cells from data sets like the source to those unlike it."""
    return sorted(
        cells,
        key=lambda cell: (_KINDS.index(TASKS[cell.task].similarity), TASKS[cell.task].title),
    )


def behind_the_best(
    cells: Sequence[Cell], arms: Sequence[str], *, stages: int, theme: Theme = "light"
) -> go.Figure:
    """Draw a row for each data set: how many points every depth falls behind the row's best (0, framed).

    The upper rows are photographs of things, the lower ones are unlike them.
    """
    on = ground(theme)
    rows = ordered(cells)
    means = [[100 * cell.mean(arm) for arm in arms] for cell in rows]
    lost = [[max(row) - value for value in row] for row in means]
    names = [label(TASKS[cell.task].title, 20) for cell in rows]
    trace = {
        "type": "heatmap",
        "name": "behind",
        "meta": {
            "y": None,
            "value": "Points behind the best",
            "also": ["Data set", "Seeds", "Test pictures", "Right (%)"],
        },
        "z": lost,
        "x": list(range(len(arms))),
        "y": list(range(len(rows))),
        "zmin": 0,
        "zmax": _FULL,
        "colorscale": [[0, faded(WRONG, 0.03)], [1, faded(WRONG, 0.85)]],
        "showscale": False,
        "xgap": 3,
        "ygap": 3,
        "text": [[f"{value:.0f}" if value >= 0.05 else "best" for value in row] for row in lost],
        "texttemplate": "%{text}",
        "textfont": {"size": SMALL, "color": on.ink},
        "customdata": [
            [[label(TASKS[cell.task].title), cell.seeds, cell.test_images, value] for value in row]
            for cell, row in zip(rows, means, strict=True)
        ],
        "hovertemplate": "%{customdata[0]}<br>%{z:.1f} points behind its best; %{customdata[3]:.1f} % right<br>"
        "%{customdata[1]} seeds, %{customdata[2]} test pictures<extra></extra>",
    }
    best = [row.index(min(row)) for row in lost]
    layout = {
        "height": 96 + 31 * max(len(rows), 3),
        "margin": {"t": 8},
        "xaxis": {
            "tickvals": list(range(len(arms))),
            "ticktext": [short(arm, stages) for arm in arms],
            "tickangle": 0,
            "showgrid": False,
            "title": {"text": f"Frozen stages, of {stages}"},
        },
        "yaxis": {
            "tickvals": list(range(len(rows))),
            "ticktext": names,
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": False,
            "tickfont": {"size": SMALL - 1, "color": on.ink},
        },
        "shapes": [
            *(
                {
                    "type": "rect",
                    "x0": place - 0.46,
                    "x1": place + 0.46,
                    "y0": row - 0.42,
                    "y1": row + 0.42,
                    "line": {"color": on.ink, "width": 2},
                }
                for row, place in enumerate(best)
            ),
            *(
                {
                    "type": "line",
                    "xref": "paper",
                    "x0": 0,
                    "x1": 1,
                    "y0": row - 0.5,
                    "y1": row - 0.5,
                    "line": {"color": on.muted, "width": 2, "dash": "dot"},
                }
                for row in range(1, len(rows))
                if TASKS[rows[row].task].similarity != TASKS[rows[row - 1].task].similarity
            ),
        ],
    }
    return figure([trace], layout, theme)


def accuracy_over_depth(
    cells: Sequence[Cell], arms: Sequence[str], *, stages: int, theme: Theme = "light"
) -> go.Figure:
    """Draw one data set: accuracy (%) over depth, a curve for each number of images per class, bars over seeds."""
    on = ground(theme)
    curves = sorted(cells, key=lambda cell: cell.images)
    axis = depth_axis(arms, stages, on=on)
    traces: list[dict[str, Any]] = [axis.trace]
    ends = []
    for number, cell in enumerate(curves):
        strength = 0.35 + 0.65 * (number + 1) / len(curves)
        nudge = _NUDGE * (number - (len(curves) - 1) / 2)
        values = [[100 * value for value in cell.accuracy[arm]] for arm in arms]
        means = [sum(one) / len(one) for one in values]
        name = f"{cell.per_class_mean:.0f}"
        traces.append(
            {
                "type": "scatter",
                "name": name,
                "meta": {
                    "series": f"{name} pictures of each class",
                    "low": "Lowest seed",
                    "high": "Highest seed",
                    "also": ["Seeds"],
                },
                "mode": "lines+markers",
                "x": [place + nudge for place in range(len(arms))],
                "y": means,
                "line": {"color": faded(FIRE, strength), "width": 3},
                "marker": {"size": 9, "color": faded(FIRE, strength)},
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [max(one) - mean for one, mean in zip(values, means, strict=True)],
                    "arrayminus": [mean - min(one) for one, mean in zip(values, means, strict=True)],
                    "thickness": 2,
                    "width": 0,
                    "color": faded(FIRE, strength),
                },
                "customdata": [[cell.seeds, name]] * len(arms),
                "hovertemplate": "%{customdata[1]} pictures of each class<br>%{y:.1f} %, mean of "
                "%{customdata[0]} seeds<extra></extra>",
            }
        )
        ends.append(
            {
                "text": name,
                "x": len(arms) - 0.75,
                "y": means[-1],  # see `_apart`
                "xanchor": "left",
                "showarrow": False,
                "font": {"size": SMALL, "color": on.trainable},
            }
        )
    chance = 100 * curves[0].chance
    traces.append(
        {
            "type": "scatter",
            "name": "chance",
            "meta": LEVEL,
            "mode": "lines",
            "x": [-0.55, len(arms) - 0.45],
            "y": [chance, chance],
            "line": {"color": on.muted, "width": 2, "dash": "dash"},
            "hovertemplate": "chance: %{y:.0f} %<extra></extra>",
        }
    )
    layout = {
        "height": 440,
        "margin": {"t": 12},
        "xaxis": axis.layout["xaxis"] | {"range": [-0.55, len(arms) - 0.25]},
        "yaxis": axis.layout["yaxis"]
        | {"range": [0, 101], "dtick": 20, "title": {"text": "Test accuracy (%)"}},
        "yaxis2": axis.layout["yaxis2"],
        "annotations": _apart(ends),
    }
    return figure(traces, layout, theme)


def _apart(ends: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Move names at the ends of curves down until none covers another."""
    placed: list[dict[str, Any]] = []
    for one in sorted(ends, key=lambda end: -end["y"]):
        lowest = placed[-1]["y"] - _NAME_HEIGHT if placed else 101.0
        placed.append(one | {"y": min(one["y"], lowest)})
    return placed


def probe_over_stages(measured: Sequence[Measures], *, title: str = "", theme: Theme = "light") -> go.Figure:
    """Draw what a linear probe and a k-NN vote (%) read from every stage of the frozen network, each seed a dot."""
    on = ground(theme)
    stages = [one.stage for one in measured[0].stages]
    traces: list[dict[str, Any]] = []
    for name, colour in (("neighbours", GREY), ("probe", ICE)):
        table = [
            [100 * found.value for one in measured if (found := getattr(one.stages[place], name)) is not None]
            for place in range(len(stages))
        ]
        if not all(table):
            continue
        means = [sum(values) / len(values) for values in table]
        traces += [
            {
                "type": "scatter",
                "name": f"{name}, by seed",
                "meta": {"series": _READ[name], "table": "Every seed"},
                "mode": "markers",
                "x": [place for place, values in enumerate(table) for _ in values],
                "y": [value for values in table for value in values],
                "marker": {"size": 7, "color": faded(colour, 0.5)},
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "name": name,
                "meta": {"series": _READ[name]},
                "mode": "lines+markers",
                "x": list(range(len(stages))),
                "y": means,
                "line": {"color": colour, "width": 3},
                "marker": {
                    "size": [18 if mean == max(means) else 10 for mean in means],
                    "symbol": ["star" if mean == max(means) else "circle" for mean in means],
                    "color": colour,
                },
                "hovertemplate": "%{y:.1f} %<extra></extra>",
            },
        ]
    chance = 100 * measured[0].chance
    traces.append(
        {
            "type": "scatter",
            "name": "chance",
            "meta": LEVEL,
            "mode": "lines",
            "x": [-0.4, len(stages) - 0.6],
            "y": [chance, chance],
            "line": {"color": on.muted, "width": 2, "dash": "dash"},
            "hoverinfo": "skip",
        }
    )
    layout = {
        "height": 440,
        "margin": {"t": 44},
        "title": key((_READ["probe"], ICE, "line"), (_READ["neighbours"], GREY, "line")),
        "meta": {"xaxis": {"name": "Stage", "names": [label(name) for name in stages]}},
        "xaxis": {
            "tickvals": list(range(len(stages))),
            "ticktext": [label(name, 14) for name in stages],
            "range": [-0.4, len(stages) - 0.6],
            "showgrid": False,
            "tickfont": {"size": SMALL, "color": on.ink},
            "title": {"text": title or "Read from the output of this stage, all frozen"},
        },
        "yaxis": {"range": [0, 101], "dtick": 20, "title": {"text": "Named rightly (%)"}},
    }
    return figure(traces, layout, theme)
