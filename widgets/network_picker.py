"""Which network the run starts from, and with which weights."""

from dataclasses import dataclass

import streamlit as st

from core.backbones import catalogue
from core.backbones.catalogue import BackboneEntry
from widgets import frame, network

PRETRAINED = "pretrained"


@dataclass(frozen=True, kw_only=True)
class ChosenNetwork:
    """A catalogue entry, and what `FinetuneConfig.weights` takes."""

    entry: BackboneEntry
    weights: str


def pick() -> ChosenNetwork:
    """Draw the choice of network with its facts."""
    name = st.selectbox(
        "Network",
        list(catalogue.BACKBONES),
        format_func=_label,
        key="backbone",
        label_visibility="collapsed",
        persist_state="session",
    )
    entry = catalogue.entry(name or catalogue.BUILT_IN)
    st.caption(f"{entry.about}  \n{_facts(entry)}")
    more = st.expander("Source, licence, own weights", type="compact", key="backbone_more", on_change="rerun")
    weights = kept_weights(entry.name)
    if more.open:
        with more:
            _source(entry)
            weights = own_weights_of(entry)
    elif weights != PRETRAINED:
        st.caption("Starts from the weights that you uploaded.")
    return ChosenNetwork(entry=entry, weights=weights)


def choose(name: str) -> None:
    """Set the network that the picker shows, from outside; its weights are those kept for it."""
    st.session_state["backbone"] = name


def kept_weights(name: str) -> str:
    """The weights that this visit starts the network ``name`` from: a path, or "pretrained"."""
    kept: str = st.session_state.get(f"weights_{name}", PRETRAINED)
    return kept


def _label(name: str) -> str:
    entry = catalogue.entry(name)
    size = f" · {network.megabytes(entry.download_bytes)} to download" if entry.download_bytes else ""
    return f"{entry.title} · {network.count(entry.parameters)} parameters{size}"


def _facts(entry: BackboneEntry) -> str:
    facts = [
        f"{entry.depth} stages",
        f"{network.count(entry.multiply_adds)} multiply-adds a picture",
        f"made for {entry.image_size} × {entry.image_size} pixels",
    ]
    if entry.accuracy is not None:
        facts.append(f"{100 * entry.accuracy:.1f} % right on its source task")
    return " · ".join(facts)


def _source(entry: BackboneEntry) -> None:
    accuracy = "" if entry.accuracy is None else f" Accuracy: {entry.accuracy_source}."
    st.markdown(
        f"**Learned from** {entry.source}.{accuracy}\n\n**Paper.** {entry.citation}\n\n**Terms.** {entry.licence}"
    )


def own_weights_of(entry: BackboneEntry, otherwise: str = PRETRAINED) -> str:
    """Take a weights file of the visitor's own, kept for this visit; without one, ``otherwise`` is used."""
    from core.jobs import own_weights

    file = st.file_uploader(
        "Weights file to use instead (.safetensors or .pth)",
        type=["safetensors", "pth", "pt"],
        key=f"weights_file_{entry.name}",
        max_upload_size=700,
    )
    weights = otherwise
    if file is not None:
        # Reading hundreds of megabytes at every click would be felt: a file is checked and kept once.
        stored: dict[tuple[str, str], str] = st.session_state.setdefault("weights_stored", {})
        place = (entry.name, file.file_id)
        with frame.shown_errors():
            if place not in stored:
                stored[place] = own_weights.store(entry.name, file.name, file.getvalue())
            weights = stored[place]
    st.session_state[f"weights_{entry.name}"] = weights
    return weights
