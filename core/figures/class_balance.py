"""How many images each class has."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from core.figures.axes import axis, named_axis
from core.figures.marks import bars, note
from core.figures.template import DATA, Theme, faded, figure, ground, key, label

MOST_NAMES = 30  # classes up to which every one has a row with its name
PARTS = {"train": ("Training", 1.0), "validation": ("Validation", 0.55), "test": ("Test", 0.25)}


def class_balance(
    counts: Mapping[str, Sequence[int]], class_names: Sequence[str], *, theme: Theme = "light"
) -> go.Figure:
    """Draw images per class, stacked by part: ``counts`` maps "train", "validation", "test" to (C,) numbers.

    Up to 30 classes are rows with names, in their own order; more are thin columns, the largest first.
    """
    on = ground(theme)
    classes = len(class_names)
    for part, numbers in counts.items():
        if len(numbers) != classes:
            raise ValueError(f"{classes} class names for {len(numbers)} counts of {part}")
    totals = [sum(numbers[place] for numbers in counts.values()) for place in range(classes)]
    rows = classes <= MOST_NAMES
    order = list(range(classes)) if rows else sorted(range(classes), key=lambda place: -totals[place])
    along, across = ("y", "x") if rows else ("x", "y")
    looks = {part: PARTS.get(part, (label(part, 20), 0.8)) for part in counts}
    traces = [
        _bars(title, strength, [(class_names[place], counts[part][place]) for place in order], rows=rows)
        for part, (title, strength) in looks.items()
    ]
    images = axis("Images", range=[0, max([*totals, 1]) * (1.14 if rows else 1.04)], nticks=6)
    ordered = [class_names[place] for place in order]
    names = named_axis(ordered, longest=16, down=True, ink=on.ink, told="Class")
    if not rows:
        nameless = axis(f"{classes} classes, the largest first", tickvals=[], showgrid=False)
        names = nameless | {"told": names["told"]}
    legend = key(*((title, faded(DATA, strength), "bar") for title, strength in looks.values()))
    sums = [
        note(f"<b>{total}</b>", total, row, on.ink, anchor="left", xshift=4)
        for row, total in enumerate(totals)
    ]
    return figure(
        traces,
        theme,
        says=_says(totals, class_names),
        height=110 + 32 * max(classes, 2) if rows else 320,
        barmode="stack",
        bargap=0.3 if rows else 0,
        margin={"t": 40 if len(counts) > 1 else 12},
        title=legend if len(counts) > 1 else None,
        annotations=sums if rows else None,
        **{f"{along}axis": names, f"{across}axis": images},
    )


def _bars(title: str, strength: float, counts: Sequence[tuple[str, int]], *, rows: bool) -> dict[str, Any]:
    """Draw one part: the class's name and its number of images, lying as rows or standing as columns."""
    places, images = list(range(len(counts))), [count for _, count in counts]
    return bars(
        images if rows else places,
        places if rows else images,
        faded(DATA, strength),
        rim={"color": DATA, "width": 1.2 if rows else 0},
        name=title,
        orientation="h" if rows else "v",
        customdata=[[label(name, 60), title.lower()] for name, _ in counts],
        hover=f"%{{customdata[0]}}<br>%{{{'x' if rows else 'y'}}} for %{{customdata[1]}}",
    )


def _says(totals: Sequence[int], class_names: Sequence[str]) -> str | None:
    """Say how many images there are, and of which class fewest and most."""
    if not totals:
        return None
    few, many = totals.index(min(totals)), totals.index(max(totals))
    images = f"{sum(totals):,} images in {len(totals)} classes"
    if totals[few] == totals[many]:
        return f"{images}, {totals[few]:,} of each."
    return f"{images}, from {totals[few]:,} ({class_names[few]}) to {totals[many]:,} ({class_names[many]})."
