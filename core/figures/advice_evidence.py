"""The raw evidence: accuracy over freeze depth for every measured data set, and where a linear probe reads best."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from core.advice.evidence import Cell
from core.advice.report import Measures
from core.advice.sentences import arm_title
from core.advice.tasks import TASKS
from core.figures.axes import named_axis, percent_axis
from core.figures.depth_axis import EDGE, depth_axis, depth_names
from core.figures.marks import apart, box, cells, level, line, note, points, rule, whisker, written
from core.figures.template import FIRE, GREY, ICE, SMALL, WRONG, Theme, faded, figure, ground, key, label
from core.metrics.report import Interval
from core.words import percent

_KINDS = ("similar", "between", "different")
_BEST = 0.05  # points behind the best, below which a depth is as good
_FULL = 12.0  # points behind the best at which the colour is full
_NAME_HEIGHT = 6.0  # points of accuracy that a line of text covers
_NUDGE = 0.06  # of a depth, between curves
_READ = {"probe": "Linear probe", "neighbours": "Nearest neighbours"}


def ordered(measured: Sequence[Cell]) -> list[Cell]:
    """Sort cells from data sets like the source to those unlike it."""
    return sorted(
        measured, key=lambda cell: (_KINDS.index(TASKS[cell.task].similarity), TASKS[cell.task].title)
    )


def behind_the_best(
    measured: Sequence[Cell], arms: Sequence[str], *, stages: int, theme: Theme = "light"
) -> go.Figure:
    """Draw a row for each data set: how many points every depth falls behind the row's best, one or several (framed).

    The upper rows are photographs of things, the lower ones are unlike them.
    """
    on = ground(theme)
    rows = ordered(measured)
    means = [[100 * cell.mean(arm) for arm in arms] for cell in rows]
    lost = [[max(row) - value for value in row] for row in means]
    best = [[place for place, points in enumerate(row) if points < _BEST] for row in lost]
    kinds = [TASKS[cell.task].similarity for cell in rows]
    trace = _lost(rows, means, lost, on.ink)
    frame = {"color": on.ink, "width": 2}
    frames = [
        box(x=(place - 0.46, place + 0.46), y=(row - 0.42, row + 0.42), line=frame)
        for row, places in enumerate(best)
        for place in places
    ]
    borders = [
        rule(on.muted, y=row - 0.5, dash="dot") for row in range(1, len(rows)) if kinds[row] != kinds[row - 1]
    ]
    titles = [TASKS[cell.task].title for cell in rows]
    return figure(
        [trace],
        theme,
        says=_map_says(rows, arms, stages, best, lost),
        height=96 + 31 * max(len(rows), 3),
        margin={"t": 8},
        xaxis=depth_names(arms, stages),
        yaxis=named_axis(titles, longest=20, down=True, ink=on.ink, size=SMALL - 1),
        shapes=[*frames, *borders],
    )


def _lost(
    rows: Sequence[Cell], means: Sequence[Sequence[float]], lost: Sequence[Sequence[float]], ink: str
) -> dict[str, Any]:
    """Draw what every depth (columns) loses against the best of its data set (rows), in points."""
    return cells(
        lost,
        (faded(WRONG, 0.03), faded(WRONG, 0.85)),
        most=_FULL,
        gap=3,
        name="behind",
        meta={
            "y": None,
            "value": "Points behind the best",
            "also": ["Data set", "Seeds", "Test pictures", "Right (%)"],
        },
        x=list(range(len(lost[0]) if lost else 0)),
        y=list(range(len(rows))),
        **written([[f"{value:.0f}" if value >= _BEST else "best" for value in row] for row in lost], ink),
        customdata=[
            [[label(TASKS[cell.task].title), cell.seeds, cell.test_images, value] for value in row]
            for cell, row in zip(rows, means, strict=True)
        ],
        hover="%{customdata[0]}<br>%{z:.1f} points behind its best; %{customdata[3]:.1f} % right<br>"
        "%{customdata[1]} seeds, %{customdata[2]} test pictures",
    )


def accuracy_over_depth(
    measured: Sequence[Cell], arms: Sequence[str], *, stages: int, theme: Theme = "light"
) -> go.Figure:
    """Draw one data set: accuracy (%) over depth, a curve for each number of images per class, bars over seeds."""
    on = ground(theme)
    curves = sorted(measured, key=lambda cell: cell.images)
    depths = depth_axis(arms, stages, on=on)
    traces = [depths.trace]
    ends = []
    for number, cell in enumerate(curves):
        strength = 0.35 + 0.65 * (number + 1) / len(curves)
        nudge = _NUDGE * (number - (len(curves) - 1) / 2)
        traces.append(_depths(cell, arms, nudge, faded(FIRE, strength)))
        ends.append((traces[-1]["y"][-1], traces[-1]["name"], on.trainable))
    chance = 100 * curves[0].chance
    span = [-EDGE, len(arms) - 1 + EDGE]
    traces.append(level("chance", span, chance, on.muted, hover="chance: %{y:.0f} %"))
    return figure(
        traces,
        theme,
        says=_depths_say(curves, arms, stages),
        height=440,
        margin={"t": 12},
        xaxis=depths.x | {"range": [span[0], span[1] + 0.2]},
        yaxis=depths.y | percent_axis("Test accuracy (%)"),
        yaxis2=depths.stacks,
        annotations=[
            note(text, len(arms) - 0.75, y, colour, anchor="left")
            for y, text, colour in apart(ends, 0, 101, _NAME_HEIGHT)
        ],
    )


def _depths(cell: Cell, arms: Sequence[str], nudge: float, colour: str) -> dict[str, Any]:
    """Draw one number of pictures: means over seeds, and from the lowest seed to the highest."""
    seeds = [[100 * value for value in cell.accuracy[arm]] for arm in arms]
    spread = [Interval(value=sum(arm) / len(arm), low=min(arm), high=max(arm)) for arm in seeds]
    name = f"{cell.per_class_mean:.0f}"
    series = {"series": f"{name} pictures of each class", "low": "Lowest seed", "high": "Highest seed"}
    return line(
        [place + nudge for place in range(len(arms))],
        [mean.value for mean in spread],
        colour,
        dots=9,
        name=name,
        meta=series | {"also": ["Seeds"]},
        customdata=[[cell.seeds, name]] * len(arms),
        hover="%{customdata[1]} pictures of each class<br>%{y:.1f} %, mean of %{customdata[0]} seeds",
    ) | whisker(spread, colour, thickness=2)


def probe_over_stages(measured: Sequence[Measures], *, theme: Theme = "light") -> go.Figure:
    """Draw what a linear probe and a k-NN vote (%) read from every stage of the frozen network, each seed a dot."""
    on = ground(theme)
    stages = [stage.stage for stage in measured[0].stages]
    traces: list[dict[str, Any]] = []
    for name, colour in (("neighbours", GREY), ("probe", ICE)):
        readings = [[getattr(seed.stages[place], name) for seed in measured] for place in range(len(stages))]
        shares = [[100 * reading.value for reading in stage if reading is not None] for stage in readings]
        if all(shares):
            traces += _readings(name, shares, colour)
    traces.append(level("chance", [-0.4, len(stages) - 0.6], 100 * measured[0].chance, on.muted))
    read_from = "Read from the output of this stage, all frozen"
    return figure(
        traces,
        theme,
        says=_probes_say(measured),
        height=440,
        margin={"t": 44},
        title=key((_READ["probe"], ICE, "line"), (_READ["neighbours"], GREY, "line")),
        xaxis=named_axis(stages, read_from, longest=14, room=0.4, ink=on.ink, told="Stage"),
        yaxis=percent_axis("Named rightly (%)"),
    )


def _readings(name: str, shares: Sequence[Sequence[float]], colour: str) -> list[dict[str, Any]]:
    """Draw every seed's dot and the line of the means, a star where they are highest."""
    means = [sum(values) / len(values) for values in shares]
    best = [mean == max(means) for mean in means]
    mean_line = line(
        list(range(len(means))),
        means,
        colour,
        dots=10,
        name=name,
        meta={"series": _READ[name]},
        hover="%{y:.1f} %",
    )
    mean_line["marker"] |= {
        "size": [18 if is_best else 10 for is_best in best],
        "symbol": ["star" if is_best else "circle" for is_best in best],
    }
    seeds = points(
        [place for place, values in enumerate(shares) for _ in values],
        [value for values in shares for value in values],
        faded(colour, 0.5),
        size=7,
        name=f"{name}, by seed",
        meta={"series": _READ[name], "table": "Every seed"},
    )
    return [seeds, mean_line]


def _map_says(
    rows: Sequence[Cell],
    arms: Sequence[str],
    stages: int,
    best: Sequence[Sequence[int]],
    lost: Sequence[Sequence[float]],
) -> str | None:
    """Say which depth is best how often, and the most that one gives away."""
    if not rows:
        return None
    times = [sum(arm in places for places in best) for arm in range(len(arms))]
    often = times.index(max(times))
    most, row, arm = max(
        (points, row, arm) for row, of_row in enumerate(lost) for arm, points in enumerate(of_row)
    )
    return (
        f"Best most often: {arm_title(arms[often], stages)}, on {times[often]} of {len(rows)} data sets. "
        f"Furthest behind: {arm_title(arms[arm], stages)} on {TASKS[rows[row].task].title}, {most:.0f} points."
    )


def _depths_say(curves: Sequence[Cell], arms: Sequence[str], stages: int) -> str:
    """Say which depth is best for the fewest and for the most pictures."""
    parts = []
    for cell in {curve.images: curve for curve in (curves[-1], curves[0])}.values():
        best = max(arms, key=cell.mean)
        parts.append(
            f"with {cell.per_class_mean:.0f} pictures of each class {arm_title(best, stages)} is best, "
            f"{percent(cell.mean(best))}"
        )
    text = "; ".join(reversed(parts))
    return f"{text[:1].upper()}{text[1:]}."


def _probes_say(measured: Sequence[Measures]) -> str:
    """Say from which stage a linear probe reads best."""
    shares: dict[str, float] = {}
    for place, stage in enumerate(measured[0].stages):
        probes = [seed.stages[place].probe for seed in measured]
        values = [probe.value for probe in probes if probe is not None]
        shares |= {stage.stage: sum(values) / len(values)} if values else {}
    if not shares:
        return f"Chance is {percent(measured[0].chance)}."
    best, last = max(shares, key=lambda stage: shares[stage]), measured[0].stages[-1].stage
    text = f"A linear probe reads best from {best}, {percent(shares[best])}"
    return f"{text}; from the last stage, {last}, {percent(shares[last])}." if last in shares else f"{text}."
