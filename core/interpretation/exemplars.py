"""What excites a channel most: the patches of sample photographs that it answers to most strongly.

The photographs are those that ship inside scikit-image, everyday and scientific, cut into crops of several sizes.
One pass over them serves every channel of every stage. Few photographs mean few subjects: an exemplar says what
a channel likes best among these, not in the world.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from core import errors
from core.images.samples import Box
from core.interpretation.receptive_field import ReceptiveField, receptive_fields
from core.interpretation.specimen import Specimen, as_map

# (file in scikit-image's data, what it shows). Of the motorcycle's stereo pair only one picture is here: the same
# thing twice would make every exemplar look confirmed. The horse is left out: a silhouette, black on white, has
# stronger edges than any photograph and would be every edge detector's favourite.
PHOTOGRAPHS: tuple[tuple[str, str], ...] = (
    ("astronaut.png", "Astronaut"),
    ("brick.png", "Brick wall"),
    ("camera.png", "Cameraman"),
    ("cell.png", "Cell"),
    ("chelsea.png", "Cat"),
    ("clock_motion.png", "Clock"),
    ("coffee.png", "Coffee"),
    ("coins.png", "Coins"),
    ("grass.png", "Grass"),
    ("gravel.png", "Gravel"),
    ("hubble_deep_field.jpg", "Galaxies"),
    ("ihc.png", "Tissue"),
    ("moon.png", "Moon"),
    ("motorcycle_left.png", "Motorcycle"),
    ("page.png", "Printed page"),
    ("retina.jpg", "Retina"),
    ("rocket.jpg", "Rocket"),
    ("text.png", "Handwriting"),
)
# Ways to cut a photograph, richest first: (side as a share of its shorter side, crops along the shorter side) each;
# along the longer side there are as many more as keep that distance.
_CUTS = (
    ((1.0, 1), (0.7, 1), (0.4, 3)),
    ((1.0, 1), (0.6, 2)),
    ((1.0, 1), (0.5, 1)),
    ((1.0, 1),),
)
# One pass over the bank must stay a matter of seconds: about what two cores multiply and add in three.
MOST_WORK = 130e9
KEPT = 9  # exemplars a channel
OVERLAP = 0.3  # of the smaller patch: more than this is the same patch again
BATCH_PIXELS = 16 * 224 * 224
BANKS_KEPT = 4  # sizes; at 224 pixels a bank takes 41 MB, and a run may have any size


@dataclass(frozen=True, kw_only=True, eq=False)
class Bank:
    """Crops of photographs at one size.

    ``crops`` (N, S, S, 3) uint8; ``photographs`` (N,) are places in `PHOTOGRAPHS`; ``boxes`` (N, 4) are left, top,
    right, bottom in pixels of the photograph.
    """

    crops: NDArray[np.uint8]
    photographs: NDArray[np.int64]
    boxes: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Exemplars:
    """What excites the channels of one stage, best first.

    ``crops``, ``rows``, ``columns``, ``values`` (C, k): the crop's number in the bank, where in the stage's map,
    and how strongly. Patches of one channel hardly overlap; where a channel has fewer than k, ``crops`` is -1.
    ``highest`` (N, C) is every channel's largest value in every crop, ``mean`` (N, C) its mean over positions.
    """

    stage: str
    field: ReceptiveField
    crops: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float32]
    highest: NDArray[np.float32]
    mean: NDArray[np.float32]

    def box(self, channel: int, rank: int) -> Box:
        """What the unit saw in the crop of the channel's exemplar number ``rank``."""
        return self.field.box(int(self.rows[channel, rank]), int(self.columns[channel, rank]))


def bank_for(specimen: Specimen) -> Bank:
    """The richest bank that a pass of ``specimen`` can afford; built once a size and shared, nobody writes into it."""
    work = (
        specimen.entry.multiply_adds * (specimen.image_size / specimen.entry.image_size) ** 2
    )  # for one crop
    affordable = (cut for cut in range(len(_CUTS)) if work * sum(map(len, _plan(cut))) <= MOST_WORK)
    return bank(specimen.image_size, next(affordable, len(_CUTS) - 1))


@cache
def _plan(cut: int) -> tuple[tuple[tuple[float, float, float, float], ...], ...]:
    """Per photograph the boxes of its crops, in its pixels."""
    plan = []
    for file, _ in PHOTOGRAPHS:
        with _open(file) as picture:
            plan.append(_boxes(*picture.size, cut))
    return tuple(plan)


def _boxes(width: int, height: int, cut: int) -> tuple[tuple[float, float, float, float], ...]:
    short, boxes = min(width, height), []
    for share, count in _CUTS[cut]:
        side = share * short
        step = (short - side) / (count - 1) if count > 1 else side
        lefts, tops = (
            np.linspace(0, length - side, number) if number > 1 else [(length - side) / 2]
            for length in (width, height)
            for number in [count if length == short else 1 + round((length - side) / step)]
        )
        boxes += [
            (float(left), float(top), float(left + side), float(top + side)) for top in tops for left in lefts
        ]
    return tuple(boxes)


@lru_cache(maxsize=BANKS_KEPT)
def bank(side: int, cut: int = 0) -> Bank:
    """Cut the photographs into crops of ``side`` pixels, 0 being the richest way; the same ones every time."""
    crops, photographs, boxes = [], [], []
    for number, ((file, _), plan) in enumerate(zip(PHOTOGRAPHS, _plan(cut), strict=True)):
        with _open(file) as stored:
            picture = _rgb(stored)
        for box in plan:
            crops.append(np.asarray(picture.resize((side, side), Image.Resampling.BILINEAR, box=box)))
            photographs.append(number)
            boxes.append(box)
    made = Bank(crops=np.stack(crops), photographs=np.array(photographs), boxes=np.array(boxes))
    for array in (made.crops, made.photographs, made.boxes):
        array.setflags(write=False)
    return made


def _open(file: str) -> Image.Image:
    return Image.open(str(files("skimage").joinpath("data", file)))


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def exemplars(
    specimen: Specimen, progress: Callable[[float], None] | None = None, *, crops: Bank | None = None
) -> dict[str, Exemplars]:
    """Find what excites every channel of every stage, by one pass over the bank, in batches.

    ``progress`` gets the share done (0-1). The result holds a few numbers per channel and crop, no maps.
    """
    source = crops or bank_for(specimen)
    highest: dict[str, list[NDArray[np.float32]]] = {stage.name: [] for stage in specimen.backbone.table}
    mean: dict[str, list[NDArray[np.float32]]] = {name: [] for name in highest}
    place: dict[str, list[NDArray[np.int32]]] = {name: [] for name in highest}
    sides: dict[str, int] = {}
    size = max(1, min(64, BATCH_PIXELS // specimen.image_size**2))
    for start in range(0, len(source.crops), size):
        with torch.inference_mode():
            features = specimen.input(source.crops[start : start + size])
            for stage in specimen.backbone.table:
                features = stage.module(features)
                maps = as_map(features).float()  # (B, C, h, w)
                most, where = maps.flatten(2).max(dim=2)
                highest[stage.name].append(most.numpy())
                place[stage.name].append(where.to(torch.int32).numpy())
                mean[stage.name].append(maps.mean(dim=(2, 3)).numpy())
                sides[stage.name] = maps.shape[-1]
        if progress is not None:
            progress(min(1.0, (start + size) / len(source.crops)))
    fields = receptive_fields(specimen)
    return {
        name: _best(
            fields[name],
            source,
            _Answers(
                highest=np.concatenate(highest[name]),
                mean=np.concatenate(mean[name]),
                rows=np.concatenate(place[name]) // sides[name],
                columns=np.concatenate(place[name]) % sides[name],
            ),
        )
        for name in highest
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class _Answers:
    """What the channels of one stage answer to every crop: largest value and where, and mean; all (N, C)."""

    highest: NDArray[np.float32]
    mean: NDArray[np.float32]
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]


def _best(field: ReceptiveField, source: Bank, answers: _Answers) -> Exemplars:
    """Pick every channel's best crops, leaving out patches that lie over a better one."""
    highest, rows, columns = answers.highest, answers.rows, answers.columns
    count, channels = highest.shape
    patches = _patches(field, source, rows, columns)  # (4, N, C)
    area = (patches[2] - patches[0]) * (patches[3] - patches[1])
    left_over = highest.astype(np.float64)
    every = np.arange(channels)
    chosen = np.full((channels, min(KEPT, count)), -1, dtype=np.int64)
    for rank in range(chosen.shape[1]):
        best = left_over.argmax(axis=0)  # (C,)
        there = np.isfinite(left_over[best, every])
        chosen[there, rank] = best[there]
        mine = patches[:, best, every]  # (4, C)
        wide = np.minimum(patches[2], mine[2]) - np.maximum(patches[0], mine[0])
        high = np.minimum(patches[3], mine[3]) - np.maximum(patches[1], mine[1])
        over = wide.clip(0) * high.clip(0) > OVERLAP * np.minimum(area, area[best, every])
        same = source.photographs[:, None] == source.photographs[best]
        left_over[over & same] = -np.inf
        left_over[best, every] = -np.inf
    known = chosen.clip(0)
    return Exemplars(
        stage=field.stage,
        field=field,
        crops=chosen,
        rows=rows[known, every[:, None]].astype(np.int64),
        columns=columns[known, every[:, None]].astype(np.int64),
        values=highest[known, every[:, None]],
        highest=highest,
        mean=answers.mean,
    )


def _patches(
    field: ReceptiveField, source: Bank, rows: NDArray[np.int32], columns: NDArray[np.int32]
) -> NDArray[np.float64]:
    """What each unit sees, in pixels of the photograph: left, top, right, bottom (4, N, C)."""
    origin = source.boxes.T[:, :, None]  # (4, N, 1)
    scale = (origin[2] - origin[0]) / field.image_size
    spans = []
    for places, start in ((columns, origin[0]), (rows, origin[1])):
        low = (field.low + places * field.stride).clip(0)
        high = (field.high + places * field.stride).clip(max=field.image_size)
        spans.append((start + low * scale, start + high * scale))
    (left, right), (top, bottom) = spans
    return np.stack([left, top, right, bottom])


def patch(source: Bank, best: Exemplars, channel: int, rank: int, side: int = 96) -> NDArray[np.uint8]:
    """Cut out what the channel's exemplar number ``rank`` saw, (side, side, 3): the network's own pixels, enlarged.

    `SettingsError` for a channel that the stage does not have.
    """
    if not 0 <= channel < len(best.crops):
        raise errors.SettingsError(
            f"Stage {best.stage} has the channels 0 to {len(best.crops) - 1}, not {channel}."
        )
    number = int(best.crops[channel, rank])
    if number < 0:
        return np.full((side, side, 3), 128, dtype=np.uint8)
    crop = source.crops[number]
    left, top, right, bottom = (round(part * crop.shape[0]) for part in best.box(channel, rank))
    # Cut first: a resize of a box would blend in pixels beyond it, which the unit does not see.
    seen = np.ascontiguousarray(crop[top:bottom, left:right])
    return np.asarray(Image.fromarray(seen).resize((side, side), Image.Resampling.BICUBIC))


def title(source: Bank, best: Exemplars, channel: int, rank: int) -> str:
    """What photograph the exemplar comes from; "" where there is none."""
    number = int(best.crops[channel, rank])
    return PHOTOGRAPHS[int(source.photographs[number])][1] if number >= 0 else ""
