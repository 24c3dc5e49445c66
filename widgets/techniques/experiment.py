"""One experiment: its question, its settings, what was measured, what it means, and the code that did it."""

import streamlit as st

from core.runs import service
from core.runs.kinds.lanes import EXPERIMENTS
from core.runs.kinds.technique import ExperimentShown
from core.runs.spec import RunSpec
from core.techniques import measured
from core.techniques.config import ExperimentConfig
from core.techniques.technique import Settings, Technique
from widgets import address, frame
from widgets.runs import status, technique_report
from widgets.runs import technique as technique_run
from widgets.runs.follow import follow
from widgets.runs.visible import VisibleRun, visible_run
from widgets.techniques import settings as settings_row


def draw(technique: Technique) -> None:
    """Draw the whole experiment: of the technique, or of the variant that the address asks for."""
    service.warm(EXPERIMENTS)
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
    _found(technique, chosen)
    _explained(technique)


def _leave(technique: Technique) -> None:
    settings_row.forget(technique)
    address.write(technique=None, shown=None, run=None)


# --- what was found ---------------------------------------------------------------------------------------


def _found(technique: Technique, chosen: Settings) -> None:
    seen = _run_here(technique, chosen)
    if seen is not None and seen.record.active:
        status.live(seen.address, doing=technique_run.doing, draw=technique_run.draw_report)
        if seen.record.spec.config != ExperimentConfig(technique=technique.name, settings=chosen):
            st.caption("This run keeps the settings that it began with; yours are for the next one.")
        return
    _start(technique, chosen, back=seen is not None)
    if seen is not None:
        status.status(seen.record, 0.0, "")
        shown = follow(seen.record)
        assert isinstance(shown, ExperimentShown)
        technique_run.draw_report(seen, shown)
        return
    shipped = measured.measured(technique.name)
    if shipped is None or shipped.settings != chosen:
        st.info("Not measured with these settings yet; run it.", icon=":material/science:")
        return
    made = shipped.provenance
    technique_report.draw(
        shipped.report,
        f"**Measured beforehand** on {made['date']}: {shipped.seconds:.0f} s on one thread of a machine of "
        f"{made['processor']}.",
    )


def _run_here(technique: Technique, chosen: Settings) -> VisibleRun | None:
    """Look up the run that the address names, if it is of this technique; one that has ended, with these settings."""
    named = st.query_params.get("run")
    if named is None:
        return None
    with frame.shown_errors():
        seen = visible_run(named)
        config = seen.record.spec.config
        if (
            isinstance(config, ExperimentConfig)
            and config.entry.name == technique.name
            and (seen.record.active or config.settings == chosen)
        ):
            return seen
    address.write(run=None)
    return None


def _start(technique: Technique, chosen: Settings, *, back: bool) -> None:
    with (
        st.container(horizontal=True, vertical_alignment="center", key="technique_run_row"),
        frame.shown_errors(),
    ):
        if st.button(
            f"Run it now with {chosen.seeds} seeds",
            type="primary",
            icon=":material/play_arrow:",
            key="technique_start",
        ):
            spec = RunSpec(config=ExperimentConfig(technique=technique.name, settings=chosen))
            address.write(run=service.submit(spec, frame.visitor(), address=st.context.ip_address))
            st.rerun()
        if (
            back
            and not technique.download
            and st.button("Back to what was measured beforehand", key="technique_shipped")
        ):
            address.write(run=None)
            settings_row.forget(technique)
            st.rerun()


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
