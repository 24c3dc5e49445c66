"""A person's own pictures: an archive, files class by class, or the webcam; all end as a stored upload."""

from pathlib import PurePath

import streamlit as st

from core.datasets import own_images
from core.errors import DataError, LabError
from core.jobs import api
from core.jobs.spec import UPLOAD
from widgets import frame, previews
from widgets.previews import PICTURES, Choice, Preview

ZIP, FILES, WEBCAM = "ZIP archive", "Files per class", "Webcam"
MOST_CLASSES = 20  # of what is put together by hand; archives may hold more
MOST_MEGABYTES = 50  # of one picture, as its decoder allows


@st.cache_resource(max_entries=64, show_spinner="Reading your pictures …")
def _upload_preview(reference: str, _visitor: str, name: str) -> Preview:
    # A reference names one content for ever, so it is all the key there need be.
    path = api.upload_path(_visitor, reference)
    return previews.preview(own_images.from_zip(path, side=previews.SIDE, name=name))


def pick() -> Choice | None:
    """Draw the three ways, and what they have led to; None until there is something usable."""
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


def choose(reference: str) -> bool:
    """Set which of the visitor's uploads is chosen; False where it is not theirs, or gone."""
    if reference not in _names(frame.visitor()):
        return False
    st.session_state["own_reference"] = reference
    return True


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
