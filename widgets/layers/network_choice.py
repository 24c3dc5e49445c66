"""The choice of a network to look through, and of its weights."""

from contextlib import suppress

import streamlit as st

from core import errors
from core.backbones import catalogue
from core.runs import results, service
from core.runs.store.runs import RunRecord
from core.words import megabytes
from widgets import address, frame, network_here, specimens
from widgets.network_picker import PRETRAINED, kept_weights, names_and_linked, own_weights_of
from widgets.runs.visible import visible_run
from widgets.specimens import RANDOM, RUN, NetworkKey

TRAINED, CONTROL, OWN = "trained", "random", "own"
_WEIGHTS = {TRAINED: "Trained", CONTROL: "Random, a control", OWN: "A file of mine"}


def choose() -> NetworkKey:
    """Draw the choice of network and its weights. Raises `RunError` for a run whose network is gone."""
    runs = {RUN + record.id: record.title for record in finished_runs()}
    linked = st.query_params.get("network", "")
    ids = {name: name.removeprefix(RUN) for name in runs}  # by what stands in the address
    if linked.startswith(RUN) and linked not in runs:
        with suppress(errors.RunError):  # somebody else's run, shown by a link that they share
            record = visible_run(linked.removeprefix(RUN)).record
            results.weights_path(record.id)
            runs[linked], ids[linked] = record.title, record.id
    name = address.choose(
        st.selectbox,
        "Network",
        [*runs, *names_and_linked()],  # what one has made oneself comes first
        name="network",
        default=catalogue.DEFAULT,
        forget=address.PLACES,
        format_func=lambda name: _label(name, runs),
    )
    if name in ids:
        return specimens.of_run(ids[name])
    weights = address.choose(
        st.segmented_control,
        "Weights",
        list(_WEIGHTS),
        name="weights",
        default=TRAINED,
        format_func=_WEIGHTS.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    if weights == CONTROL:
        return NetworkKey(name=RANDOM + name)
    if weights == TRAINED:
        return NetworkKey(name=name)
    path = own_weights_of(catalogue.entry(name), otherwise=kept_weights(name))
    if path == PRETRAINED:
        st.caption("Until then you see the weights that come with it.")
    return NetworkKey(name=name, weights=path)


def finished_runs() -> list[RunRecord]:
    """This visitor's finished runs whose network can be looked at."""
    return [
        record
        for record in service.runs_of(frame.visitor())
        if record.spec.kind == "finetune" and record.state == "finished" and record.summary is not None
    ]


def is_here(chosen: NetworkKey) -> bool:
    """Tell whether the network can be loaded at once and names classes; if not, say so, or offer its weights."""
    network = chosen.name.removeprefix(RANDOM)
    if catalogue.is_timm(network) and not catalogue.entry(network).source_classes:
        st.info(
            f"{catalogue.entry(network).title} was taught no classes that have names, so there is no answer of its to "
            "explain. Fine-tune it, then look at the run here.",
            icon=":material/label_off:",
        )
        return False
    return (
        chosen.weights != PRETRAINED
        or not (chosen.name in catalogue.BACKBONES or catalogue.is_timm(chosen.name))
        or network_here.is_here(
            chosen.name,
            key="layers_download",
            instead=", look at a file of your own, or at random weights",
        )
    )


def _label(name: str, runs: dict[str, str]) -> str:
    if name in runs:
        return f"Run: {runs[name]}"
    entry = catalogue.entry(name)
    size = f" · {megabytes(entry.download_bytes)} to download" if entry.download_bytes else ""
    return f"{entry.title}{size}"
