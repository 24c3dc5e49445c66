"""What to keep in mind, all ways to begin in one table, what the source rides cost, and what this does not show."""

from math import isfinite

import numpy as np
import streamlit as st

from core.figures.riding_reasons import doses
from core.metrics.report import Interval
from core.riding import measured
from core.riding.experiment import ARMS, UPDATES
from core.riding.experiment_report import mean, median
from widgets import frame
from widgets.chart import chart

_FLAGS = {"control": "gray", "trained": "orange", "frozen": "blue", "misled": "violet", "near": "yellow"}


def draw() -> None:
    """Draw the section."""
    of = measured.measured()
    st.markdown(frame.prose("riding_remarks"))
    with st.expander("All twelve beginnings, measured", icon=":material/table_rows:"):
        st.markdown(_table())
        st.caption(
            "On the 1971 motorcycle: means and medians over 20 seeds with 95 % percentile bootstrap intervals; a rider "
            "who never came to 90 % counts as later than all others."
        )
    with st.expander("What did the bicycle rides cost?", icon=":material/balance:"):
        st.markdown(
            "It is a matter of dose: a few rides help a little, and the more one rides reversed, the longer one needs "
            "to unlearn it."
        )
        drawn = doses(of.doses, of.until_goal, theme=frame.theme())
        chart(drawn, key="riding_doses")
        st.caption("Medians over 20 seeds with 95 % percentile bootstrap intervals; one update is 3 rides.")
    with st.expander("What this does not show", icon=":material/rule:"):
        st.markdown(frame.prose("riding_limits"))


def _table() -> str:
    rows = [
        f"| Rider | Upright before practice | Updates to 90 % | Never in {UPDATES} |",
        "|---|---|---|---|",
    ]
    for curve in measured.measured().motorcycle.curves:
        arm = ARMS[curve.arm]
        until = curve.until_goal()
        never = int(np.isinf(until).sum())
        rows.append(
            f"| :{_FLAGS[arm.colour]}[●] {arm.title} | {_seconds(mean(curve.seconds[:, 0]))} "
            f"| {_updates(median(until))} | {never or '–'} |"
        )
    return "\n".join(rows)


def _seconds(value: Interval) -> str:
    return f"{value.value:.2f} s [{value.low:.2f}, {value.high:.2f}]"


def _updates(value: Interval) -> str:
    if not isfinite(value.value):
        return f"more than {UPDATES}"
    high = f"{value.high:.0f}" if isfinite(value.high) else f"more than {UPDATES}"
    return f"**{value.value:.0f}** [{value.low:.0f}, {high}]"
