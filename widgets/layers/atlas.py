"""The atlas: what every channel of a network wants, and every class, on sheets to browse and search."""

import numpy as np
import streamlit as st

from core.backbones import catalogue
from core.errors import DataError
from core.images.samples import SAMPLES
from core.interpretation import rendering
from core.interpretation.atlas import CLASSES, Atlas, AtlasEntry
from widgets import address, frame
from widgets.layers import feature_visualisation
from widgets.layers.selection import Selection
from widgets.sheet.sheet import sheet

LARGEST_TILE = 72  # CSS pixels
MOST_TILES = 256
EVERYWHERE = "everywhere"


def draw(selection: Selection) -> None:
    """Draw the search, the sheet and the chosen entry's card; for another network, one picture at a time."""
    known = feature_visualisation.atlas_of(selection.network)
    if isinstance(known, DataError):
        st.info(str(known), icon=":material/map:")
        _live(selection, _any_stage(selection))
        return
    words, stage = _search(selection, known)
    if stage not in (EVERYWHERE, *known.stages):
        st.info(
            f"The atlas has no pictures of {frame.plain(_label(stage))} yet; here, watch one form at a time.",
            icon=":material/map:",
        )
        _live(selection, stage)
        return
    entries = [entry for entry in known.search(words) if stage in (EVERYWHERE, entry.stage)]
    if not entries:
        st.info(
            f"Nothing in {frame.plain(_label(stage))} is called or fires for “{frame.plain(words)}”. "
            "Try one of the network's own classes, such as “cat”, “bottle” or “butterfly”.",
            icon=":material/search_off:",
        )
        return
    left, right = st.columns([3, 2], gap="large")
    with right:
        card = st.container()
    with left:
        chosen = _sheet(known, words, stage, entries[:MOST_TILES])
        _explained(known, stage, len(entries))
    with card:
        _card(selection, known, chosen)


def _search(selection: Selection, known: Atlas) -> tuple[str, str]:
    """Draw the choice of stage and the search; a search without a choice of stage looks everywhere."""
    words = st.query_params.get("q", "")[:60]
    stages = (EVERYWHERE, *selection.stages, CLASSES)
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
    with right:
        st.session_state["atlas_words"] = words
        st.text_input(
            "Search",
            key="atlas_words",
            placeholder=f"dog, bottle, {known.stages[0]} 7",
            label_visibility="collapsed",
            icon=":material/search:",
            on_change=lambda: address.write(
                **{"q": st.session_state["atlas_words"] or None, "in": None, "tile": None}
            ),
        )
    with left:
        stage = address.choose(
            st.segmented_control,
            "Stage",
            stages,
            name="in",
            default=EVERYWHERE if words or CLASSES not in known.stages else CLASSES,
            what="stage",
            forget=("tile", "channel"),
            format_func=_label,
            required=True,
            label_visibility="collapsed",
        )
    return words, stage


def _label(stage: str) -> str:
    return {EVERYWHERE: "all stages", CLASSES: "classes"}.get(stage, stage)


def _sheet(known: Atlas, words: str, stage: str, entries: list[AtlasEntry]) -> AtlasEntry:
    """Draw the found pictures as one clickable sheet; the chosen entry comes back."""
    names = [_address(entry) for entry in entries]
    chosen = address.read("tile", names, names[0], "picture")
    columns = max(1, min(12, len(entries)))
    sheet(
        _image(known, words, stage, columns, entries),
        key="atlas_sheet",
        columns=columns,
        labels=[_title(entry) for entry in entries],
        chosen=names.index(chosen),
        on_choose=lambda number: address.write(tile=names[number]),
        largest=LARGEST_TILE,
        smooth=True,
        about="Pictures that channels and classes want",
    )
    return entries[names.index(chosen)]


def _address(entry: AtlasEntry) -> str:
    return f"{entry.stage}-{entry.number}"


def _title(entry: AtlasEntry) -> str:
    if entry.stage == CLASSES:
        return f"{entry.name} (class)"
    return f"{entry.name}: fires most for {entry.fires_for[0][0]}"


@st.cache_resource(  # half a megabyte each, not to be copied
    max_entries=64, show_spinner=False, hash_funcs=feature_visualisation.BY_WEIGHTS
)
def _image(known: Atlas, words: str, stage: str, columns: int, _entries: list[AtlasEntry]) -> bytes:
    sheets = {
        name: feature_visualisation.tiles_of(known, name) for name in {entry.stage for entry in _entries}
    }
    tiles = np.stack([sheets[entry.stage][entry.number] for entry in _entries])
    return rendering.encode(rendering.contact_sheet(tiles, columns, gap=2), quality=85)


def _explained(known: Atlas, stage: str, count: int) -> None:
    more = f" The first {MOST_TILES} of {count:,} are shown." if count > MOST_TILES else ""
    if stage in known.sheets:
        shows = known.sheets[stage].shows
        where = (
            "" if stage == CLASSES else f" Each tile here is {shows} × {shows} pixels of the network's input."
        )
    else:
        where = ""
    st.caption(
        "These are no photographs: each began as grey noise and was changed, step by step, to excite one channel "
        f"more (Olah et al. 2017, distill.pub/2017/feature-visualization).{where}{more}"
    )


# --- one entry ------------------------------------------------------------------------------------------


def _card(selection: Selection, known: Atlas, entry: AtlasEntry) -> None:
    st.markdown(f"## {frame.plain(entry.name)}" + (" · class" if entry.stage == CLASSES else ""))
    feature_visualisation.draw(selection, entry.stage, entry.number)
    _measured(known, entry)
    if entry.stage != CLASSES:
        st.markdown(f"[Open this channel on your picture](?{_link(selection, entry)})")


def _measured(known: Atlas, entry: AtlasEntry) -> None:
    """Say what the entry fires for and how its picture compares with photographs."""
    answer = "score" if entry.stage == CLASSES else "answer"
    best = "the best photograph's" if entry.photographed else "the best photograph's (none shows this class)"
    ratio = f", {entry.ratio:.1f} times {best}" if entry.ratio is not None else f", {best}"
    lines = [
        f"**Its picture: {answer} {entry.value:.1f}**{ratio} {entry.best_photograph:.1f}.",
        f"**Fires most for** {_listed(entry.fires_for, '.2f')}.",
    ]
    if entry.speaks_for:
        lines.append(f"**Speaks for** {_listed(entry.speaks_for, '+.2f')}.")
    st.markdown("  \n".join(lines))
    weights = ", head weights for speaking" if entry.speaks_for else ""
    st.caption(
        f"Measured on {frame.plain(known.made['photographs'])}: mean {answer} by class{weights}. The best class stands "
        f"{entry.selectivity:.1f} standard deviations above the mean of all classes."
    )


def _listed(classes: tuple[tuple[str, float], ...], form: str) -> str:
    return ", ".join(f"{frame.plain(name)} ({value:{form}})" for name, value in classes)


def _link(selection: Selection, entry: AtlasEntry) -> str:
    picture = "" if selection.picture.name == next(iter(SAMPLES)) else f"picture={selection.picture.name}&"
    network = "" if selection.network.name == catalogue.DEFAULT else f"network={selection.network.name}&"
    return f"{picture}{network}view=channels&stage={entry.stage}&channel={entry.number}"


# --- what no atlas shows --------------------------------------------------------------------------------


def _any_stage(selection: Selection) -> str:
    """Draw the choice of a stage of a network without an atlas."""
    return address.choose(
        st.segmented_control,
        "Stage",
        [*selection.stages, CLASSES],
        name="in",
        default=selection.stages[0],
        what="stage",
        forget=("channel",),
        required=True,
        format_func=_label,
    )


def _live(selection: Selection, stage: str) -> None:
    """Let one channel of any stage of any network, or one class, be drawn live."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        if stage == CLASSES:
            names = selection.specimen.class_names
            numbers = [str(number) for number in range(len(names))]
            channel = int(
                address.choose(
                    st.selectbox,
                    "Class",
                    numbers,
                    name="channel",
                    default="0",
                    format_func=lambda number: names[int(number)],
                )
            )
        else:
            count = selection.entry.stages[selection.specimen.stage_number(stage)].channels
            channel = address.choose_number(
                st.number_input, f"Channel (0 to {count - 1})", 0, count - 1, name="channel", default=0
            )
    with right:
        feature_visualisation.draw(selection, stage, channel)
