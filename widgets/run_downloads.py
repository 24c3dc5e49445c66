"""What a visitor can take home from a finished run."""

import streamlit as st

from core.jobs import api
from core.jobs.result import RunResult


def draw(run_id: str, result: RunResult) -> None:
    """Draw the download buttons; a file is read when its button is pressed."""
    name = f"{result.config['backbone']}-{run_id[:6]}"
    with st.grid(3, min_column_width=220):
        _file("Weights", "safetensors, for PyTorch and others", f"{name}.safetensors", "weights", run_id)
        _file("The run as JSON", "settings, curves, test figures, audit", f"{name}.json", "result", run_id)
        with st.container():
            st.download_button(
                "PyTorch script",
                lambda: api.reproduction_script(run_id),
                file_name=f"{name}.py",
                mime="text/x-python",
                icon=":material/code:",
                on_click="ignore",
                key="download_script",
                width="stretch",
            )
            st.caption("reproduces the run with torch and torchvision alone")


def _file(label: str, what: str, file_name: str, kind: str, run_id: str) -> None:
    path = {"weights": api.weights_path, "result": api.result_path}[kind](run_id)
    with st.container():
        st.download_button(
            label,
            path.read_bytes,
            file_name=file_name,
            mime="application/octet-stream" if kind == "weights" else "application/json",
            icon=":material/download:",
            on_click="ignore",
            key=f"download_{kind}",
            width="stretch",
        )
        st.caption(what)
