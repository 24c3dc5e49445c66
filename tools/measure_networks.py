"""Measure how often each way of choosing a pretrained network is wrong, over many real data sets.

    python -m tools.measure_networks measure --data ../shared/data --work DIR [--local NAME=FILE] [--only NETWORK …]
    python -m tools.measure_networks build --work DIR

``measure`` looks at every data set with every network (forward passes only; their pooled features are kept in DIR) and
appends one line of JSON for each network, number of images per class and seed: the accuracy on the test images of a
linear probe fitted to all training images of that draw, which is the truth that a choice is judged by, and the scores
that `core.advice.candidates` would see on its sample of them. What is there already is skipped, so it can be stopped at
any time and go on later. ``build`` makes the table that ships, ``core/advice/measured/networks.json``: figures only.
"""

import argparse
import datetime
import itertools
import json
import os
import platform
import warnings
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.advice import candidates, choosing, similarity, tasks
from core.advice.candidates import MOST_IMAGES
from core.advice.similarity import FeatureMatrix, Images
from core.backbones import catalogue, stages, weights
from core.backbones.backbone import Backbone
from core.datasets.assemble import content_hashes
from core.datasets.dataset import ImageDataset
from core.training import precision, probe
from core.training.sweep import draw, parts
from tools.measure_evidence import MOST_TEST_IMAGES, open_task, rows

SIZES = (20, 5, 100)  # training images of each class at most
SEEDS = (0, 1, 2)
# One side that all can be paid for at, but for the one that learned from 64 pixels.
SIDE = 128
SIDES = {catalogue.BUILT_IN: 64}
NETWORKS = (
    "efficientnet_lite0",
    "tiny_resnet18",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "squeezenet1_0",
)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("measure", "build"))
    parser.add_argument("--data", type=Path, help="the folder with the ZIPs")
    parser.add_argument("--work", type=Path, required=True, help="where features and lines of JSON are kept")
    parser.add_argument(
        "--local", nargs="*", default=[], metavar="NAME=FILE", help="weights of a network from a file"
    )
    parser.add_argument("--only", nargs="*", default=NETWORKS, help="names of networks")
    parser.add_argument("--sets", nargs="*", default=list(tasks.TASKS), help="names of data sets")
    parser.add_argument("--sizes", nargs="*", default=SIZES, type=int, help="images per class, at most")
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    chosen.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if chosen.command == "measure":
        measure(chosen)
    else:
        build(chosen)


def measure(chosen: argparse.Namespace) -> None:
    """Measure what is not in the file yet, and append it."""
    local = dict(one.split("=", 1) for one in chosen.local)
    path = chosen.work / "networks.jsonl"
    there = {_key(row) for row in rows(path)}
    networks: dict[str, Backbone] = {}
    for sizes, name in itertools.product(([*chosen.sizes[:2]], [*chosen.sizes[2:]]), chosen.sets):
        keys = set(itertools.product([name], chosen.only, sizes, SEEDS))
        if keys <= there:
            continue
        dataset = open_task(name, data=chosen.data, side=SIDE)
        for network in chosen.only:
            if {key for key in keys if key[1] == network} <= there:
                continue
            if network not in networks:
                networks[network] = stages.build(network)
                weights.load_pretrained(networks[network], local.get(network, "pretrained"))
            known = _Features(networks[network], chosen.work / "features" / network / f"{name}.npz")
            known.look_at(_needed(dataset, sizes))
            for per_class, seed in itertools.product(sizes, SEEDS):
                if (name, network, per_class, seed) in there:
                    continue
                row = {"data": name, "network": network, "per_class": per_class, "seed": seed} | judged(
                    dataset, known, per_class, seed
                )
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
                print(name, network, per_class, seed, row["truth"], row["probe"], flush=True)
    for network, backbone in networks.items():  # last, when the machine is at its quietest
        paces = chosen.work / "paces.jsonl"
        with paces.open("a", encoding="utf-8") as file:
            found = candidates.timed(backbone, SIDES.get(network, SIDE))
            file.write(json.dumps({"network": network} | asdict(found)) + "\n")


def judged(dataset: ImageDataset, known: "_Features", per_class: int, seed: int) -> dict[str, Any]:
    """Accuracy of the linear probe that a run would fit, and the scores of the sample that `candidates` takes."""
    pool, test = parts(dataset, seed)
    train = pool.subset(draw(pool.labels, per_class, seed=seed))
    features = known.of(train.images).astype(np.float64)
    *_, fitted = probe.fit(features, train.labels, images=len(train), seed=seed)
    assert isinstance(fitted, probe.Probe)
    named = (known.of(test.images) @ fitted.weight.T + fitted.bias).argmax(axis=1)
    sample = similarity.sample_of(
        train.images, train.labels, dataset.class_names, most=MOST_IMAGES, seed=seed
    )
    scores = candidates.scores(known.of(sample.images).astype(np.float64), sample.labels, seed=seed)
    return {
        "truth": round(float((named == test.labels).mean()), 5),
        "images": len(train),
        "classes": len(dataset.class_names),
        "test": len(test),
        "chance": round(float(np.bincount(test.labels).max() / len(test)), 4),
        "sample": len(sample.labels),
        "probe": round(scores.probe.accuracy.value, 5),
        "right": np.packbits(scores.probe.right).tobytes().hex(),
        "neighbours": round(float(scores.neighbours.accuracy.value), 5),
        "logme": round(scores.logme.value, 5),
        "h_score": round(scores.h_score.value, 5),
    }


class _Features:
    """Pooled features of the last stage by an image's hash, kept in a file so that nothing is computed twice."""

    def __init__(self, backbone: Backbone, path: Path) -> None:
        self._backbone, self._path = backbone, path
        self._last = backbone.table[-1].name
        self._rows: dict[bytes, FeatureMatrix] = {}
        if path.is_file():
            with np.load(path) as file:
                digests = [bytes(one) for one in file["digests"]]
                self._rows = dict(zip(digests, file["rows"], strict=True))

    def look_at(self, images: Images) -> None:
        """Run the network on the images (N, S, S, 3) that it has not seen."""
        new = {
            digest: number for number, digest in enumerate(content_hashes(images)) if digest not in self._rows
        }
        if not new:
            return
        size = SIDES.get(self._backbone.name, SIDE)
        found = similarity.pooled(self._backbone, images[list(new.values())], size)[self._last]
        self._rows |= dict(zip(new, found, strict=True))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        digests = np.array([list(one) for one in self._rows], dtype=np.uint8)
        with self._path.open("wb") as file:
            np.savez(file, digests=digests, rows=np.stack(list(self._rows.values())))

    def of(self, images: Images) -> FeatureMatrix:
        """Rows (N, C) of images that were looked at."""
        return np.stack([self._rows[digest] for digest in content_hashes(images)])


def _needed(dataset: ImageDataset, sizes: list[int]) -> Images:
    found = []
    for seed in SEEDS:
        pool, test = parts(dataset, seed)
        found += [pool.images[draw(pool.labels, max(sizes), seed=seed)], test.images]
    return np.concatenate(found)


def build(chosen: argparse.Namespace) -> None:
    """Put the lines together to what ships: of each case, only networks that every seed is there of."""
    by_case: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for row in rows(chosen.work / "networks.jsonl"):
        by_case[row["data"], row["per_class"]].append(row)
    paces: dict[str, list[float]] = defaultdict(list)
    for row in rows(chosen.work / "paces.jsonl"):
        paces[row["network"]].append(row["low"])  # other programs only ever make it slower
    cases = []
    for (name, per_class), found in sorted(by_case.items()):
        values = {(row["network"], row["seed"]): row for row in found}
        if not all(one in values for one in itertools.product(NETWORKS, SEEDS)):
            continue
        cases.append(
            choosing.NetworkCase(
                task=name,
                per_class=per_class,
                images=found[0]["images"],
                classes=found[0]["classes"],
                chance=found[0]["chance"],
                test_images=found[0]["test"],
                sample=found[0]["sample"],
                accuracy={one: tuple(values[one, seed]["truth"] for seed in SEEDS) for one in NETWORKS},
                scores={
                    one: {
                        score: tuple(values[one, seed][score] for seed in SEEDS) for score in choosing.SCORES
                    }
                    for one in NETWORKS
                },
                right={one: tuple(values[one, seed]["right"] for seed in SEEDS) for one in NETWORKS},
            )
        )
    if not cases:
        raise SystemExit("Nothing to build yet: run measure first.")
    made = choosing.NetworkEvidence(
        networks=NETWORKS,
        sides={one: SIDES.get(one, SIDE) for one in NETWORKS},
        milliseconds={one: round(min(paces[one]), 2) for one in NETWORKS},
        made={
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "torch": torch.__version__,
            "processor": f"{os.cpu_count()} cores, {platform.machine()}",
            "precision": str(precision.autocast_type(torch.device("cpu")) or torch.float32),
            "most_test_images": MOST_TEST_IMAGES,
            "most_sample_images": MOST_IMAGES,
        },
        cases=tuple(cases),
    )
    choosing.write(made, choosing.PATH)
    print(f"{len(cases)} cases of {len({one.task for one in cases})} data sets, {len(NETWORKS)} networks")


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["data"], row["network"], row["per_class"], row["seed"]


if __name__ == "__main__":
    main()
