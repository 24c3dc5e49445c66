"""What an experiment has found: the verdict, the chart, remarks, and whatever else there is to see."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from core.figures import technique_panels as panels
from core.figures import techniques as figures
from core.figures.technique_panels import KeyEntry
from core.techniques.events import Pictures
from core.techniques.report import Report
from widgets import address, frame
from widgets.chart import chart

_PICTURE, _SMALL_PICTURE, _GAP = 83, 64, 8  # pixels; four fit beside each other on a phone
_MOST_IN_A_ROW = 12
_JUDGED = {
    "helps": st.success,
    "hurts": st.warning,
    "no difference": st.info,
    "too early": st.info,
}


def draw(report: Report, measured: str) -> None:
    """Draw a report with at least one score; ``measured`` says when and how long it was measured."""
    _verdict(report)
    _chart(report)
    drawn = (
        "bands for the two arms of the verdict" if report.technique.axis else "small dots are single seeds"
    )
    st.caption(
        f"{measured} Means and 95 % t intervals over seeds, {drawn}. A seed is one repetition with other random "
        "choices; the verdict compares seed by seed, with its interval in brackets."
    )
    for text in report.remarks:
        st.markdown(f"- {text}")
    _panels(report)


def _verdict(report: Report) -> None:
    technique, verdict, of = report.technique, report.verdict, report.quantity()
    first, second = (technique.arm(name).title for name in technique.verdict)
    better = "" if of.higher_is_better else "; lower is better, so a plus is a drop"
    mean = f", mean over every place on the axis “{technique.axis.title}”" if technique.axis else ""
    _JUDGED[verdict.judgement](
        f"**{verdict.sentence}**  \n{first}, against: {second}. Measured: {of.title}{mean}{better}."
    )


def _chart(report: Report) -> None:
    quantities = {one.name: one.title for one in report.technique.quantities}
    wanted = next(iter(quantities))
    if len(quantities) > 1:
        wanted = address.choose(
            st.segmented_control,
            "What is measured",
            list(quantities),
            name="shown",
            default=wanted,
            format_func=quantities.__getitem__,
            required=True,
            label_visibility="collapsed",
        )
    _key(figures.key(report))
    drawn = figures.scores(report, wanted, theme=frame.theme())
    chart(drawn, key="technique_scores")


def _panels(report: Report) -> None:
    for panel in report.panels.values():
        st.markdown(f"## {panel.title}")
        if isinstance(panel.drawing, Pictures):
            _pictures(panel.title, panel.drawing)
        else:
            _key(panels.key(panel.drawing))
            drawn = panels.draw(panel.drawing, theme=frame.theme())
            for place, (cell, (title, figure)) in enumerate(zip(st.columns(len(drawn)), drawn, strict=True)):
                with cell:
                    if title:
                        st.markdown(f"**{title}**")
                    chart(figure, key=f"technique_panel_{panel.name}_{place}")
        st.caption(panel.caption)


def _key(entries: Sequence[KeyEntry]) -> None:
    """Explain the colours of a chart, on as many lines as the window needs."""
    if not entries:
        return
    marks = {
        "line": "width:1.7rem;border-top:4px solid {0}",
        "dots": "width:1.7rem;border-top:4px dotted {0}",
        "point": "width:.7rem;height:.7rem;border-radius:50%;background:{0}",
    }
    shown = "".join(
        '<span style="display:inline-flex;align-items:center;gap:.4rem">'
        f'<span style="{marks[one.mark].format(one.colour)}"></span>{escape(one.name)}</span>'
        for one in entries
    )
    st.html(f'<div style="display:flex;flex-wrap:wrap;gap:.15rem 1.2rem">{shown}</div>')


def _pictures(title: str, drawing: Pictures) -> None:
    """Draw the pictures in rows of one length where there is room for that: what belongs together stays so."""
    count = len(drawing.pictures)
    row = max(one for one in range(1, _MOST_IN_A_ROW + 1) if count % one == 0 or one == count)
    side = _PICTURE if row * (_PICTURE + _GAP) < 1024 else _SMALL_PICTURE
    with st.container(horizontal=True, gap="xsmall", width=row * (side + _GAP)):
        for picture, caption in zip(drawing.pictures, drawing.captions, strict=True):
            st.image(picture, caption=caption, width=side, alt=f"{title}: {caption}")
