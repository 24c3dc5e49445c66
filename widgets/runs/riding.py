"""One run of riders who learn, on its own page and on the page where they ride."""

from collections.abc import Callable, Sequence

import streamlit as st

from core import words
from core.figures.riding import learning
from core.riding.config import RidingConfig
from core.riding.experiment_report import BOOTSTRAP, RidingReport
from core.runs.kinds.riding import RidersShown
from core.runs.store.runs import RunRecord
from widgets import chart as charts
from widgets import frame
from widgets.runs import downloads, status
from widgets.runs.state import measured
from widgets.runs.visible import VisibleRun

_PHASES = {"source": "First they learn what they come from", "target": "Learning the motorcycle"}


def draw(seen: VisibleRun) -> None:
    """Draw the run below its heading."""
    config = _asked(seen.record)
    st.page_link(
        frame.page("riding"),
        label="Ride yourself, and watch such riders",
        icon=":material/two_wheeler:",
    )
    live(seen, lambda seen, shown: _learned(config, seen, shown))
    downloads.result_alone(seen, f"riders-{seen.address[:6]}")


def live(seen: VisibleRun, draw_shown: Callable[[VisibleRun, RidersShown], None]) -> None:
    """Draw its status and what it shows, until it is over."""
    status.live(seen.address, doing=doing, draw=draw_shown)


def doing(record: RunRecord, shown: RidersShown) -> str:
    """Say what riders do at the moment."""
    return "Starting" if shown.progress is None else _PHASES.get(shown.progress.phase, shown.progress.phase)


def facts(record: RunRecord) -> str:
    """Say what was found, for a list."""
    figures = record.summary or {}
    return f"{figures['says']} · {words.seconds(figures['seconds'], 1)}"


def chart(
    report: RidingReport | None,
    arms: Sequence[str],
    *,
    terms: Sequence[str] = (),
    forgetting: RidingReport | None = None,
) -> None:
    """Draw learning curves; an empty chart while nobody has been tested yet."""
    curves = learning(report, arms, terms=terms, forgetting=forgetting, theme=frame.theme())
    charts.chart(curves, key="riding_learning")


def provenance(seen: VisibleRun, shown: RidersShown) -> None:
    """Say where the numbers of a run come from."""
    seeds = _asked(seen.record).seeds
    took = f", {words.seconds(shown.seconds, 1)}" if shown.seconds is not None else ""
    small_print(
        f"**{measured(seen.record)}**: {len(seeds)} riders each (seeds {seeds[0]} to {seeds[-1]}){took}."
    )


def small_print(where_from: str) -> None:
    """Say what the curves are, after where they come from."""
    st.caption(
        f"{where_from} An update is 3 rides of 4 s. The test is always the same 96 rides with gusts. "
        f"Lines are means, bands {BOOTSTRAP}."
    )


def _asked(record: RunRecord) -> RidingConfig:
    assert isinstance(record.spec.config, RidingConfig)
    return record.spec.config


def _learned(config: RidingConfig, seen: VisibleRun, shown: RidersShown) -> None:
    chart(shown.report, config.arms)
    provenance(seen, shown)
