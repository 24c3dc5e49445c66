"""One experiment: its question, its settings, what was measured, what it means, and the code that did it."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from core.figures import technique_panels as panels
from core.figures import techniques as figures
from core.figures.technique_panels import KeyEntry
from core.techniques import live, measured
from core.techniques.events import Pictures
from core.techniques.live import TechniqueRun
from core.techniques.report import Report
from core.techniques.technique import Settings, Technique
from widgets import address, frame, turns
from widgets.chart import chart
from widgets.techniques import settings as settings_row

LOOK_EVERY = 0.8  # seconds
_RUN = "technique_run"
_PICTURE, _SMALL_PICTURE, _GAP = 83, 64, 8  # pixels; four fit beside each other on a phone
_MOST_IN_A_ROW = 12
_JUDGED = {
    "helps": st.success,
    "hurts": st.warning,
    "no difference": st.info,
    "too early": st.info,
}


def draw(technique: Technique) -> None:
    """Draw the whole experiment: of the technique, or of the variant that the address asks for."""
    family, technique = technique, settings_row.variant(technique)
    st.button(
        "All methods",
        icon=":material/arrow_back:",
        type="tertiary",
        key="technique_back",
        on_click=_leave,
        args=(family,),
    )
    st.title(technique.title, anchor=False)
    st.markdown(f"**{technique.question}** {technique.gist}")
    st.caption(f":material/school: Source: {technique.source}  \n:material/flag: Target: {technique.target}")
    _compared(technique)
    chosen = settings_row.choose(family)
    if chosen is None:
        return
    if technique.download:
        st.caption(f":material/download: {technique.download}")
    run = _run_of(technique, chosen)
    every = LOOK_EVERY if run is not None and not run.over else None
    st.fragment(_found, run_every=every)(technique, chosen, polling=every is not None)
    _explained(technique)


def _leave(technique: Technique) -> None:
    settings_row.forget(technique)
    address.write(technique=None, shown=None)


def _run_of(technique: Technique, chosen: Settings) -> TechniqueRun | None:
    """Give the visitor's run, if it is of this technique; one that is over, only if it had the chosen settings."""
    run: TechniqueRun | None = st.session_state.get(_RUN)
    if run is None:
        return None
    if run.technique.name != technique.name:
        run.stop()
        del st.session_state[_RUN]
        return None
    return None if run.over and run.settings != chosen else run


# --- what was found ---------------------------------------------------------------------------------------


def _found(technique: Technique, chosen: Settings, *, polling: bool) -> None:
    run = _run_of(technique, chosen)
    if run is not None:
        run.look()
        if polling and run.over:
            st.rerun()
    _controls(technique, chosen, run)
    shipped = measured.measured(technique.name)
    if run is not None:
        report: Report | None = run.report
    else:
        report = shipped.report if shipped is not None and shipped.settings == chosen else None
    if run is not None and run.error:
        st.error(run.error, icon=":material/error:")
    elif run is not None and run.state == "failed":
        st.error("The experiment ended with an error of ours; what it had measured so far stands here.")
    if report is None or not report.scores:
        if run is None:
            st.info("Not measured with these settings yet; run it.", icon=":material/science:")
        return
    _verdict(report)
    _chart(report)
    _provenance(technique, run, shipped)
    for text in report.remarks:
        st.markdown(f"- {text}")
    _panels(report)


def _controls(technique: Technique, chosen: Settings, run: TechniqueRun | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="technique_run_row"):
        if run is not None and not run.over:
            if st.button("Stop", icon=":material/stop:", key="technique_stop"):
                run.stop()
            st.progress(min(max(run.report.progress.done, 0.0), 1.0), text=_doing(run))
            if run.settings != chosen:
                st.caption("This run keeps the settings that it began with; yours are for the next one.")
            return
        if st.button(
            f"Run it now with {chosen.seeds} seeds",
            type="primary",
            icon=":material/play_arrow:",
            key="technique_start",
        ):
            st.session_state[_RUN] = live.start(technique, chosen, owner=turns.owner())
            st.rerun()
        if (
            run is not None
            and not technique.download
            and st.button("Back to what was measured beforehand", key="technique_shipped")
        ):
            del st.session_state[_RUN]
            settings_row.forget(technique)
            st.rerun()


def _doing(run: TechniqueRun) -> str:
    if run.state == "waiting":
        ahead = live.POOL.ahead(run)
        return f"Somebody else's experiment is running; {ahead} before you" if ahead else "Starting"
    return f"{run.report.progress.phase}, {run.seconds:.0f} s"


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


def _provenance(technique: Technique, run: TechniqueRun | None, shipped: measured.Measured | None) -> None:
    if run is not None:
        ended = {"finished": "Measured just now", "stopped": "Stopped"}.get(run.state, "Being measured now")
        text = f"**{ended}**, {run.seconds:.0f} s."
    else:
        assert shipped is not None
        made = shipped.provenance
        text = (
            f"**Measured beforehand** on {made['date']}: {shipped.seconds:.0f} s on one thread of a "
            f"machine of {made['processor']}."
        )
    drawn = "bands for the two arms of the verdict" if technique.axis else "small dots are single seeds"
    st.caption(
        f"{text} Means and 95 % t intervals over seeds, {drawn}. A seed is one repetition with other random choices; "
        "the verdict compares seed by seed, with its interval in brackets."
    )


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


# --- what it is -------------------------------------------------------------------------------------------


def _compared(technique: Technique) -> None:
    roles = {"method": "", "baseline": " (baseline)", "control": " (control)"}
    with st.expander("What is compared", type="compact"):
        st.markdown("\n".join(f"- **{one.title}**{roles[one.role]}: {one.what}" for one in technique.arms))


def _explained(technique: Technique) -> None:
    if technique.remark:
        st.markdown(f":material/lightbulb: {technique.remark}")
    box = st.expander("Show the code", type="compact", key="technique_code", on_change="rerun")
    if box.open:
        with box:
            for name, source in technique.sources().items():
                st.caption(name.partition(":")[0].replace(".", "/") + ".py")
                st.code(source, language="python", wrap_lines=True)
    st.markdown("**Papers**  \n" + "  \n".join(f"[{one.text}]({one.url})" for one in technique.papers))
