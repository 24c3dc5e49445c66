"""What a visitor can take home from a finished run. Files are read or made when a button is pressed."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from core.runs import results
from core.runs.files import artefacts
from core.runs.kinds.finetuning_result import RunResult
from widgets import frame, media_gate
from widgets.runs.visible import VisibleRun, visible_run


def draw(seen: VisibleRun, result: RunResult) -> None:
    """Draw the download buttons."""
    name = f"{result.config['backbone']}-{seen.address[:6]}"
    asks = frame.visitor()  # a download starts outside the page, where nobody is asking

    def asked() -> VisibleRun:
        return visible_run(seen.address, asks)

    with st.grid(4, min_column_width=220):
        _file(
            "Weights",
            "safetensors",
            f"{name}.safetensors",
            lambda: results.weights_path(asked().id).read_bytes(),
        )
        _file(
            "The run as JSON",
            "settings, curves, figures, audit",
            f"{name}.json",
            lambda: _json(asked()),
        )
        _file(
            "PyTorch script",
            "needs torch and torchvision alone",
            f"{name}.py",
            lambda: results.reproduction_script(asked().id).encode(),
        )
        # It holds the pictures that the run learned from: somebody's own are not given away with a link.
        if seen.mine or not seen.own_pictures:
            _file(
                "Script with its pictures",
                "ZIP: run it to get the same accuracy",
                f"{name}.zip",
                lambda: results.reproduction_zip(asked().id),
            )
    code = st.expander("Read the script", type="compact", key="read_script", on_change="rerun")
    if code.open:
        code.code(results.reproduction_script(seen.id), language="python", height=480)


def figures(seen: VisibleRun, name: str, files: Mapping[str, Callable[[VisibleRun], bytes]]) -> None:
    """Draw the buttons of a run that leaves nothing but its figures: ``files`` by suffix, read when asked for."""
    if seen.record.active:
        return
    asks = frame.visitor()  # a download starts outside the page, where nobody is asking
    with st.container(horizontal=True, key="run_figures"):
        for suffix, read in files.items():
            st.download_button(
                suffix.upper(),
                media_gate.own(partial(_asked, seen.address, asks, read)),
                file_name=f"{name}.{suffix}",
                mime="application/octet-stream",
                icon=":material/download:",
                on_click="ignore",
                key=f"download_{suffix}",
            )


def result_alone(seen: VisibleRun, name: str) -> None:
    """Draw the button of a run whose figures are its result, once there is one."""
    figures(seen, name, {"json": result_file} if seen.record.state == "finished" else {})


def result_file(seen: VisibleRun) -> bytes:
    """Read a finished run's figures as JSON."""
    return results.result_path(seen.id).read_bytes()


def _asked(address: str, visitor: str, read: Callable[[VisibleRun], bytes]) -> bytes:
    """Read for whoever may see the run at this moment."""
    return read(visible_run(address, visitor))


def _json(seen: VisibleRun) -> bytes:
    """Read the run's file; for a guest without the place where this server keeps a weights file of the owner's."""
    result = results.result(seen.id)
    if seen.mine or result.config["weights"] == "pretrained":
        return results.result_path(seen.id).read_bytes()
    config = result.config | {"weights": "a file of the owner's"}
    return artefacts.json_bytes(dataclasses.replace(result, config=config).to_json())


def _file(label: str, what: str, file_name: str, read: Callable[[], bytes]) -> None:
    with st.container(gap="xsmall"):
        st.download_button(
            label,
            media_gate.own(read),
            file_name=file_name,
            mime="application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
            key=f"download_{file_name.rsplit('.', 1)[-1]}",
            width="stretch",
        )
        st.caption(what)
