"""Where the pictures come from: built-in cards, downloads, or a person's own; ends in one reference for a job."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePath

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.datasets import catalogue, own_images
from core.datasets.catalogue import DatasetEntry
from core.errors import DataError, LabError
from core.jobs import api
from core.jobs.spec import UPLOAD
from widgets import frame, network, previews
from widgets.previews import PICTURES, Preview
from widgets.settings import HELP

BUILT_IN, DOWNLOAD, OWN = "Built in", "Download", "My own pictures"
ZIP, FILES, WEBCAM = "ZIP archive", "Files per class", "Webcam"
ALL, FEW = 0, 25
PER_CLASS = (10, FEW, 50, 100, ALL)
MOST_CLASSES = 20  # of what is put together by hand; archives may hold more
MOST_MEGABYTES = 50  # of one picture, as its decoder allows
LISTED = 50  # skipped files that are written out


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What was chosen: the reference that a job takes, its name on screen, how many classes, its preview."""

    reference: str
    title: str
    classes: int
    preview: Callable[[], Preview] | None  # None: not on this machine yet
    per_class: int | None = None  # training pictures of each class; None: all
    finish: Callable[[], None] = lambda: None  # call it last: what takes time to draw


_reading = threading.Lock()
_built_in_previews: dict[str, Preview] = {}


def built_in_preview(name: str) -> Preview:
    """Preview a set that comes with the lab; the first call reads it, once for all visitors."""
    if name not in _built_in_previews:
        with _reading:
            if name not in _built_in_previews:
                _built_in_previews[name] = previews.preview(catalogue.load(name, side=previews.SIDE))
    return _built_in_previews[name]


def warm_up() -> None:
    """Read the built-in sets before anybody asks for them."""
    for entry in catalogue.DATASETS.values():
        if entry.kind == "builtin":
            built_in_preview(entry.name)


@st.cache_resource(max_entries=64, show_spinner="Reading your pictures …")
def _upload_preview(reference: str, _visitor: str, name: str) -> Preview:
    # A reference names one content for ever, so it is all the key there need be.
    path = api.upload_path(_visitor, reference)
    return previews.preview(own_images.from_zip(path, side=previews.SIDE, name=name))


def pick() -> Choice | None:
    """Draw the picker; None until something usable is chosen."""
    source = st.segmented_control(
        "Where the pictures come from",
        [BUILT_IN, DOWNLOAD, OWN],
        default=BUILT_IN,
        required=True,
        key="data_source",
        label_visibility="collapsed",
        persist_state="session",
    )
    with frame.shown_errors():
        choice = {BUILT_IN: _built_in, DOWNLOAD: _download, OWN: _own}[source or BUILT_IN]()
        if choice is None:
            return None
        if choice.preview is not None:
            _details(choice)
        return replace(choice, per_class=_per_class(source == OWN))
    return None


def _per_class(own: bool) -> int | None:
    """Ask how much to learn from: few pictures are where transfer matters, and where a run is quick."""
    chosen = st.segmented_control(
        "Training pictures of each class",
        PER_CLASS,
        format_func=lambda count: f"{count}" if count else "All",
        default=ALL if own else FEW,
        required=True,
        key=f"per_class_{'own' if own else 'given'}",
        help=HELP["per_class"],
        persist_state="session",
    )
    return chosen or None


# --- built in -------------------------------------------------------------------------------------------


def _built_in() -> Choice:
    entries = [entry for entry in catalogue.DATASETS.values() if entry.kind == "builtin"]
    chosen = st.session_state.setdefault("data_built_in", entries[0].name)
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
    # The button's hit area is stretched over the whole card (frame.css).
    with st.container(border=True, key=f"card_{'chosen' if chosen else 'free'}_{entry.name}"):
        slot = st.empty() if entry.name not in _built_in_previews else st.container()
        st.button(
            entry.title,
            key=f"choose_{entry.name}",
            type="tertiary",
            icon=":material/check_circle:" if chosen else None,
            on_click=st.session_state.update,
            args=({"data_built_in": entry.name},),
        )
        st.caption(f"{entry.images:,} pictures · {entry.classes} classes")
    return slot


# --- downloads ------------------------------------------------------------------------------------------


def _download() -> Choice | None:
    entries = {entry.name: entry for entry in catalogue.DATASETS.values() if entry.kind == "download"}
    name = st.selectbox(
        "Data set",
        list(entries),
        format_func=lambda one: f"{entries[one].title} · {network.megabytes(entries[one].download_bytes)}",
        key="data_download",
        persist_state="session",
    )
    if name is None:
        return None
    entry = entries[name]
    st.caption(
        f"{entry.about}  \n"
        f"{entry.images:,} pictures · {entry.classes} classes · "
        f"{network.megabytes(entry.download_bytes)} to download when the run starts, once"
    )
    with st.expander("Licence and citation", type="compact"):
        st.markdown(f"**Licence.** {entry.licence}\n\n**Citation.** {entry.citation}")
    return Choice(reference=name, title=entry.title, classes=entry.classes, preview=None)


# --- a person's own -------------------------------------------------------------------------------------


def _own() -> Choice | None:
    way = st.segmented_control(
        "How they come",
        [ZIP, FILES, WEBCAM],
        default=ZIP,
        required=True,
        key="own_way",
        label_visibility="collapsed",
        persist_state="session",
    )
    {ZIP: _from_zip, FILES: _from_files, WEBCAM: _from_webcam}[way or ZIP]()
    return _stored()


def _stored() -> Choice | None:
    """Let the visitor pick among what they have uploaded, the newest first."""
    visitor = frame.visitor()
    stored = _names(visitor)
    wanted = st.session_state.get("own_reference")
    if wanted not in stored:
        wanted = next(iter(stored), None)
    if wanted is None:
        return None
    if len(stored) > 1:
        wanted = st.selectbox(
            "Your uploads",
            list(stored),
            index=list(stored).index(wanted),
            format_func=lambda one: stored[one],
        )
        st.session_state["own_reference"] = wanted
    shown = _upload_preview(wanted, visitor, stored[wanted])
    st.markdown(
        f"Chosen: **{frame.plain(shown.title)}** · {shown.images:,} pictures · {len(shown.class_names)} classes"
    )
    if st.button("Delete this upload", key="own_delete", type="tertiary", icon=":material/delete:"):
        api.delete_upload(visitor, wanted)
        st.rerun()
    return Choice(reference=wanted, title=shown.title, classes=len(shown.class_names), preview=lambda: shown)


def _from_zip() -> None:
    archive = st.file_uploader(
        "A ZIP with one folder of pictures per class",
        type=["zip"],
        key="own_zip",
        help="Folders named train and test above the class folders are understood.",
    )
    if archive is not None and st.session_state.get("own_zip_seen") != archive.file_id:
        st.session_state["own_zip_seen"] = archive.file_id
        _keep(api.store_upload(frame.visitor(), PurePath(archive.name).stem, archive.getvalue()))


def _keep(reference: str) -> None:
    """Choose a fresh upload, unless its pictures cannot be used: then it is deleted and the reason shown."""
    visitor = frame.visitor()
    try:
        _upload_preview(reference, visitor, _names(visitor)[reference])
    except LabError:
        api.delete_upload(visitor, reference)
        raise
    st.session_state["own_reference"] = reference


def _names(visitor: str) -> dict[str, str]:
    """Map the visitor's uploads to their names, the newest first."""
    return {UPLOAD + upload.token: upload.name for upload in api.uploads_of(visitor)}


def _class_names() -> list[str]:
    """Ask for the classes' names, one a line."""
    text = st.text_area(
        "Class names, one a line",
        "cats\ndogs",
        height=96,
        key="own_classes",
        persist_state="session",
    )
    names = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if len(names) > MOST_CLASSES:
        raise DataError(
            f"At most {MOST_CLASSES} classes can be put together here; use a ZIP archive for more."
        )
    return names


def _from_files() -> None:
    files = {}
    names = _class_names()
    cells = st.grid(2, min_column_width=280)
    for number, name in enumerate(names):
        uploaded = cells.file_uploader(
            f"Pictures of {frame.plain(name)}",
            type=PICTURES,
            accept_multiple_files=True,
            key=f"own_files_{number}",
            max_upload_size=MOST_MEGABYTES,
        )
        files[name] = [(one.name, one) for one in uploaded or ()]
    _offer({name: [(file, one.getvalue()) for file, one in members] for name, members in files.items()})


def _from_webcam() -> None:
    names = _class_names()
    if not names:
        return
    taken: dict[str, list[bytes]] = st.session_state.setdefault("own_taken", {})
    camera, beside = st.columns([3, 2])
    label = beside.segmented_control(
        "The next picture shows", names, default=names[0], required=True, format_func=frame.plain
    )
    picture = camera.camera_input("Take a picture", key="own_camera", label_visibility="collapsed")
    if picture is not None and st.session_state.get("own_camera_seen") != picture.file_id:
        st.session_state["own_camera_seen"] = picture.file_id
        taken.setdefault(label or names[0], []).append(picture.getvalue())
    beside.markdown("  \n".join(f"{frame.plain(name)}: {len(taken.get(name, ()))}" for name in names))
    if taken and beside.button("Forget these pictures", key="own_forget", type="tertiary"):
        taken.clear()
        st.rerun()
    _offer({name: [(f"{place}.jpg", one) for place, one in enumerate(taken.get(name, ()))] for name in names})


def _offer(files: dict[str, list[tuple[str, bytes]]]) -> None:
    """Show the button that turns single pictures into an upload, once every class has some."""
    filled = sum(bool(members) for members in files.values())
    ready = filled >= 2 and filled == len(files)
    if st.button("Use these pictures", key="own_use", disabled=not ready, icon=":material/check:"):
        _keep(api.store_images(frame.visitor(), ", ".join(files)[:60], files))
    if not ready:
        st.caption(
            "Every class needs pictures, and there must be at least two classes; ten each is a good start."
        )


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
    if report.duplicates:
        st.warning(
            f"{len(report.duplicates)} pictures of the test part are also in the training part, so test "
            "accuracy will look better than it is.",
            icon=":material/content_copy:",
        )
    if report.skipped:
        with st.expander(_left_out(len(report.skipped)), icon=":material/report:"):
            st.text("\n".join(f"{file}: {why}" for file, why in report.skipped[:LISTED]))
    if report.converted:
        st.caption(f"{len(report.converted)} pictures were converted to RGB.")


def _classes(shown: Preview) -> None:
    from core.figures.class_balance import class_balance

    for row in shown.rows:
        name, strip = st.columns([1, 3], vertical_alignment="center", gap="small", wrap=False)
        name.markdown(frame.plain(row.name))
        strip.image(row.strip, alt=f"Pictures of {row.name}")
    if len(shown.class_names) > len(shown.rows):
        st.caption(f"… and {len(shown.class_names) - len(shown.rows)} more classes")
    st.plotly_chart(
        class_balance(
            {"train": shown.train} | ({} if shown.test is None else {"test": shown.test}),
            shown.class_names,
            theme=frame.theme(),
        ),
        key="data_balance",
        theme=None,
        config=frame.CHART,
    )
    if shown.licence or shown.citation:
        st.caption(f"{frame.plain(shown.licence)}. {frame.plain(shown.citation)}")


def _left_out(files: int) -> str:
    return "1 file was left out" if files == 1 else f"{files:,} files were left out"
