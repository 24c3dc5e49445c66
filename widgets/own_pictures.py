"""A person's own pictures: an archive, files class by class, or the webcam; all end as a stored upload."""

import itertools
from pathlib import PurePath

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.datasets import foreign
from core.errors import DataError, LabError
from core.runs import service
from core.runs.spec import UPLOAD
from core.runs.store.uploads import Upload
from widgets import frame, local_time, previews, run_results, upload_gate
from widgets.previews import PICTURES, Choice, Preview

ZIP, FILES, WEBCAM = "ZIP archive", "Files per class", "Webcam"
FITS = {"crop": "Crop the middle", "pad": "Pad with grey", "squash": "Squash"}
MOST_CLASSES = 20  # of what is put together by hand; archives may hold more
MOST_MEGABYTES = 50  # of one picture, as its decoder allows
MOST_WEBCAM = 500  # pictures that wait in the session for "Use these pictures"
MOST_WEBCAM_BYTES = 100_000_000  # that these may be: the gate before the upload address counts them no more
TIGHT = 0.7  # of a visitor's room: from here on the page says how much is left


@st.cache_resource(max_entries=64, show_spinner="Reading your pictures …")
def _upload_preview(reference: str, _visitor: str, name: str, fit: str) -> Preview:
    # A reference names one content for ever, so with the fit it is all the key there need be.
    path = service.upload_path(_visitor, reference)
    return previews.preview(foreign.from_zip(path, side=previews.SIDE, fit=fit, name=name))


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
    uploads = {UPLOAD + one.token: one for one in service.uploads_of(visitor)}
    stored = {reference: one.name for reference, one in uploads.items()}
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
    shown = _upload_preview(wanted, visitor, stored[wanted], _fit())
    st.markdown(
        f"Chosen: **{frame.plain(shown.title)}** · {shown.images:,} pictures · {len(shown.class_names)} classes"
    )
    st.caption(_named(shown))
    _kept_until(uploads[wanted], visitor)
    if shown.report.outside:
        _choose_fit()
    return Choice(
        reference=wanted,
        title=shown.title,
        classes=len(shown.class_names),
        fit=_fit(),
        preview=lambda: shown,
    )


def _fit() -> str:
    """How pictures that are not square become squares, as chosen last."""
    return str(st.session_state.get("own_fit") or "crop")


def _choose_fit() -> None:
    st.segmented_control(
        "How pictures that are not square become squares",
        list(FITS),
        default="crop",
        required=True,
        format_func=FITS.__getitem__,
        key="own_fit",
        help="The network sees squares alone. The middle of a picture is what most networks were trained on; what "
        "stands at the edge of a wide picture is seen only where the whole picture is kept.",
        persist_state="session",
    )


def _named(shown: Preview) -> str:
    """Name the classes with their pictures, so that nothing is trained on folders that are no classes."""
    counts = shown.test or (None,) * len(shown.class_names)
    words = [
        f"{frame.plain(name)}\u00a0{train:,}" + ("" if test is None else f"\u00a0+\u00a0{test:,}\u00a0test")
        for name, train, test in zip(shown.class_names, shown.train, counts, strict=True)
    ]
    more = len(words) - previews.CLASSES_SHOWN
    return (
        "Classes: "
        + " · ".join(words[: previews.CLASSES_SHOWN])
        + (f" … and {more} more" if more > 0 else "")
    )


def _from_zip() -> None:
    archive = st.file_uploader(
        "A ZIP with one folder of pictures per class",
        type=["zip"],
        key=_fresh("own_zip"),
        help="Folders named train and test above the class folders are understood.",
    )
    if archive is not None:
        try:
            reference = service.store_upload(frame.visitor(), PurePath(archive.name).stem, archive.getvalue())
        finally:
            upload_gate.release(archive)  # stored or refused: the copy in memory is not needed any more
        _keep(reference)
        _begin_anew()


def _fresh(key: str) -> str:
    """Name an uploader anew after its files were stored, so that it stands there empty."""
    turn = st.session_state.get("own_turn", 0)
    return f"{key}_{turn}" if turn else key


def _begin_anew() -> None:
    st.session_state["own_turn"] = st.session_state.get("own_turn", 0) + 1
    st.rerun()


def _keep(reference: str) -> None:
    """Choose a fresh upload, unless its pictures cannot be used: then it is deleted and the reason shown."""
    visitor = frame.visitor()
    try:
        _upload_preview(reference, visitor, _names(visitor)[reference], _fit())
    except LabError:
        service.delete_upload(visitor, reference)
        raise
    st.session_state["own_reference"] = reference


def _names(visitor: str) -> dict[str, str]:
    """Map the visitor's uploads to their names, the newest first."""
    return {UPLOAD + upload.token: upload.name for upload in service.uploads_of(visitor)}


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
    files: dict[str, list[UploadedFile]] = {}
    names = _class_names()
    cells = st.grid(2, min_column_width=280)
    for number, name in enumerate(names):
        uploaded = cells.file_uploader(
            f"Pictures of {frame.plain(name)}",
            type=PICTURES,
            accept_multiple_files=True,
            key=_fresh(f"own_files_{number}"),
            max_upload_size=MOST_MEGABYTES,
        )
        files[name] = uploaded or []
    if _offered([len(members) for members in files.values()]):
        _use({name: [(one.name, one.getvalue()) for one in members] for name, members in files.items()})
        upload_gate.release(*itertools.chain.from_iterable(files.values()))
        _begin_anew()


def _from_webcam() -> None:
    names = _class_names()
    if not names:
        return
    taken: dict[str, list[bytes]] = st.session_state.setdefault("own_taken", {})
    camera, beside = st.columns([3, 2])
    label = beside.segmented_control(
        "The next picture shows", names, default=names[0], required=True, format_func=frame.plain, wrap=True
    )
    picture = camera.camera_input("Take a picture", key="own_camera", label_visibility="collapsed")
    if picture is not None:
        upload_gate.release(picture)  # it is taken once, and then it is ours
        with frame.shown_errors():  # those that are taken can still be used
            taken.setdefault(label or names[0], []).append(_with_room(picture.getvalue(), taken))
    beside.markdown("  \n".join(f"{frame.plain(name)}: {len(taken.get(name, ()))}" for name in names))
    if taken and beside.button("Forget these pictures", key="own_forget", type="tertiary"):
        taken.clear()
        st.rerun()
    if _offered([len(taken.get(name, ())) for name in names]):
        _use({name: [(f"{place}.jpg", one) for place, one in enumerate(taken[name])] for name in names})
        taken.clear()
        _begin_anew()


def _with_room(picture: bytes, taken: dict[str, list[bytes]]) -> bytes:
    """Give the picture back where there is room for it beside those that wait, else raise a `DataError`."""
    waiting = [one for pictures in taken.values() for one in pictures]
    if len(waiting) >= MOST_WEBCAM or len(picture) + sum(map(len, waiting)) > MOST_WEBCAM_BYTES:
        raise DataError("There is no room for more pictures; use those that are taken, or forget them.")
    return picture


def _offered(counts: list[int]) -> bool:
    """Show the button that turns single pictures into an upload, once every class has some; True when pressed."""
    ready = len(counts) >= 2 and all(counts)
    pressed = st.button("Use these pictures", key="own_use", disabled=not ready, icon=":material/check:")
    if not ready:
        st.caption(
            "Every class needs pictures, and there must be at least two classes; ten each is a good start."
        )
    return pressed


def _use(files: dict[str, list[tuple[str, bytes]]]) -> None:
    _keep(service.store_images(frame.visitor(), ", ".join(files)[:60], files))


def _kept_until(upload: Upload, visitor: str) -> None:
    """Say until when an upload is kept, let it be deleted at once, and warn when the room gets tight."""
    until = local_time.local(service.expires(upload))
    with st.container(horizontal=True, vertical_alignment="center", key="own_kept"):
        st.caption(f"Kept until {until.day} {until:%B}.", width="content")
        with st.popover("Delete at once", type="tertiary", icon=":material/delete:", key="own_delete_ask"):
            st.markdown(
                "The upload and the small copies of its pictures in your runs are gone for good; "
                "scores and curves stay."
            )
            if st.button("Delete", key="own_delete"):
                with frame.shown_errors():  # here, where the person looks
                    service.delete_upload(visitor, UPLOAD + upload.token)
                    for fit in FITS:
                        _upload_preview.clear(UPLOAD + upload.token, visitor, upload.name, fit)
                    run_results.test_images_of.clear()
                    st.rerun()
    used, allowed = service.upload_room(visitor)
    if used > TIGHT * allowed:
        st.caption(f"Your pictures take {used / 1e6:,.0f} of the {allowed / 1e6:,.0f} MB that you may store.")
