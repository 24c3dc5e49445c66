"""All channels of a stage as one picture; a click opens one: where it answers, to what, and for which classes."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.interpretation import rendering
from core.interpretation.atlas import Atlas
from core.words import percent, unbroken
from widgets import address, frame, specimens
from widgets.layers import answers, feature_visualisation
from widgets.layers.exemplars import exemplars_of
from widgets.layers.selection import BY_KEY, Selection
from widgets.layers.stage_choice import choose_stage
from widgets.sheet.sheet import sheet
from widgets.specimens import NetworkKey
from widgets.turns import short_turn

MOST_TILES = 256  # of a sheet; a stage with more channels shows the first of its order
COLUMNS = 16
SMALLEST_TILE = 16  # pixels of a map in the sheet
STRONGEST, BY_NUMBER = "strongest", "number"
ORDERS = {STRONGEST: "Strongest first", BY_NUMBER: "By number"}
QUALITY = 88  # of JPEG
FROM_ATLAS = 256  # pixels of the atlas' picture on screen
PATCHES = 6  # of sample photographs
NAMED = 3  # classes that are written out


def draw(selection: Selection) -> None:
    """Draw the strip, the sheet of channels and the chosen channel beside it."""
    stage = choose_stage(selection)
    maps = answers.maps(selection, stage)
    left, right = st.columns([2, 3], gap="large")
    with left:
        channel = _sheet(selection, stage, maps)
    with right:
        _channel(selection, stage, channel, maps[channel])


# --- all channels ---------------------------------------------------------------------------------------


def _sheet(selection: Selection, stage: str, maps: NDArray[np.float32]) -> int:
    """Draw the channels' maps as one clickable picture; the chosen channel comes back."""
    from core.interpretation.channel import ranked

    st.markdown(f"**All {len(maps):,} channels** of {frame.plain(stage)}")
    way = address.choose(
        st.segmented_control,
        "Order",
        list(ORDERS),
        name="order",
        default=STRONGEST,
        format_func=ORDERS.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    order = ranked(maps) if way == STRONGEST else np.arange(len(maps))
    channel = int(address.read("channel", [str(number) for number in range(len(maps))], str(order[0])))
    shown = order[:MOST_TILES]
    columns = min(COLUMNS, int(np.ceil(np.sqrt(len(shown)))))
    sheet(
        _sheet_image(selection, stage, way, maps[shown], columns),
        key="layers_sheet",
        columns=columns,
        labels=[f"Channel {number}: up to {maps[number].max():.2f}" for number in shown],
        chosen=next((place for place, number in enumerate(shown) if number == channel), None),
        on_choose=lambda index: address.write(channel=int(shown[index])),
        largest=64,
        about=f"The channels of {stage}",
    )
    more = f" The first {MOST_TILES} of {len(order):,} are shown." if len(order) > MOST_TILES else ""
    st.caption(f"Bright: the channel answers there. Every map is scaled by itself.{more}")
    return channel


@st.cache_data(max_entries=64, show_spinner=False, hash_funcs=BY_KEY)
def _sheet_image(
    selection: Selection, stage: str, order: str, _maps: NDArray[np.float32], columns: int
) -> bytes:
    tiles = rendering.map_tiles(_maps, max(_maps.shape[-1], SMALLEST_TILE))
    return rendering.encode(rendering.contact_sheet(tiles, columns))


# --- one channel ----------------------------------------------------------------------------------------


def _channel(selection: Selection, stage: str, channel: int, values: NDArray[np.float32]) -> None:
    st.markdown(f"## {frame.plain(stage)} · channel {channel}")
    atlas = feature_visualisation.atlas_of(selection.network)
    known = atlas if isinstance(atlas, Atlas) and stage in atlas.sheets else None  # else not made, or not yet
    where, why, *rest = st.columns(2 if known is None else 3, gap="small")
    if selection.specimen.has_positions(stage):
        where.image(
            _where(selection, stage, channel),
            alt=f"Where channel {channel} of {stage} answers on {selection.picture.title}",
        )
        where.caption("**Where it answers** on this picture")
    else:
        where.metric("Its answer to this picture", f"{values.max():.2f}")
    why.image(
        _drivers(selection, stage, channel),
        alt=f"What in {selection.picture.title} drives channel {channel} of {stage}",
    )
    why.caption(
        "**What drives it** where it answers most: gold raises it, violet lowers it "
        "(integrated gradients, arXiv 1703.01365)"
    )
    if known is not None:
        rest[0].image(
            _from_atlas(known, stage, channel),
            width="stretch",
            alt=f"What channel {channel} of {stage} wants",
        )
        rest[0].caption("**What it wants**: grown from noise to excite it, not a photograph (atlas)")
    _exemplars(selection.network, stage, channel)
    _classes(selection, stage, channel, known)
    box = st.expander(
        "Watch what it wants take form",
        type="compact",
        icon=":material/auto_awesome:",
        key="layers_wish",
        on_change="rerun",
    )
    if box.open:
        with box:
            feature_visualisation.draw(selection, stage, channel)


@st.cache_data(max_entries=512, show_spinner=False, hash_funcs=BY_KEY)
def _where(selection: Selection, stage: str, channel: int) -> bytes:
    """Draw where the channel answers on the picture."""
    values = answers.maps(selection, stage)[channel]
    return rendering.encode(rendering.overlay(selection.large, np.maximum(values, 0)), quality=QUALITY)


@st.cache_data(max_entries=512, show_spinner=False, hash_funcs=feature_visualisation.BY_WEIGHTS)
def _from_atlas(known: Atlas, stage: str, channel: int) -> bytes:
    """Draw the atlas' picture of the channel."""
    return rendering.encode(
        rendering.enlarged(feature_visualisation.tiles_of(known, stage)[channel], FROM_ATLAS),
        quality=QUALITY,
    )


@st.cache_data(max_entries=512, show_spinner=False, hash_funcs=BY_KEY)
def _drivers(selection: Selection, stage: str, channel: int) -> bytes:
    """Draw what in the picture drives the channel where it answers most."""
    from core.interpretation.channel import drivers, peak

    place = peak(answers.maps(selection, stage)[channel])
    field = exemplars_of(selection.network)[stage].field
    with short_turn():
        driving = drivers(selection.specimen, selection.pixels, stage, channel, place, field=field)
    return rendering.encode(rendering.overlay(selection.large, driving), quality=QUALITY)


def _exemplars(network: NetworkKey, stage: str, channel: int) -> None:
    """Draw the patches of the sample photographs that the channel answers to most, best first."""
    image, titles = _patches(network, stage, channel)
    if not titles:
        return
    st.markdown("**What excites it most** among scikit-image's photographs: what it saw there")
    sheet(
        image,
        key="layers_exemplars",
        columns=PATCHES,
        labels=titles,
        largest=120,
        smooth=True,
        about="The patches that excite this channel most",
        note=", ".join(dict.fromkeys(titles)),
    )


@st.cache_data(max_entries=512, show_spinner=False)
def _patches(network: NetworkKey, stage: str, channel: int) -> tuple[bytes, list[str]]:
    """What the channel saw in its best photographs, as one sheet, and their titles."""
    from core.interpretation import exemplars

    best, bank = exemplars_of(network)[stage], exemplars.bank_for(specimens.load(network))
    ranks = [rank for rank in range(PATCHES) if best.crops[channel, rank] >= 0]
    if not ranks:
        return b"", []
    patches = np.stack([exemplars.patch(bank, best, channel, rank) for rank in ranks])
    titles = [exemplars.title(bank, best, channel, rank) for rank in ranks]
    return rendering.encode(rendering.contact_sheet(patches, PATCHES, gap=2), quality=QUALITY), titles


def _classes(selection: Selection, stage: str, channel: int, known: Atlas | None) -> None:
    """Say which classes the channel speaks for, and what this picture's answer would be without it."""
    as_is, silent = answers.probabilities(selection), _without(selection, stage, channel)
    names = selection.specimen.class_names
    lines = []
    if known is not None:
        fires = ", ".join(frame.plain(name) for name, _ in known.entry(stage, channel).fires_for[:NAMED])
        lines.append(f"**Fires most for** {fires} (mean answer to {frame.plain(known.made['photographs'])}).")
    weights = _head_weights(selection.network) if stage == selection.stages[-1] else None
    if weights is not None:
        best, worst = np.argsort(-weights[:, channel])[:NAMED], np.argsort(weights[:, channel])[:NAMED]
        lines.append(
            f"**Speaks for** {_listed(names, best)}; **against** {_listed(names, worst)} "
            "(its weights into the class scores)."
        )
    change = silent - as_is
    place = int(np.abs(change).argmax())
    guess = int(as_is.argmax())
    goes = f"{frame.plain(names[guess])} goes from {_from_to(as_is, silent, guess)} on this picture"
    too = f"; {frame.plain(names[place])} from {_from_to(as_is, silent, place)}." if place != guess else "."
    lines.append(f"**Without it**, {goes}{too}")
    st.markdown("\n\n".join(lines))


def _listed(names: tuple[str, ...], numbers: NDArray[np.int64]) -> str:
    return ", ".join(frame.plain(names[number]) for number in numbers)


def _from_to(before: NDArray[np.float32], after: NDArray[np.float32], number: int) -> str:
    return f"{unbroken(percent(float(before[number])))} to {unbroken(percent(float(after[number])))}"


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs=BY_KEY)
def _without(selection: Selection, stage: str, channel: int) -> NDArray[np.float32]:
    from core.interpretation.channel import without

    return without(selection.specimen, selection.pixels, stage, channel)


@st.cache_data(max_entries=8, show_spinner=False)
def _head_weights(network: NetworkKey) -> NDArray[np.float32] | None:
    from core.interpretation.channel import head_weights

    return head_weights(specimens.load(network))
