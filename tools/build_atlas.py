"""Make the atlas: the picture that every channel of the built-in network wants, and every class.

    python -m tools.build_atlas --archive tiny-imagenet-200.zip --work DIR [--steps 96] [--out DIR]

Writes one WebP sheet a stage and ``index.json`` into ``core/interpretation/atlas_data``. A stage that is there
already, made of the same weights with the same settings, is skipped, so an interrupted build goes on.

How the settings were chosen, by eye on contact sheets of six classes and four layer-3 channels:
rate 0.03-0.2 (0.2 burns out, 0.03-0.05 keeps shades), prior 0-1 (0 burns out, 1 greys), with and without
transformations (without: noise; jitter 12 %, zoom 1.2, turn 12 degrees: whole objects), amplitudes f^-1 and
f^-1.5 (f^-1: checkerboards, f^-1.5: soft). At 64 pixels the mean over positions; stem channels see 7 x 7 pixels and
layer1's 23 x 23, so they get smaller pictures, and the stem its centre position: its means are flat colours.
"""

import argparse
import datetime
import hashlib
import json
import math
import platform
import time
import zipfile
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
from tools import tiny_imagenet

TILE = 64
BATCH = 32
QUALITY = 82
TOP_CLASSES = 5
STEPS = 96

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
    """What each channel and class answers to photographs (N, S, S, 3): (N, C) per stage, in float32.

    The mean over positions, or where the aim is a position, the largest over positions: the photograph's best patch.
    """
    found: dict[str, list[torch.Tensor]] = {stage: [] for stage in aims}
    for start in range(0, len(images), 200):
        features = one.input(np.ascontiguousarray(images[start : start + 200]))
        for number, stage in enumerate(one.backbone.table):
            features = one.backbone.run_stages(features, number, number + 1)
            if stage.name in aims:
                maps = specimen.as_map(features)
                found[stage.name].append(
                    maps.amax((2, 3)) if aims[stage.name] == "centre" else maps.mean((2, 3))
                )
        if CLASSES in aims:
            found[CLASSES].append(one.backbone.head(features))
    return {stage: torch.cat(parts).numpy() for stage, parts in found.items()}


def class_means(answers: AtlasValues, labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Mean answer of every channel to the photographs of every class: (classes, C)."""
    return np.stack([answers[labels == label].mean(axis=0, dtype=np.float64) for label in range(classes)])


def selectivity(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """(best class mean - mean over classes) / standard deviation over classes, per channel (C,)."""
    spread = means.std(axis=0)
    apart: NDArray[np.float64] = means.max(axis=0) - means.mean(axis=0)
    return apart / np.where(spread > 0, spread, 1)


def rows(
    values: AtlasValues,
    answers: AtlasValues,
    labels: NDArray[np.int64],
    classes: int,
    head: AtlasValues | None,
) -> list[dict[str, Any]]:
    """One row of the index per channel; ``head`` (classes, C) holds its weights into the class scores."""
    means = class_means(answers, labels, classes)
    selective = selectivity(means)
    found = []
    for number, value in enumerate(values):
        best = np.argsort(-means[:, number], kind="stable")[:TOP_CLASSES]
        found.append(
            {
                "value": _short(value),
                "best_photograph": _short(answers[:, number].max()),
                "mean_photograph": _short(answers[:, number].mean()),
                "fires_for": [[int(label), _short(means[label, number])] for label in best],
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


def draw(one: Specimen, stage: str, count: int, ascent: Ascent) -> tuple[NDArray[np.uint8], AtlasValues]:
    """Make the pictures of all channels: (C, S, S, 3) uint8 and how much each excites its channel (C,)."""
    pictures, values = [], []
    for start in range(0, count, BATCH):
        began = time.perf_counter()
        (last,) = visualisation.ascend(one, stage, range(start, min(start + BATCH, count)), ascent)
        pictures.append(last.pictures)
        values.append(last.values)
        print(
            f"{stage} {start + len(last.values)}/{count}: mean value {last.values.mean():.2f}, "
            f"{time.perf_counter() - began:.0f} s",
            flush=True,
        )
    return np.concatenate(pictures), np.concatenate(values)


def sheet(pictures: NDArray[np.uint8]) -> tuple[Image.Image, int]:
    """Put pictures, enlarged to tiles, row by row on one sheet without gaps; returns it with its columns."""
    tiles = np.stack(
        [np.asarray(Image.fromarray(one).resize((TILE, TILE), Image.Resampling.BICUBIC)) for one in pictures]
    )
    columns = math.ceil(math.sqrt(len(tiles)))
    return Image.fromarray(rendering.contact_sheet(tiles, columns, gap=0)), columns


def colour_statistics(images: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (3,) and covariance (3, 3) of the logits of all pixels of (N, S, S, 3) uint8; see `fourier`."""
    level = np.clip(np.arange(256) / 255, 0.01, 0.99)
    logits = np.log(level / (1 - level))[images].reshape(-1, 3)
    return logits.mean(axis=0), np.cov(logits, rowvar=False, ddof=0)


def other_names(archive: Path, wnids: Sequence[str]) -> list[list[str]]:
    """The other names that WordNet gives each class, from the archive's ``words.txt``."""
    with zipfile.ZipFile(archive) as source:
        lines = source.read(f"{tiny_imagenet.ROOT}/words.txt").decode().splitlines()
    words = dict(line.split("\t", 1) for line in lines)
    return [[name.strip() for name in words[wnid].split(",")[1:]] for wnid in wnids]


def build(
    one: Specimen, data: tiny_imagenet.TinyImageNet, archive: Path, *, out: Path, steps: int, seed: int
) -> None:
    """Make all sheets that ``out`` lacks and write the index after each."""
    out.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256(weights.built_in_weights_path().read_bytes()).hexdigest()
    counts = {stage.name: stage.channels for stage in one.entry.stages} | {CLASSES: len(one.class_names)}
    ascents = {stage: ascent_for(one, stage, steps, seed) for stage in counts}
    done = finished(out, sha256, ascents)
    began = time.perf_counter()
    answers = photographs(one, data.validation.images, {stage: ascents[stage].aim for stage in counts})
    print(f"photographs: {time.perf_counter() - began:.0f} s", flush=True)
    head = [part for part in one.backbone.head.modules() if isinstance(part, torch.nn.Linear)][-1]
    for stage, count in counts.items():
        if stage in done:
            print(f"{stage}: there already")
            continue
        began = time.perf_counter()
        pictures, values = draw(one, stage, count, ascents[stage])
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
            "rows": rows(
                values,
                answers[stage],
                data.validation.labels,
                len(one.class_names),
                head.weight.numpy() if last_stage else None,
            ),
        }
        index = {
            "network": one.entry.name,
            "weights_sha256": sha256,
            "made": {
                "by": "tools/build_atlas.py",
                "photographs": f"{len(data.validation.labels):,} validation images of Tiny ImageNet, 64 x 64 pixels",
                "seed": seed,
                "steps": steps,
                "seconds": round(sum(part["sheet"]["seconds"] for part in done.values()), 1),
                "machine": f"{torch.get_num_threads()} thread(s) of {platform.processor() or platform.machine()}",
                "versions": {"torch": torch.__version__, "numpy": np.__version__, "pillow": PIL.__version__},
            },
            "class_names": list(one.class_names),
            "also_called": other_names(archive, data.wnids),
            "stages": {name: done[name] for name in counts if name in done},
        }
        text = json.dumps(index, ensure_ascii=False, separators=(",", ":")).replace('{"value"', '\n{"value"')
        (out / atlas.INDEX).write_text(text + "\n", encoding="utf-8")


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


def _short(value: float | np.floating[Any]) -> float:
    return float(f"{float(value):.4g}")


def main() -> None:
    """Build the atlas of the weights that ship."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--archive", type=Path, required=True, help="tiny-imagenet-200.zip")
    parser.add_argument("--work", type=Path, required=True, help="folder of decoded arrays")
    parser.add_argument("--out", type=Path, default=atlas.DATA)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    one = specimen.pretrained(catalogue.BUILT_IN)
    data = tiny_imagenet.load(arguments.archive, arguments.work)
    assert data.names == one.class_names, "the archive's classes are not the network's"
    build(one, data, arguments.archive, out=arguments.out, steps=arguments.steps, seed=arguments.seed)


if __name__ == "__main__":
    main()
