"""The first convolution's kernels: what each looks for, beside what random weights look for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from core.figures import filters as charts
from core.interpretation import rendering
from core.words import percent
from widgets import address, encoded_picture, frame, specimens
from widgets.chart import chart
from widgets.layers.selection import BY_KEY, Selection
from widgets.sheet.sheet import sheet
from widgets.specimens import NetworkKey

if TYPE_CHECKING:
    from core.interpretation.filters import Filter, Tuning

SORTS = {"orientation": "By orientation", "frequency": "By frequency", "colour": "By colour"}
KINDS = ("edge or grating", "colour blob", "other")
SMALLEST_TILE, LARGEST_KERNEL = 28, 240  # pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class _Kernels:
    """A network's first kernels as tiles (K, h, w, 3) uint8, and what was measured on them."""

    tiles: NDArray[np.uint8]
    filters: "tuple[Filter, ...]"


def draw(selection: Selection) -> None:
    """Draw the kernels, trained and random, and the chosen one."""
    kernels = _kernels(selection.network)
    is_random = selection.network.is_random
    count, height, width = kernels.tiles.shape[:3]
    st.markdown(
        f"The first convolution has **{count} filters** of {height} × {width} pixels and three colours. "
        "Everything the network sees passes through them."
    )
    sort = address.choose(
        st.segmented_control,
        "Order",
        list(SORTS),
        name="sort",
        default="orientation",
        format_func=SORTS.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    order = _order(kernels.filters, sort)
    best = max(kernels.filters, key=lambda one: (one.kind == KINDS[0], one.selectivity)).number
    channel = int(address.read("channel", [str(number) for number in range(count)], str(best), "filter"))
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**:gray[Random weights]**" if is_random else "**:blue[Trained]**")
        _sheet(kernels, order, "filters_sheet", chosen=channel)
    with right:
        if is_random:
            _wheel(kernels, order, channel)
        else:
            st.markdown("**:gray[Random weights, as a control]**")
            random = _kernels(selection.control)
            _sheet(random, _order(random.filters, sort), "filters_random")
    st.caption(
        "Every kernel is shown as it acts on pixels; grey is zero. An edge, grating or blob has at least 40 % of its "
        "energy in one colour and near one wave of its Fourier transform. The first two prefer an orientation "
        "(selectivity 0.1 or more); a blob does not, and is more colour than brightness."
        + (" With so few pixels chance alone makes many such kernels." if height * width < 25 else "")
    )
    st.divider()
    _filter(selection, kernels.filters[channel], kernels.tiles[channel])
    if not is_random:
        st.markdown("## All filters on the wheel")
        _wheel(kernels, order, channel)


@st.cache_data(max_entries=16, show_spinner=False)
def _kernels(network: NetworkKey) -> _Kernels:
    from core.interpretation import filters

    weights = filters.kernels(specimens.load(network))
    return _Kernels(tiles=filters.tiles(weights), filters=filters.analyse(weights))


def _order(filters: "Sequence[Filter]", sort: str) -> list[int]:
    """The filters' numbers in the order asked for; edges first, since blobs have no orientation."""
    by = {
        "orientation": lambda one: (KINDS.index(one.kind), one.orientation),
        "frequency": lambda one: (one.frequency, one.orientation),
        "colour": lambda one: (-one.chromatic, one.orientation),
    }[sort]
    return [one.number for one in sorted(filters, key=by)]


# --- all filters ----------------------------------------------------------------------------------------


def _sheet(kernels: _Kernels, order: list[int], key: str, *, chosen: int | None = None) -> None:
    """Draw kernels as one picture with the count of each kind; those with ``chosen`` can be clicked."""
    side = max(SMALLEST_TILE, kernels.tiles.shape[1])
    columns = min(16, int(np.ceil(np.sqrt(len(order) * 1.6))))
    tiles = np.stack([_enlarged(kernels.tiles[number], side) for number in order])
    counts = Counter[str](one.kind for one in kernels.filters)
    st.markdown(
        f"**{counts[KINDS[0]]}** edges or gratings, **{counts[KINDS[1]]}** colour blobs, {counts[KINDS[2]]} other"
    )
    sheet(
        rendering.encode(rendering.contact_sheet(tiles, columns, gap=2)),
        key=key,
        columns=columns,
        labels=[_label(kernels.filters[number]) for number in order],
        chosen=None if chosen is None else order.index(chosen),
        on_choose=None if chosen is None else lambda index: address.write(channel=order[index]),
        largest=72,
        about="The kernels of the first convolution",
    )


def _enlarged(tile: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(tile).resize((side, side), Image.Resampling.NEAREST))


def _label(kernel: "Filter") -> str:
    text = f"Filter {kernel.number}: {kernel.kind}"
    if kernel.kind == KINDS[0]:
        text += f", {kernel.orientation:.0f}°, {kernel.cycles:.1f} cycles"
    return f"{text}, {percent(kernel.chromatic, 0)} colour"


def _wheel(kernels: _Kernels, order: list[int], channel: int) -> None:
    """Draw every edge or grating by orientation and frequency, in its own colour."""
    shown = [kernels.filters[number] for number in order if kernels.filters[number].kind == KINDS[0]]
    if not shown:
        st.caption("No filter here is an edge or grating.")
        return
    numbers = [one.number for one in shown]
    st.caption(
        "Every edge or grating: the angle is that of the stripes it likes, the distance from the centre how fine they "
        "are (cycles per pixel); each stands on both sides. Dots have the filter's own colour."
    )
    waves = [one.frequency for one in shown]
    chart(
        charts.wheel(
            [one.orientation for one in shown],
            waves,
            ["#{:02x}{:02x}{:02x}".format(*one.colour) for one in shown],
            [_label(one) for one in shown],
            chosen=numbers.index(channel) if channel in numbers else None,
            theme=frame.theme(),
        ),
        key="filters_wheel",
        says=f"{len(shown)} of {len(order)} filters are edges or gratings, of {min(waves):.2f} to {max(waves):.2f} "
        "cycles per pixel.",
    )


# --- one filter -----------------------------------------------------------------------------------------


def _filter(selection: Selection, kernel: "Filter", tile: NDArray[np.uint8]) -> None:
    """Draw one filter: the kernel, its answers to stripes, its map over the picture, and what was measured."""
    channel, is_edge = kernel.number, kernel.kind == KINDS[0]
    tuning, fit = _measured(selection.network, channel)
    st.markdown(f"## Filter {channel}: {kernel.kind}")
    enlarged, answers, picture = st.columns(3, gap="medium")
    with enlarged:
        drawn = rendering.encode(_enlarged(tile, LARGEST_KERNEL))
        encoded_picture.draw(drawn, width="stretch", alt=f"The kernel of filter {channel}")
        st.caption("**The kernel**, enlarged")
    with answers:
        chart(
            charts.tuning(
                tuning.angles,
                tuning.answers,
                preferred=kernel.orientation if is_edge else None,
                theme=frame.theme(),
            ),
            key="filters_tuning",
        )
        st.caption(
            "**Its answers to stripes** of its own width and colour, turned round"
            + ("; dotted: the orientation found in the kernel's Fourier transform" if is_edge else "")
        )
    with picture:
        st.image(
            _map(selection, channel),
            width="stretch",
            alt=f"Where filter {channel} answers on {selection.picture.title}",
        )
        st.caption("**On your picture**: gold where it answers with plus, violet with minus")
    lines = [
        f"**Orientation** {kernel.orientation:.0f}° in the kernel, {tuning.preferred:.0f}° when shown stripes; "
        f"selectivity {tuning.selectivity:.2f} (0: every angle alike, 1: one only)."
        if is_edge
        else f"**Orientation** hardly any: selectivity {tuning.selectivity:.2f} (0: every angle alike, 1: one only).",
        f"**Frequency** {kernel.frequency:.2f} cycles per pixel: {kernel.cycles:.1f} waves across the kernel.",
        f"**Colour** {percent(kernel.chromatic, 0)} of its energy"
        + (f", {kernel.axis}." if kernel.axis != "brightness" else "; the rest is brightness."),
    ]
    if fit is not None:
        lines.append(f"**A Gabor function** (a wave under a bell) explains {percent(fit, 0)} of it.")
    st.markdown("  \n".join(lines))


@st.cache_data(max_entries=512, show_spinner=False)
def _measured(network: NetworkKey, channel: int) -> "tuple[Tuning, float | None]":
    from core.interpretation import filters

    specimen = specimens.load(network)
    fit = filters.gabor_fit(filters.kernels(specimen)[channel])
    return filters.tune(specimen, channel), fit


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs=BY_KEY)
def _map(selection: Selection, channel: int) -> bytes:
    from core.interpretation import filters

    values = filters.response(selection.specimen, selection.pixels, channel)
    return rendering.encode(rendering.overlay(selection.large, values), quality=85)
