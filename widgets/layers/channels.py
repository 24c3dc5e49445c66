"""All channels of a stage as one picture; a click opens one: where it answers, to what, and for which classes."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.interpretation import rendering
from core.interpretation.atlas import Atlas
from widgets import address, frame
from widgets.layers import photographs, place, wish
from widgets.layers.look import Look
from widgets.sheet.sheet import sheet
from widgets.turns import short_turn

MOST_TILES = 256  # of a sheet; a stage with more channels shows the first of its order
COLUMNS = 16
SMALLEST_TILE = 16  # pixels of a map in the sheet
STRONGEST, BY_NUMBER = "strongest", "number"
ORDERS = {STRONGEST: "Strongest first", BY_NUMBER: "By number"}
QUALITY = 88  # of JPEG
WANTED = 256  # pixels of the atlas' picture on screen
PATCHES = 6  # of sample photographs
NAMED = 3  # classes that are written out

Maps = NDArray[np.float32]


def draw(look: Look) -> None:
    """Draw the strip, the sheet of channels and the chosen channel beside it."""
    stage = place.choose_stage(look)
    maps = _maps(look.specimen.key, look.picture_key, stage, look)
    left, right = st.columns([2, 3], gap="large")
    with left:
        channel = _sheet(look, stage, maps)
    with right:
        _channel(look, stage, channel, maps[channel])


@st.cache_data(max_entries=64, show_spinner=False)
def _maps(specimen_key: str, picture_key: str, stage: str, _look: Look) -> Maps:
    """What every channel of a stage answers to the picture: (C, h, w)."""
    from core.interpretation import specimen

    maps: Maps = specimen.activations(_look.specimen, _look.pixels, stage)[0]
    return maps


# --- all channels ---------------------------------------------------------------------------------------


def _sheet(look: Look, stage: str, maps: Maps) -> int:
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
    channel = int(address.read("channel", [str(one) for one in range(len(maps))], str(order[0])))
    shown = order[:MOST_TILES]
    columns = min(COLUMNS, int(np.ceil(np.sqrt(len(shown)))))
    sheet(
        _sheet_image(look.specimen.key, look.picture_key, stage, way, maps[shown], columns),
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


@st.cache_data(max_entries=64, show_spinner=False)
def _sheet_image(
    specimen_key: str, picture_key: str, stage: str, order: str, _maps: Maps, columns: int
) -> bytes:
    tiles = rendering.map_tiles(_maps, max(_maps.shape[-1], SMALLEST_TILE))
    return rendering.encode(rendering.contact_sheet(tiles, columns))


# --- one channel ----------------------------------------------------------------------------------------


def _channel(look: Look, stage: str, channel: int, values: NDArray[np.float32]) -> None:
    st.markdown(f"## {frame.plain(stage)} · channel {channel}")
    known = wish.atlas_of(look)
    where, why, *rest = st.columns(3 if isinstance(known, Atlas) else 2, gap="small")
    if look.specimen.has_positions(stage):
        where.image(
            _where(look.specimen.key, look.picture_key, stage, channel, look),
            alt=f"Where channel {channel} of {stage} answers on {look.picture_title}",
        )
        where.caption("**Where it answers** on this picture")
    else:
        where.metric("Its answer to this picture", f"{values.max():.2f}")
    why.image(
        _drivers(look.specimen.key, look.picture_key, stage, channel, look),
        alt=f"What in {look.picture_title} drives channel {channel} of {stage}",
    )
    why.caption(
        "**What drives it** where it answers most: gold raises it, violet lowers it "
        "(integrated gradients, arXiv 1703.01365)"
    )
    if isinstance(known, Atlas):
        rest[0].image(
            _wanted(look.specimen.key, stage, channel, known),
            width="stretch",
            alt=f"What channel {channel} of {stage} wants",
        )
        rest[0].caption("**What it wants**: grown from noise to excite it, not a photograph (atlas)")
    _exemplars(look, stage, channel)
    _classes(look, stage, channel, known)
    box = st.expander(
        "Watch what it wants take form",
        type="compact",
        icon=":material/auto_awesome:",
        key="layers_wish",
        on_change="rerun",
    )
    if box.open:
        with box:
            wish.draw(look, stage, channel)


@st.cache_data(max_entries=512, show_spinner=False)
def _where(specimen_key: str, picture_key: str, stage: str, channel: int, _look: Look) -> bytes:
    """Draw where the channel answers on the picture."""
    values = _maps(specimen_key, picture_key, stage, _look)[channel]
    return rendering.encode(rendering.overlay(_look.large, np.maximum(values, 0)), quality=QUALITY)


@st.cache_data(max_entries=512, show_spinner=False)
def _wanted(specimen_key: str, stage: str, channel: int, _atlas: Atlas) -> bytes:
    """Draw the atlas' picture of the channel."""
    return rendering.encode(
        rendering.enlarged(wish.tiles_of(_atlas, stage)[channel], WANTED), quality=QUALITY
    )


@st.cache_data(max_entries=512, show_spinner=False)
def _drivers(specimen_key: str, picture_key: str, stage: str, channel: int, _look: Look) -> bytes:
    """Draw what in the picture drives the channel where it answers most."""
    from core.interpretation import channel as one

    values = _maps(specimen_key, picture_key, stage, _look)[channel]
    with short_turn():
        found = one.drivers(_look.specimen, _look.pixels, stage, channel, one.peak(values))
    return rendering.encode(rendering.overlay(_look.large, found), quality=QUALITY)


def _exemplars(look: Look, stage: str, channel: int) -> None:
    """Draw the patches of the sample photographs that the channel answers to most, best first."""
    image, titles = _patches(look.specimen.key, stage, channel, look)
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
def _patches(specimen_key: str, stage: str, channel: int, _look: Look) -> tuple[bytes, list[str]]:
    """What the channel saw in its best photographs, as one sheet, and their titles."""
    from core.interpretation import exemplars

    found, bank = photographs.exemplars_of(_look)[stage], exemplars.bank_for(_look.specimen)
    ranks = [rank for rank in range(PATCHES) if found.crops[channel, rank] >= 0]
    if not ranks:
        return b"", []
    patches = np.stack([exemplars.patch(bank, found, channel, rank) for rank in ranks])
    titles = [exemplars.title(bank, found, channel, rank) for rank in ranks]
    return rendering.encode(rendering.contact_sheet(patches, PATCHES, gap=2), quality=QUALITY), titles


def _classes(look: Look, stage: str, channel: int, known: object) -> None:
    """Say which classes the channel speaks for, and what this picture's answer would be without it."""
    as_is, silent = _without(look.specimen.key, look.picture_key, stage, channel, look)
    names = look.specimen.class_names
    lines = []
    if isinstance(known, Atlas):
        fires = ", ".join(frame.plain(name) for name, _ in known.entry(stage, channel).fires_for[:NAMED])
        lines.append(f"**Fires most for** {fires} (mean answer to the validation images of Tiny ImageNet).")
    weights = _head_weights(look.specimen.key, look) if stage == look.stages[-1] else None
    if weights is not None:
        best, worst = np.argsort(-weights[:, channel])[:NAMED], np.argsort(weights[:, channel])[:NAMED]
        lines.append(
            f"**Speaks for** {_listed(names, best)}; **against** {_listed(names, worst)} "
            "(its weights into the class scores)."
        )
    change = silent - as_is
    place = int(np.abs(change).argmax())
    guess = int(as_is.argmax())
    lines.append(
        f"**Without it**, {frame.plain(names[guess])} goes from {_percent(as_is[guess])} to {_percent(silent[guess])} "
        "on this picture"
        + (
            f"; {frame.plain(names[place])} from {_percent(as_is[place])} to {_percent(silent[place])}."
            if place != guess
            else "."
        )
    )
    st.markdown("\n\n".join(lines))


def _listed(names: tuple[str, ...], numbers: NDArray[np.int64]) -> str:
    return ", ".join(frame.plain(names[number]) for number in numbers)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u00a0%"


@st.cache_data(max_entries=256, show_spinner=False)
def _without(
    specimen_key: str, picture_key: str, stage: str, channel: int, _look: Look
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    from core.interpretation import channel as one

    return one.without(_look.specimen, _look.pixels, stage, channel)


@st.cache_data(max_entries=8, show_spinner=False)
def _head_weights(specimen_key: str, _look: Look) -> NDArray[np.float32] | None:
    from core.interpretation import channel as one

    return one.head_weights(_look.specimen)
