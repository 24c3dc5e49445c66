"""How good the advice is: what it gives away on data sets that it had not seen, beside every rule of thumb."""

import streamlit as st

from core.advice import evidence, sentences
from core.advice import record as shipped
from core.advice.report import BETWEEN, Record
from core.backbones import catalogue
from core.backbones.catalogue import BackboneEntry
from core.training import few_steps
from core.words import number, percent
from widgets import frame
from widgets.chart import chart


def draw(entry: BackboneEntry) -> None:
    """Draw the whole record, losses among it."""
    measured = evidence.speaks_for(entry.name)
    found = None if measured is None else shipped.record(measured.backbone)
    if measured is None or found is None:
        st.info("Not measured yet: the table of the evidence is missing here.", icon=":material/hourglass:")
        return
    st.markdown(
        f"Every data set was left out in turn, and the advice for it worked out from the others: {found.tasks} data "
        f"sets, {found.cells} cases (data set × pictures of each class), {found.runs:,} trained networks, with "
        f"{catalogue.entry(measured.backbone).title}, which saw {measured.image_size} × {measured.image_size} pixels. "
        "What it *gives away* is how far the depth it chose fell behind the one that turned out best: 1 point is one "
        "more mistake in a hundred test pictures."
    )
    st.markdown("\n".join(f"- {one}" for one in sentences.standing(found)))
    st.caption(f"{few_steps.sentence()} {sentences.measured_anew(measured)}".strip())
    _chart(found)
    _numbers(found)


def _chart(found: Record) -> None:
    from core.figures.advice_record import regrets

    left, beside = st.columns([3, 1], gap="medium")
    with left:
        chart(
            regrets([one for one in found.policies if not one.name.startswith(BETWEEN)], theme=frame.theme()),
            key="advise_record",
        )
        st.caption("Mean and 95 % bootstrap interval over data sets. Grey ground: this advice.")
    with beside:
        st.metric(
            "Inside the 80 % range",
            percent(found.covered.value, 0),
            help="How often the measured accuracy fell inside the stated range, the data set not having been seen.",
        )
        st.caption(
            f"of unseen cases; 95 % interval {number(100 * found.covered.low, 0)} to {percent(found.covered.high, 0)}."
        )


def _numbers(found: Record) -> None:
    with st.expander("Every figure, worst cases named", type="compact"):
        st.dataframe(
            {
                "Way to choose": [one.title for one in found.policies],
                "Mean": [one.regret.value for one in found.policies],
                "Best picked on other seeds": [one.fair_regret.value for one in found.policies],
                "90th percentile": [one.percentile_90.value for one in found.policies],
                "Worst": [one.worst for one in found.policies],
                "Worst case": [sentences.worst_case(one) for one in found.policies],
                "Time": [one.cost for one in found.policies],
            },
            hide_index=True,
            column_config={
                **{
                    name: st.column_config.NumberColumn(format="%.1f")
                    for name in ("Mean", "Best picked on other seeds", "90th percentile", "Worst")
                },
                "Time": st.column_config.NumberColumn(
                    format="%.2f", help="Seconds of the chosen depth, of those of training everything."
                ),
            },
        )
        st.caption(
            "Points of accuracy given away. “The depth that turned out best” is the best of several noisy means and "
            "so looks a little too good; picked on other seeds, it does not."
        )
