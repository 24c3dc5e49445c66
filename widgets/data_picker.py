"""Where the pictures come from: built-in cards, downloads, or a person's own; ends in one reference for a job."""

import threading
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.datasets import catalogue, noticed
from core.datasets.catalogue import DatasetEntry
from core.datasets.open import load
from core.runs.spec import UPLOAD
from core.words import count, megabytes
from widgets import address, frame, own_pictures, previews
from widgets.chart import chart
from widgets.previews import Choice, Preview
from widgets.settings import SETTINGS

BUILT_IN, DOWNLOAD, OWN = "Built in", "Download", "My own pictures"
ALL, FEW = 0, 25
_ALL_OF_IT = "all"  # in an address
PER_CLASS = (10, FEW, 50, 100, ALL)
FIRST = "digits"  # chosen until somebody chooses: whoever looks recognises every picture, and every mistake
LISTED = 50  # skipped files that are written out


_reading = threading.Lock()
_built_in_previews: dict[str, Preview] = {}


def built_in_preview(name: str) -> Preview:
    """Preview a set that comes with the lab; the first call reads it, once for all visitors."""
    if name not in _built_in_previews:
        with _reading:
            if name not in _built_in_previews:
                _built_in_previews[name] = previews.preview(load(name, side=previews.SIDE))
    return _built_in_previews[name]


def warm_up() -> None:
    """Read the built-in sets before anybody asks for them."""
    for entry in catalogue.DATASETS.values():
        if entry.kind == "builtin":
            built_in_preview(entry.name)


def choose(reference: str, per_class: int | None) -> bool:
    """Set the data set and pictures of each class from outside, before the picker is drawn; False if unknown."""
    own = reference.startswith(UPLOAD)
    entry = catalogue.DATASETS.get(reference)
    if own:
        if not own_pictures.choose(reference):
            return False
        st.session_state["data_source"] = OWN
    elif entry is None:
        return False
    else:
        st.session_state["data_source"] = BUILT_IN if entry.kind == "builtin" else DOWNLOAD
        st.session_state["data_built_in" if entry.kind == "builtin" else "data_download"] = reference
    wanted = per_class or ALL
    if wanted in PER_CLASS:
        st.session_state[f"per_class_{'own' if own else 'given'}"] = wanted
    return True


def _follow_link() -> None:
    """Choose the data set, and how much of it, that a link names; say so where it is not here."""
    linked = address.followed("data", ("data", "pictures"))
    if "data" not in linked:
        return
    reference, much = linked["data"], linked.get("pictures", _ALL_OF_IT)
    if choose(reference, int(much) if much.isdecimal() else None):
        return
    if reference.startswith(UPLOAD):
        st.session_state["data_source"] = OWN
        st.warning(
            "The link is about uploaded pictures that are not here: an upload is its owner's alone. Bring yours.",
            icon=":material/link_off:",
        )
    else:
        address.refuse("data set", reference, "another")


def _keep_link(choice: Choice) -> None:
    """Keep in the address what was chosen, unless it is what everybody begins with."""
    if choice.reference == FIRST and choice.per_class == FEW:
        address.kept("data", data=None, pictures=None)
    else:
        address.kept("data", data=choice.reference, pictures=choice.per_class or _ALL_OF_IT)


def pick() -> Choice | None:
    """Draw the picker, which follows a link and writes one; None until something usable is chosen."""
    _follow_link()
    choice = _pick()
    if choice is not None:
        _keep_link(choice)
    return choice


def _pick() -> Choice | None:
    st.session_state.setdefault("data_source", BUILT_IN)
    source = st.segmented_control(
        "Where the pictures come from",
        [BUILT_IN, DOWNLOAD, OWN],
        required=True,
        key="data_source",
        label_visibility="collapsed",
        persist_state="session",
    )
    with frame.shown_errors():
        choice = {BUILT_IN: _built_in, DOWNLOAD: _download, OWN: own_pictures.pick}[source or BUILT_IN]()
        if choice is None:
            return None
        if choice.preview is not None:
            _details(choice)
        return replace(choice, per_class=_per_class(source == OWN))
    return None


def _per_class(own: bool) -> int | None:
    """Ask how much to learn from: few pictures are where transfer matters, and where a run is quick."""
    key = f"per_class_{'own' if own else 'given'}"
    st.session_state.setdefault(key, ALL if own else FEW)
    chosen = st.segmented_control(
        "Training pictures of each class",
        PER_CLASS,
        format_func=lambda count: f"{count}" if count else "All",
        required=True,
        key=key,
        help=SETTINGS["per_class"].help,
        persist_state="session",
    )
    return chosen or None


# --- built in -------------------------------------------------------------------------------------------


def _built_in() -> Choice:
    entries = [entry for entry in catalogue.DATASETS.values() if entry.kind == "builtin"]
    entries.sort(key=lambda entry: entry.name != FIRST)
    chosen = st.session_state.setdefault("data_built_in", FIRST)
    waiting = []
    with st.grid(4, min_column_width=150, gap="small", key="data_cards"):
        for entry in entries:
            slot = _card(entry, chosen=entry.name == chosen)
            if entry.name in _built_in_previews:
                _card_image(slot, entry)
            else:
                slot.skeleton(height=100)
                waiting.append((slot, entry))
    entry = catalogue.DATASETS[chosen]
    st.caption(entry.about)

    def finish() -> None:
        for slot, one in waiting:
            _card_image(slot, one)

    return Choice(
        reference=chosen,
        title=entry.title,
        classes=entry.classes,
        preview=lambda: built_in_preview(chosen),
        finish=finish,
    )


def _card_image(slot: DeltaGenerator, entry: DatasetEntry) -> None:
    slot.image(built_in_preview(entry.name).card, width="stretch", alt=f"Pictures from {entry.title}")


def _card(entry: DatasetEntry, *, chosen: bool) -> DeltaGenerator:
    """Draw a card; the place for its pictures comes back."""
    # The button's hit area is stretched over the whole card (frame.css). The card's own key stays, whatever is
    # chosen: another would make the card, and the button in it, anew, and take the focus away.
    with st.container(border=True, key=f"card_{entry.name}"):
        slot = st.empty() if entry.name not in _built_in_previews else st.container()
        st.button(
            entry.title,
            key=f"choose_{entry.name}",
            type="tertiary",
            icon=":material/check_circle:" if chosen else None,
            on_click=st.session_state.update,
            args=({"data_built_in": entry.name},),
        )
        with st.container(key=f"{'chosen' if chosen else 'free'}_{entry.name}"):
            st.caption(f"{count(entry.images, 'picture')} · {count(entry.classes, 'class', 'classes')}")
    return slot


# --- downloads ------------------------------------------------------------------------------------------


def _download() -> Choice | None:
    entries = {entry.name: entry for entry in catalogue.DATASETS.values() if entry.kind == "download"}
    name = st.selectbox(
        "Data set",
        list(entries),
        format_func=lambda one: f"{entries[one].title} · {megabytes(entries[one].download_bytes)}",
        key="data_download",
        persist_state="session",
    )
    if name is None:
        return None
    entry = entries[name]
    st.caption(
        f"{entry.about}  \n"
        f"{count(entry.images, 'picture')} · {count(entry.classes, 'class', 'classes')} · "
        f"{megabytes(entry.download_bytes)} to download when the run starts, once"
    )
    with st.expander("Licence and citation", type="compact"):
        st.markdown(f"**Licence.** {entry.licence}\n\n**Citation.** {entry.citation}")
    return Choice(reference=name, title=entry.title, classes=entry.classes, preview=None)


# --- what is inside -------------------------------------------------------------------------------------


def _details(choice: Choice) -> None:
    """Say what the import noticed, and fold away a look at the classes."""
    assert choice.preview is not None
    if choice.reference.startswith(UPLOAD):
        _noticed(choice.preview())
    look = st.expander("Look at the classes", type="compact", key="data_look", on_change="rerun")
    if look.open:
        with look:
            _classes(choice.preview())


def _noticed(shown: Preview) -> None:
    report = shown.report
    for warning in filter(
        None, (noticed.cropped(report, shown.reading), noticed.dark(report, shown.reading))
    ):
        st.warning(warning, icon=":material/crop:")
    for text in report.caveats:
        st.warning(frame.plain(text), icon=":material/content_copy:")
    for text in report.remarks:
        st.info(frame.plain(text), icon=":material/folder_open:")
    if report.skipped:
        with st.expander(_left_out(len(report.skipped)), icon=":material/report:"):
            st.text("\n".join(f"{file}: {why}" for file, why in report.skipped[:LISTED]))
    for sentence in noticed.conversions(report, shown.reading):
        st.caption(sentence)


def _classes(shown: Preview) -> None:
    from core.figures.class_balance import class_balance

    for row in shown.rows:
        name, strip = st.columns([1, 3], vertical_alignment="center", gap="small", wrap=False)
        name.markdown(frame.plain(row.name))
        strip.image(row.strip, alt=f"Pictures of {row.name}")
    if len(shown.class_names) > len(shown.rows):
        st.caption(f"… and {len(shown.class_names) - len(shown.rows)} more classes")
    counts = {"train": shown.train} | ({} if shown.test is None else {"test": shown.test})
    chart(
        class_balance(counts, shown.class_names, theme=frame.theme()),
        key="data_balance",
    )
    if shown.licence or shown.citation:
        st.caption(f"{frame.plain(shown.licence)}. {frame.plain(shown.citation)}")


def _left_out(files: int) -> str:
    return f"{count(files, 'file')} {'was' if files == 1 else 'were'} left out"
