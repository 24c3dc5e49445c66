"""Whether a network's weights are on this machine; where they are not, a download is offered with its size."""

import streamlit as st

from core.backbones import catalogue
from core.words import megabytes
from widgets import frame


def is_here(name: str, *, key: str, instead: str = "") -> bool:
    """Tell whether the catalogue network ``name`` can be loaded at once; if not, offer its download.

    ``instead`` ends the sentence, saying what else one may do.
    """
    from core.backbones import weights

    if weights.are_here(name):
        return True
    entry = catalogue.entry(name)
    st.info(
        f"The weights of {entry.title} are not here yet. Download them once{instead}.",
        icon=":material/download:",
    )
    if entry.conditions:
        st.warning(frame.plain(entry.conditions), icon=":material/gavel:")
    if st.button(f"Download {megabytes(entry.download_bytes)}", key=key, type="primary"):
        bar = st.progress(0.0, "Connecting …")

        def progress(done: int, total: int) -> None:
            size = total or entry.download_bytes
            words = f"{megabytes(done)} of {megabytes(size)}"
            bar.progress(min(done / size, 1.0), words)

        with frame.shown_errors():
            weights.downloaded(name, progress)
            st.rerun()
    return False
