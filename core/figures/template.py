"""The one look of all charts: colours with a meaning, big type, a transparent ground for both themes.

Ice blue is frozen, fire orange is trainable, grey is from scratch or a control; teal is right, violet is wrong,
gold is data. The same values stand in ``.streamlit/config.toml``. Builders hand over plain dicts: checked
construction of every trace costs more than the whole rest, and the tests check what comes out.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import plotly.graph_objects as go

from core import errors

Theme = Literal["light", "dark"]
ColourRole = Literal["frozen", "trainable", "control"]

ICE, FIRE, GREY = "#3595D3", "#E56919", "#858F9A"
RIGHT, WRONG, DATA = "#2A9D78", "#8A6FC4", "#AB8A21"  # like the three, 3:1 and more on every ground
ON_COLOUR = "#0B1015"  # text on a full colour, in both themes: 4.5:1 and more on each
ROLES: dict[ColourRole, str] = {"frozen": ICE, "trainable": FIRE, "control": GREY}

FONT = '"Source Sans", "Source Sans Pro", "Segoe UI", system-ui, "Liberation Sans", sans-serif'
SIZE, SMALL = 16, 14  # px: body and tick labels


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What the theme decides: text, lines, and readable versions of the colours with a meaning."""

    ink: str
    muted: str
    grid: str
    paper: str  # only behind hover labels and as the gap between bars; charts themselves are transparent
    frozen: str
    trainable: str
    control: str


GROUNDS: dict[Theme, Ground] = {
    "light": Ground(
        ink="#1B2733",
        muted="#55606B",
        grid="#D9E0E7",
        paper="#FFFFFF",
        frozen="#17618F",
        trainable="#A3450B",
        control="#55606B",
    ),
    "dark": Ground(
        ink="#E6EBF0",
        muted="#B3BCC6",
        grid="#323D49",
        paper="#11161C",
        frozen="#9BD3F3",
        trainable="#F7B27E",
        control="#B3BCC6",
    ),
}


def ground(theme: Theme) -> Ground:
    """Look up a theme; `SettingsError` for a name that is none."""
    errors.one_of("theme", theme, GROUNDS)
    return GROUNDS[theme]


def faded(colour: str, opacity: float) -> str:
    """``#RRGGBB`` with an opacity of 0-1, as CSS."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def label(name: str, longest: int | None = None) -> str:
    """Make a name (a person's own class, say) safe to draw: cut to ``longest`` signs, markup made harmless.

    Where there is room, the end stays: names of one data set often begin alike.
    """
    if longest is not None and len(name) > longest:
        end = (longest - 1) // 3 if longest >= 8 else 0
        name = name[: max(longest - 1 - end, 1)].rstrip() + "…" + name[len(name) - end :].lstrip()
    return html.escape(name, quote=False)


@cache
def template(theme: Theme) -> go.layout.Template:
    """Build the template of ``theme``. It is shared: copy it before changing anything."""
    on = ground(theme)
    axis = {
        "title": {"font": {"size": SIZE, "color": on.ink}, "standoff": 10},
        "tickfont": {"size": SMALL, "color": on.muted},
        "ticklabelstandoff": 5,
        "gridcolor": on.grid,
        "linecolor": on.grid,
        "zerolinecolor": on.grid,
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,  # nothing zooms away under a finger
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": SIZE, "color": on.ink},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": [FIRE, ICE, GREY, WRONG, RIGHT, DATA],
            "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
            "height": 360,
            "xaxis": axis,
            "yaxis": axis,
            "dragmode": False,
            "hovermode": "closest",
            "hoverlabel": {
                "bgcolor": on.paper,
                "bordercolor": on.muted,
                "font": {"family": FONT, "size": SMALL, "color": on.ink},
                "align": "left",
                "namelength": -1,
            },
            "showlegend": False,  # see `key`
            "uniformtext": {"minsize": 11, "mode": "show"},
        }
    )


KeySign = Literal["bar", "dot", "line", "dots", "dashes", "dash-dots"]
_SIGNS: dict[KeySign, str] = {
    "bar": "■",
    "dot": "●",
    "line": "━━",
    "dots": "┅┅",
    "dashes": "━ ━",
    "dash-dots": "━ ▪ ━",
}


def key(*entries: tuple[str, str, KeySign]) -> dict[str, Any]:
    """Explain colours on one line at the top: (name, CSS colour, sign) each, as a value for ``layout.title``.

    Plotly's own legend starts where the plot area does, folds into a column beside long tick labels, pushes
    the margins, and grows when a line's first point arrives. This line stays where it is.
    """
    parts = [
        f'<span style="color:{colour};font-size:1.25em">{_SIGNS[sign]}</span> {name}'
        for name, colour, sign in entries
    ]
    return {
        "text": "\u2003".join(parts),
        "font": {"size": SMALL + 1, "weight": 400},
        "x": 0,
        "xref": "container",
        "xanchor": "left",
        "y": 1,
        "yref": "container",
        "yanchor": "top",
        "pad": {"t": 8, "l": 4},
    }


def figure(
    traces: Sequence[Mapping[str, Any]], theme: Theme, *, says: str | None = None, **layout: Any
) -> go.Figure:
    """Put plain ``traces`` and Plotly's ``layout`` under the theme's template, unchecked and therefore fast.

    ``says`` is what the chart shows, in a sentence, where it knows more than `core.figures.says` reads off it. That
    and what axes have under "told" (see `core.figures.axes`) become the layout's ``meta``, which Plotly lets through.
    What is None is left out.
    """
    layout = {name: value for name, value in layout.items() if value is not None}
    axes = [name for name in layout if name[1:].startswith("axis") and "told" in layout[name]]
    meta = {name: layout[name]["told"] for name in axes} | ({"says": says} if says else {})
    layout |= {name: {part: layout[name][part] for part in layout[name] if part != "told"} for name in axes}
    return go.Figure(
        data=[dict(trace) for trace in traces],
        layout={**layout, **({"meta": meta} if meta else {}), "template": template(theme)},
        _validate=False,
    )
