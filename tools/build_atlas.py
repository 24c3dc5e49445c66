"""Make the atlas of a network: the picture that every channel of it wants, and every class.

    python -m tools.build_atlas --archive tiny-imagenet-200.zip --work DIR [--backbone NAME] [--steps 64] [--out DIR]

Writes one WebP sheet a stage and ``index.json`` into ``core/interpretation/atlas_data/NAME``. A stage that is there
already, made of the same weights with the same settings, is skipped, and what is drawn of the next one is kept in the
work folder, batch by batch, so an interrupted build goes on.

How the settings were chosen, by eye on contact sheets. For the network of 64 pixels, six classes and four layer-3
channels: rate 0.03-0.2 (0.2 burns out, 0.03-0.05 keeps shades), prior 0-1 (0 burns out, 1 greys), with and without
transformations (without: noise; jitter 12 %, zoom 1.2, turn 12 degrees: whole objects), amplitudes f^-1 and
f^-1.5 (f^-1: checkerboards, f^-1.5: soft). At 64 pixels the mean over positions; stem channels see 7 x 7 pixels and
layer1's 23 x 23, so they get smaller pictures, and the stem its centre position: its means are flat colours.

For EfficientNet-Lite0, eight classes: side 64-128 (64: fragments; 112 and 128: whole objects, 128 for 1.3 times the
time), 32-96 steps (32: unfinished; 64 and 96: hardly to be told apart), prior 0.1-3 (0.1 burns out, 1 greys), f^-1.25
to f^-1.8 (1.25: noise, 1.6: fog). Letting gradients pass ReLU6's ceiling made objects of patchworks.
"""

import argparse
import datetime
import hashlib
import json
import math
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image

from core.backbones import catalogue, weights
from core.interpretation import atlas, rendering, specimen
from core.interpretation import feature_visualisation as visualisation
from core.interpretation.atlas import CLASSES
from core.interpretation.feature_visualisation import Ascent
from core.interpretation.specimen import Specimen
from core.training import precision
from tools import imagenet, tiny_imagenet

TILE = 64
BATCH = 32
QUALITY = 82
TOP_CLASSES = 5
STEPS = 64
PHOTOGRAPHS_AT_ONCE = 2_000_000  # pixels

# What people search for and no class is called, by ranges of ImageNet's 1,000 classes, which stand in WordNet's order.
EVERYDAY: dict[str, tuple[range, ...]] = {
    "dog": (range(151, 269),),
    "cat": (range(281, 294),),
    "wolf": (range(269, 273),),
    "fox": (range(277, 281),),
    "bear": (range(294, 298), range(388, 389), range(850, 851)),
    "monkey": (range(365, 385),),
    "ape": (range(365, 370),),
    "bird": (range(7, 25), range(80, 101), range(127, 147)),
    "fish": (range(0, 7), range(389, 398)),
    "shark": (range(2, 5),),
    "frog": (range(30, 33),),
    "lizard": (range(38, 49),),
    "snake": (range(52, 69),),
    "turtle": (range(33, 38),),
    "insect": (range(300, 327),),
    "beetle": (range(300, 308),),
    "butterfly": (range(321, 327),),
    "spider": (range(72, 78),),
    "whale": (range(147, 149),),
    "elephant": (range(385, 387),),
    "car": (
        range(436, 437),
        range(468, 469),
        range(511, 512),
        range(609, 610),
        range(627, 628),
        range(656, 657),
        range(661, 662),
        range(751, 752),
        range(817, 818),
        range(734, 735),
    ),
    "bus": (range(654, 655), range(779, 780), range(874, 875)),
    "truck": (range(555, 556), range(569, 570), range(717, 718), range(864, 865), range(867, 868)),
    "train": (range(466, 467), range(547, 548), range(565, 566), range(705, 706), range(820, 821)),
    "boat": (
        range(472, 473),
        range(484, 485),
        range(554, 555),
        range(576, 577),
        range(625, 626),
        range(814, 815),
    ),
    "ship": (range(403, 404), range(510, 511), range(628, 629), range(780, 781)),
    "motorcycle": (range(665, 666), range(670, 671)),
    "aeroplane": (range(404, 405), range(895, 896)),
    "bottle": (range(440, 441), range(720, 721), range(737, 738), range(898, 900), range(907, 908)),
    "coffee": (range(504, 506), range(550, 551), range(967, 968)),
    "fruit": (range(948, 958),),
    "vegetable": (range(936, 947),),
    "flower": (range(985, 987),),
    "mountain": (range(970, 971), range(972, 973), range(980, 981)),
    "bridge": (range(821, 822), range(839, 840), range(888, 889)),
}

AtlasValues = NDArray[np.float32]


def ascent_for(one: Specimen, stage: str, steps: int, seed: int) -> Ascent:
    """How pictures of ``stage`` are made."""
    dtype = precision.autocast_type(torch.device("cpu"))
    return visualisation.fitted(
        one, stage, Ascent(steps=steps, seed=seed, report_every=steps, autocast=dtype)
    )


def settings_of(ascent: Ascent) -> dict[str, Any]:
    """Write an ascent down for the index."""
    return {**asdict(ascent), "autocast": str(ascent.autocast), "quality": QUALITY, "tile": TILE}


@torch.inference_mode()
def photographs(one: Specimen, images: NDArray[np.uint8], aims: dict[str, str]) -> dict[str, AtlasValues]:
    """What each channel and class answers to photographs (N, 64, 64, 3), enlarged: (N, C) per stage.

    They are enlarged to the side at which runs look (`BackboneEntry.finetune_size`). The mean over positions, or where
    the aim is a position, the largest over positions: the photograph's best patch.
    """
    found: dict[str, list[torch.Tensor]] = {stage: [] for stage in aims}
    side = one.entry.finetune_size
    step = PHOTOGRAPHS_AT_ONCE // side**2
    for start in range(0, len(images), step):
        part = resized(images[start : start + step], side)
        with precision.autocast(torch.device("cpu")):
            features = one.input(part)
            for number, stage in enumerate(one.backbone.table):
                features = one.backbone.run_stages(features, number, number + 1)
                if stage.name in aims:
                    maps = specimen.as_map(features).float()
                    found[stage.name].append(
                        maps.amax((2, 3)) if aims[stage.name] == "centre" else maps.mean((2, 3))
                    )
            if CLASSES in aims:
                found[CLASSES].append(one.backbone.head(features).float())
    return {stage: torch.cat(parts).numpy() for stage, parts in found.items()}


def class_means(answers: AtlasValues, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean answer of every channel to the photographs of every class that has some, in order: (classes, C)."""
    return np.stack([answers[labels == label].mean(axis=0, dtype=np.float64) for label in np.unique(labels)])


def selectivity(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """(best class mean - mean over classes) / standard deviation over classes, per channel (C,)."""
    spread = means.std(axis=0)
    apart: NDArray[np.float64] = means.max(axis=0) - means.mean(axis=0)
    return apart / np.where(spread > 0, spread, 1)


def rows(
    values: AtlasValues,
    answers: AtlasValues,
    labels: NDArray[np.int64],
    head: AtlasValues | None,
) -> list[dict[str, Any]]:
    """One row of the index per channel; ``head`` (classes, C) holds its weights into the class scores."""
    means, shown = class_means(answers, labels), np.unique(labels)
    selective = selectivity(means)
    found = []
    for number, value in enumerate(values):
        best = np.argsort(-means[:, number], kind="stable")[:TOP_CLASSES]
        found.append(
            {
                "value": _short(value),
                "best_photograph": _short(answers[:, number].max()),
                "mean_photograph": _short(answers[:, number].mean()),
                "fires_for": [[int(shown[place]), _short(means[place, number])] for place in best],
                "selectivity": _short(selective[number]),
                "speaks_for": []
                if head is None
                else [
                    [int(label), _short(head[label, number])]
                    for label in np.argsort(-head[:, number], kind="stable")[:TOP_CLASSES]
                ],
            }
        )
    return found


def draw(
    one: Specimen, stage: str, count: int, ascent: Ascent, drafts: Path
) -> tuple[NDArray[np.uint8], AtlasValues]:
    """Make the pictures of all channels: (C, S, S, 3) uint8 and how much each excites its channel (C,).

    What ``drafts`` holds of an interrupted build is taken from there.
    """
    pictures, values = [], []
    for start in range(0, count, BATCH):
        draft = drafts / f"{stage}-{start}.npz"
        if not draft.exists():
            began = time.perf_counter()
            (last,) = visualisation.ascend(one, stage, range(start, min(start + BATCH, count)), ascent)
            _save(draft, pictures=last.pictures, values=last.values)
            print(
                f"{stage} {start + len(last.values)}/{count}: mean value {last.values.mean():.2f}, "
                f"{time.perf_counter() - began:.0f} s",
                flush=True,
            )
        with np.load(draft) as kept:
            pictures.append(kept["pictures"])
            values.append(kept["values"])
    return np.concatenate(pictures), np.concatenate(values)


def drafts_of(work: Path, sha256: str, ascent: Ascent) -> Path:
    """Where batches of these weights and settings are kept."""
    return work / "atlas" / _digest([sha256, settings_of(ascent)])


def resized(images: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Bring pictures (N, S, S, 3) to squares of ``side`` pixels, bicubic; those of that size stay as they are."""
    if images.shape[1] == side:
        return np.ascontiguousarray(images)
    size = (side, side)
    return np.stack(
        [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in images]
    )


def sheet(pictures: NDArray[np.uint8]) -> tuple[Image.Image, int]:
    """Put pictures, brought to the size of tiles, row by row on one sheet without gaps; returns it with its columns."""
    tiles = resized(pictures, TILE)
    columns = math.ceil(math.sqrt(len(tiles)))
    return Image.fromarray(rendering.contact_sheet(tiles, columns, gap=0)), columns


def colour_statistics(images: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (3,) and covariance (3, 3) of the logits of all pixels of (N, S, S, 3) uint8; see `fourier`."""
    level = np.clip(np.arange(256) / 255, 0.01, 0.99)
    logits = np.log(level / (1 - level))[images].reshape(-1, 3)
    return logits.mean(axis=0), np.cov(logits, rowvar=False, ddof=0)


def other_names(wnids: Sequence[str]) -> list[list[str]]:
    """Other names of each class: WordNet's, then what people say (`EVERYDAY`)."""
    places = {wnid: place for place, wnid in enumerate(imagenet.wnids())}
    return [
        imagenet.names_of(wnid)[1:]
        + [word for word, ranges in EVERYDAY.items() if any(places[wnid] in numbers for numbers in ranges)]
        for wnid in wnids
    ]


def build(
    one: Specimen,
    data: tiny_imagenet.TinyImageNet,
    work: Path,
    *,
    out: Path,
    steps: int,
    seed: int,
) -> None:
    """Make all sheets that ``out`` lacks and write the index after each."""
    out.mkdir(parents=True, exist_ok=True)
    sha256 = weights.content_sha256(one.entry.name)
    counts = {stage.name: stage.channels for stage in one.entry.stages} | {CLASSES: len(one.class_names)}
    ascents = {stage: ascent_for(one, stage, steps, seed) for stage in counts}
    done = finished(out, sha256, ascents)
    began = time.perf_counter()
    aims: dict[str, str] = {stage: ascents[stage].aim for stage in counts}
    told = [sha256, one.entry.finetune_size, aims]
    kept = work / "atlas" / f"photographs-{_digest(told)}.npz"
    if not kept.exists():
        _save(kept, **photographs(one, data.validation.images, aims))
    with np.load(kept) as stored:
        answers = dict(stored)
    labels = imagenet.outputs_of(one.entry, data)[data.validation.labels]
    print(f"photographs: {time.perf_counter() - began:.0f} s", flush=True)
    head = [part for part in one.backbone.head.modules() if isinstance(part, torch.nn.Linear)][-1]
    for stage in sorted(counts, key=counts.__getitem__):  # the dearest last
        count = counts[stage]
        if stage in done:
            print(f"{stage}: there already")
            continue
        began = time.perf_counter()
        pictures, values = draw(one, stage, count, ascents[stage], drafts_of(work, sha256, ascents[stage]))
        image, columns = sheet(pictures)
        image.save(out / f"{stage}.webp", "WEBP", quality=QUALITY, method=6)
        last_stage = stage == one.entry.stages[-1].name
        done[stage] = {
            "sheet": {
                "file": f"{stage}.webp",
                "columns": columns,
                "tile": TILE,
                "shows": pictures.shape[1],
                "aim": ascents[stage].aim,
                "count": count,
                "bytes": (out / f"{stage}.webp").stat().st_size,
                "sha256": hashlib.sha256((out / f"{stage}.webp").read_bytes()).hexdigest(),
                "seconds": round(time.perf_counter() - began, 1),
                "date": datetime.date.today().isoformat(),
                "settings": settings_of(ascents[stage]),
            },
            "rows": rows(values, answers[stage], labels, head.weight.numpy() if last_stage else None),
        }
        index = {
            "network": one.entry.name,
            "weights_sha256": sha256,
            "made": {
                "by": "tools/build_atlas.py",
                "photographs": told_photographs(one, data),
                "seed": seed,
                "steps": steps,
                "seconds": round(sum(part["sheet"]["seconds"] for part in done.values()), 1),
                "machine": f"{torch.get_num_threads()} thread(s) of {platform.processor() or platform.machine()}",
                "versions": {"torch": torch.__version__, "numpy": np.__version__, "pillow": PIL.__version__},
            },
            "class_names": list(one.class_names),
            "also_called": other_names(imagenet.class_wnids(one.entry, data)),
            "photographed": sorted(set(labels.tolist())),
            "stages": {name: done[name] for name in counts if name in done},
        }
        text = json.dumps(index, ensure_ascii=False, separators=(",", ":")).replace('{"value"', '\n{"value"')
        (out / atlas.INDEX).write_text(text + "\n", encoding="utf-8")


def told_photographs(one: Specimen, data: tiny_imagenet.TinyImageNet) -> str:
    """Say in words which photographs the figures come from."""
    told = f"{len(data.validation.labels):,} validation images of Tiny ImageNet, 64 x 64 pixels"
    if one.entry.finetune_size != data.validation.images.shape[1]:
        told += f" enlarged to {one.entry.finetune_size}"
    if one.entry.source_classes != len(data.wnids):
        told += f", which show {len(data.wnids)} of the {one.entry.source_classes:,} classes"
    return told


def finished(out: Path, sha256: str, ascents: dict[str, Ascent]) -> dict[str, Any]:
    """Read which stages of an earlier build can stay: same weights, same settings, sheet unchanged."""
    try:
        index = json.loads((out / atlas.INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if index.get("weights_sha256") != sha256:
        return {}
    kept = {}
    for stage, part in index["stages"].items():
        path = out / part["sheet"]["file"]
        same = path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == part["sheet"]["sha256"]
        if same and stage in ascents and part["sheet"]["settings"] == settings_of(ascents[stage]):
            kept[stage] = part
    return kept


def _digest(told: list[Any]) -> str:
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def _save(path: Path, **arrays: NDArray[Any]) -> None:
    """Write arrays whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half.npz")
    np.savez(half, allow_pickle=False, **arrays)
    half.rename(path)


def _short(value: float | np.floating[Any]) -> float:
    return float(f"{float(value):.4g}")


def main() -> None:
    """Build the atlas of a network whose weights are here."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive", type=Path, required=True, help="tiny-imagenet-200.zip")
    parser.add_argument("--work", type=Path, required=True, help="folder of decoded arrays")
    parser.add_argument("--backbone", default=catalogue.DEFAULT, choices=catalogue.NAMES)
    parser.add_argument("--out", type=Path, help="folder of the atlas; by default the one that the lab reads")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    one = specimen.pretrained(arguments.backbone)
    data = tiny_imagenet.load(arguments.archive, arguments.work)
    out = arguments.out or atlas.DATA / arguments.backbone
    build(one, data, arguments.work, out=out, steps=arguments.steps, seed=arguments.seed)


if __name__ == "__main__":
    main()
