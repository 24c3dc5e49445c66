"""Check it: a sweep over all freeze depths on the visitor's own pictures, as a job."""

import streamlit as st

from core.jobs import api
from core.jobs.spec import JobSpec
from core.training.sweep_config import SweepConfig
from widgets import frame, sweep_run
from widgets.advise.asked import Asked
from widgets.layers import address
from widgets.network_picker import kept_weights

SEEDS = 3


def draw(asked: Asked) -> None:
    """Draw the button that starts the sweep, or the sweep that the address names."""
    if asked.choice is None or asked.advice is None:
        st.markdown("Bring pictures, and every depth is tried on them: the advice is proved right or wrong.")
        return
    st.markdown(
        f"Every freeze depth is trained on your pictures with {SEEDS} seeds, and tested on pictures that none of them "
        "has seen. It runs outside this page: close it, and the result waits under Runs."
    )
    run = st.query_params.get("sweep")
    if run is not None and st.session_state.get("advise_swept", (run, None))[1] not in (
        None,
        _question(asked),
    ):
        run = None  # it was about other pictures, or another network
        address.write(sweep=None)
    if run is None:
        if st.button(
            "Check it on my pictures", type="primary", icon=":material/science:", key="advise_check"
        ):
            with frame.shown_errors():
                run = _start(asked)
                st.session_state["advise_swept"] = (run, _question(asked))
                address.write(sweep=run)
                st.rerun()
        return
    sweep_run.draw(run, advised=asked.advice.arm)


def _question(asked: Asked) -> tuple[str, str, int | None]:
    assert asked.choice is not None
    return asked.entry.name, asked.choice.reference, asked.choice.per_class


def _start(asked: Asked) -> str:
    assert asked.choice is not None
    config = SweepConfig(
        backbone=asked.entry.name,
        weights=kept_weights(asked.entry.name),
        per_class=asked.choice.per_class,
        seeds=SEEDS,
    )
    title = f"{asked.choice.title}: every freeze depth"
    return api.submit(JobSpec(config=config, data=asked.choice.reference, title=title), frame.visitor())
