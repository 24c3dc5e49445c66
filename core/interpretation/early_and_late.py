"""What separates an early stage from a late one, by three experiments on pictures that anyone can follow.

1. Stripes and plain colours: does a pattern without any object in it drive a channel as strongly as the best
   photograph? It should where channels detect edges and colours.
2. Shuffle: cut a photograph into pieces and mix them up. Edges, colours and textures are all still there, their
   arrangement is not. Does a channel answer as before? (Grill-Spector et al. 1998 did this to people; Brendel &
   Bethge 2019, arXiv 1904.00760, to networks.)
3. Mirror: everything moves, the arrangement of parts stays. The control for the shuffle.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from core.arrays import Pixels
from core.interpretation.exemplars import BATCH_PIXELS, MOST_WORK, Bank
from core.interpretation.quartiles import Quartiles, quartiles
from core.interpretation.specimen import Specimen, as_map

PIECES = 8  # along a side
FINEST, COARSEST = 3.5, 1 / 4  # wavelengths of the stripes: from 3.5 pixels to a quarter of the picture
ORIENTATIONS = 8
MOST_CROPS, FEWEST_CROPS = 64, 16

Values = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class StageExperiments:
    """What the experiments found for one stage, over its ``channels`` that answered at all, of ``of``.

    ``patterns``: answer to the best stripes or plain colour, divided by that to the best photograph, both above the
    channel's average on photographs; at 1 a pattern does as well as any photograph. ``shuffled`` and ``mirrored``:
    correlation, over photographs, of a channel's mean answer before and after; 1 is unmoved, 0 unrelated.
    """

    stage: str
    channels: int
    of: int
    patterns: Quartiles
    shuffled: Quartiles
    mirrored: Quartiles


def experiments(
    specimen: Specimen, source: Bank, progress: Callable[[float], None] | None = None
) -> tuple[StageExperiments, ...]:
    """Do all three experiments with every stage, on up to 64 crops of ``source`` spread over all photographs.

    ``progress`` gets the share done (0-1). Stages whose channels never answer are left out.
    """
    work = specimen.entry.multiply_adds * (specimen.image_size / specimen.entry.image_size) ** 2
    count = int(np.clip(MOST_WORK / (4 * work), FEWEST_CROPS, MOST_CROPS))
    crops = source.crops[np.linspace(0, len(source.crops) - 1, min(count, len(source.crops))).astype(int)]
    sets = (crops, shuffled(crops), np.ascontiguousarray(crops[:, :, ::-1]), patterns(specimen.image_size))
    answers: list[dict[str, tuple[Values, Values]]] = []
    done, total = 0, sum(map(len, sets))
    for pictures in sets:
        parts: dict[str, list[tuple[Values, Values]]] = {}
        for size, answered in _answers(specimen, pictures):
            for name, values in answered.items():
                parts.setdefault(name, []).append(values)
            done += size
            if progress is not None:
                progress(done / total)
        answers.append(
            {
                name: (np.concatenate([p[0] for p in part]), np.concatenate([p[1] for p in part]))
                for name, part in parts.items()
            }
        )
    return tuple(
        measured
        for name in answers[0]
        if (measured := _compare(name, *(answer[name] for answer in answers))) is not None
    )


def _answers(specimen: Specimen, pictures: Pixels) -> Iterator[tuple[int, dict[str, tuple[Values, Values]]]]:
    """Per batch, for every stage: largest value and mean over positions, both (B, C)."""
    size = max(1, min(64, BATCH_PIXELS // specimen.image_size**2))
    for start in range(0, len(pictures), size):
        batch = pictures[start : start + size]
        answers = {}
        with torch.inference_mode():
            features = specimen.input(batch)
            for stage in specimen.backbone.table:
                features = stage.module(features)
                maps = as_map(features).float()
                answers[stage.name] = (maps.amax(dim=(2, 3)).numpy(), maps.mean(dim=(2, 3)).numpy())
        yield len(batch), answers


def _compare(
    stage: str,
    intact: tuple[Values, Values],
    mixed: tuple[Values, Values],
    turned: tuple[Values, Values],
    drawn: tuple[Values, Values],
) -> StageExperiments | None:
    """Put the answers (largest, mean), each (N, C), side by side."""
    highest, mean = intact
    average = mean.mean(axis=0)
    room = highest.max(axis=0) - average  # (C,)
    alive = (room > 1e-6) & (mean.std(axis=0) > 1e-6)
    if not alive.any():
        return None
    share = (drawn[0].max(axis=0) - average)[alive] / room[alive]
    return StageExperiments(
        stage=stage,
        channels=int(alive.sum()),
        of=len(alive),
        patterns=quartiles(share),
        shuffled=quartiles(correlation(mean[:, alive], mixed[1][:, alive])),
        mirrored=quartiles(correlation(mean[:, alive], turned[1][:, alive])),
    )


def correlation(x: Values, y: Values) -> Values:
    """Pearson's r of the columns of ``x`` and ``y`` (N, C): (C,). A column that does not vary gives 0."""
    a, b = x - x.mean(axis=0), y - y.mean(axis=0)
    scale = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    return np.asarray((a * b).sum(axis=0) / np.where(scale > 0, scale, np.inf), dtype=np.float32)


def shuffled(pictures: Pixels, pieces: int = PIECES) -> Pixels:
    """Cut pictures (N, S, S, 3) into ``pieces`` × ``pieces`` squares and mix each picture's up, every time alike.

    What does not fill a square is left out at the border and stays as it is.
    """
    side = pictures.shape[1] // pieces
    whole = side * pieces
    mixed = pictures.copy()
    random = np.random.default_rng(0)
    for picture in mixed:
        cut = picture[:whole, :whole].reshape(pieces, side, pieces, side, 3).swapaxes(1, 2)
        squares = cut.reshape(-1, side, side, 3)[random.permutation(pieces**2)]
        laid = squares.reshape(pieces, pieces, side, side, 3).swapaxes(1, 2)
        picture[:whole, :whole] = laid.reshape(whole, whole, 3)
    return mixed


def patterns(size: int) -> Pixels:
    """Draw stripes, black to white, of 8 orientations, each width 1.7 times the last, and 9 plain colours.

    (N, size, size, 3): 41 pictures of 64 pixels, 65 of 224.
    """
    down, across = np.mgrid[:size, :size]
    widths = 1 + round(np.log(COARSEST * size / FINEST) / np.log(1.7))
    drawn = []
    for wavelength, turn in product(np.geomspace(FINEST, COARSEST * size, widths), range(ORIENTATIONS)):
        angle = np.pi * turn / ORIENTATIONS
        wave = np.sin(2 * np.pi / wavelength * (across * np.cos(angle) + down * np.sin(angle)))
        drawn.append(np.repeat((127.5 + 127.5 * wave)[..., None], 3, axis=2))
    colours = [*product((0, 255), repeat=3), (128, 128, 128)]
    drawn += [np.full((size, size, 3), colour, dtype=np.float64) for colour in colours]
    return np.stack(drawn).round().astype(np.uint8)
