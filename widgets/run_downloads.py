"""What a visitor can take home from a finished run. Files are read or made when a button is pressed."""

from collections.abc import Callable

import streamlit as st

from core.jobs import api
from core.jobs.result import RunResult
from core.jobs.spec import UPLOAD
from widgets import frame


def draw(run_id: str, result: RunResult) -> None:
    """Draw the download buttons."""
    name = f"{result.config['backbone']}-{run_id[:6]}"
    with st.grid(4, min_column_width=220):
        _file("Weights", "safetensors", f"{name}.safetensors", api.weights_path(run_id).read_bytes)
        _file(
            "The run as JSON",
            "settings, curves, figures, audit",
            f"{name}.json",
            api.result_path(run_id).read_bytes,
        )
        _file(
            "PyTorch script",
            "needs torch and torchvision alone",
            f"{name}.py",
            lambda: api.reproduction_script(run_id).encode(),
        )
        record = api.run(run_id)
        mine = record.visitor == frame.visitor()
        # A link shows a run to others; somebody's own pictures are not given away with it.
        if mine or not record.spec.data.startswith(UPLOAD):
            _file(
                "Script with its pictures",
                "ZIP: run it to get the same accuracy",
                f"{name}.zip",
                lambda: api.reproduction_zip(run_id),
            )
    code = st.expander("Read the script", type="compact", key="read_script", on_change="rerun")
    if code.open:
        code.code(api.reproduction_script(run_id), language="python", height=480)
    if mine:
        with st.popover("Delete this run", type="tertiary", icon=":material/delete:"):
            st.markdown("Its weights, curves and pictures are gone for good.")
            if st.button("Delete", key="delete_run"):
                api.delete(run_id, visitor=frame.visitor())
                st.query_params.clear()
                st.rerun()


def _file(label: str, what: str, file_name: str, read: Callable[[], bytes]) -> None:
    with st.container(gap="xsmall"):
        st.download_button(
            label,
            read,
            file_name=file_name,
            mime="application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
            key=f"download_{file_name.rsplit('.', 1)[-1]}",
            width="stretch",
        )
        st.caption(what)
