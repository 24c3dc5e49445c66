"""One run of an experiment, on its own page and on the page of its method."""

import streamlit as st

from core import words
from core.runs.kinds.technique import ExperimentShown
from core.runs.store.runs import RunRecord
from core.techniques.config import ExperimentConfig
from widgets import frame
from widgets.runs import downloads, status, technique_report
from widgets.runs.state import measured
from widgets.runs.visible import VisibleRun


def draw(seen: VisibleRun) -> None:
    """Draw the run below its heading."""
    config = seen.record.spec.config
    assert isinstance(config, ExperimentConfig)
    entry = config.entry
    st.markdown(f"**{entry.question}** {entry.gist}")
    settings = {name: str(value) for name, value in config.settings.to_json().items()}
    st.page_link(
        frame.page("techniques"),
        label="The method, its papers and its code",
        icon=":material/school:",
        query_params={"technique": config.technique, **settings},
    )
    status.live(seen.address, doing=doing, draw=draw_report)
    downloads.result_alone(seen, f"{entry.name}-{seen.address[:6]}")


def doing(record: RunRecord, shown: ExperimentShown) -> str:
    """Say what an experiment in work does."""
    return "Starting" if shown.progress is None else shown.progress.phase


def facts(record: RunRecord) -> str:
    """Say what was found, for a list."""
    figures = record.summary or {}
    return f"{figures['says']} · {words.seconds(figures['seconds'])}"


def draw_report(seen: VisibleRun, shown: ExperimentShown) -> None:
    """Draw what is measured so far."""
    if shown.report.scores:
        technique_report.draw(shown.report, f"**{measured(seen.record)}**{_took(seen, shown)}.")


def _took(seen: VisibleRun, shown: ExperimentShown) -> str:
    record = seen.record
    if shown.seconds is not None:
        return f" in {words.seconds(shown.seconds)}"
    if record.started is None or shown.last_at is None:
        return ""
    return f", for {words.seconds(max(0.0, shown.last_at - record.started))}"
