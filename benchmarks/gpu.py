"""All that only a GPU can show, in one command, meant for eight minutes at most; small on a machine without one.

    python -m benchmarks.gpu

Speed and peak memory against the tutorial's loop (`benchmarks.finetune_vs_tutorial`: fresh processes, in turn, random
weights, which cost the same); memory that runs out, is halved and goes on; cached features against computed ones; the
server's workers and its /metrics; the experiment of a method. Pictures are drawn here, so accuracies mean nothing and
none is shown. Each part stands by itself: one that fails says why, the others go on, and the command ends with 1.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.classroom import PROJECT, served
from benchmarks.finetune_vs_tutorial import Job, in_fresh_process
from core.backbones import catalogue, stages
from core.datasets.dataset import ImageDataset
from core.datasets.open import open_dataset
from core.events import Note
from core.runs.executors import devices
from core.runs.kinds.lanes import TRAINING
from core.runs.spec import RunSpec
from core.runs.store.runs import Store
from core.training import precision
from core.training.config import FinetuneConfig
from core.training.events import Finished
from core.training.run import finetune

CLASSES = 4
LEFT = 3 * 2**30  # bytes of GPU memory that stay free where memory is to run out


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured: ``pictures`` of ``side`` pixels for training, a quarter as many for tests.

    The lab validates on a quarter of what it trains on, the tutorial on its test part: so both do the same work.
    """

    networks: tuple[str, ...]
    pictures: int
    side: int | None  # None: each network's own
    batch: int
    epochs: int
    experiment: str  # of Methods


LARGE = Size(
    networks=("resnet18", "resnet50", "efficientnet_lite0", "vit_b_16"),
    pictures=2048,
    side=None,
    batch=128,
    epochs=10,
    experiment="fine-tuning",
)
SMALL = Size(
    networks=("tiny_resnet18",), pictures=64, side=64, batch=16, epochs=2, experiment="instance-weighting"
)


def draw_pictures(path: Path, size: Size) -> None:
    """Write a ZIP of JPEGs, train/ and test/, classes that differ by colour."""
    random, side = np.random.default_rng(0), size.side or 256
    with zipfile.ZipFile(path, "w") as archive:
        for part, count in (("train", size.pictures), ("test", size.pictures // 4)):
            for number in range(count):
                kind = number % CLASSES
                pixels = random.normal(90, 30, (side // 8, side // 8, 3))
                pixels[:, :, kind % 3] += 40 + 40 * (kind // 3)
                picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).resize((side, side))
                encoded = io.BytesIO()
                picture.save(encoded, "JPEG", quality=90)
                archive.writestr(f"{part}/class {kind}/{number}.jpg", encoded.getvalue())


# --- the parts: each yields lines of Markdown -------------------------------------------------------------


def speed(pictures: Path, size: Size) -> Iterator[str]:
    """Time a probe and full fine-tuning, ours and the tutorial's: images learned from a second, over all epochs."""
    yield "| network | what learns | device | lab images/s | tutorial images/s | ratio | lab MiB | tutorial MiB |"
    yield "|---" * 8 + "|"
    for network in size.networks:
        for row in ("probe", "nothing frozen"):
            lab, tutorial = (
                in_fresh_process(
                    Job(
                        side=side,
                        row=row,
                        data=str(pictures),
                        backbone=network,
                        weights="random",
                        batch_size=size.batch,
                        epochs=size.epochs,
                        timed_epochs=2,
                        seed=0,
                    )
                )
                for side in ("lab", "tutorial")
            )
            ours, theirs = (one["images"] * size.epochs / one["seconds"] for one in (lab, tutorial))
            memory = " | ".join(f"{one['peak_bytes'] / 2**20:.0f}" for one in (lab, tutorial))
            yield (
                f"| {network} | {row} | {lab['device']} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.1f}x | {memory} |"
            )


def equality(pictures: Path, size: Size) -> Iterator[str]:
    """Train with cached and with computed features: how far apart weights and test probabilities are in the end."""
    yield "| network | largest difference of a weight | of a probability |"
    yield "|---|---|---|"
    for network in size.networks:
        dataset, config = _training(network, pictures, size)
        cached, computed = (_result(dataset, replace(config, cache=cache)) for cache in (True, False))
        weights = max(
            float((cached.weights[name] - computed.weights[name]).abs().max()) for name in cached.weights
        )
        yield f"| {network} | {weights:.1e} | {np.abs(cached.scores - computed.scores).max():.1e} |"


def memory_that_runs_out(pictures: Path, size: Size) -> Iterator[str]:
    """Fill a GPU until a batch does not fit: the run must say so, halve it, and end."""
    device = precision.choose_device("auto")
    if device.type != "cuda":
        yield "Needs a GPU: a processor's memory does not run out by a batch."
        return
    free, _ = torch.cuda.mem_get_info(device)
    taken = torch.empty(max(0, free - LEFT), dtype=torch.uint8, device=device)
    dataset, config = _training("resnet50", pictures, size, batch=1024, depth=0)
    for event in finetune(config, dataset, backbone=stages.build("resnet50")):
        if isinstance(event, Note):
            yield f"- {event.message}"
        if isinstance(event, Finished):
            used, beside = (count / 2**30 for count in (event.peak_memory_bytes, len(taken)))
            yield f"- Finished; at its peak {used:.1f} GiB, beside {beside:.0f} that were taken."


def server(_pictures: Path, size: Size) -> Iterator[str]:
    """Queue two runs for each training worker, and ask a server for its metrics while it works on them."""
    training = [slot for slot in devices.slots() if slot.lane == TRAINING]
    yield f"- Training workers: {len(training)}, GPUs: {', '.join(gpu.name for gpu in devices.gpus()) or 'none'}."
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home))
        config = FinetuneConfig(backbone="tiny_resnet18", strategy="linear_probe", per_class=5)
        runs = [
            store.add(RunSpec(config=config, data="science-patches"), f"visitor {number}")
            for number in range(2 * len(training))
        ]
        at_once, told = 0, ""
        with served(PROJECT / "streamlit_app.py", home, Path(home) / "server.log") as (address, _):
            until = time.monotonic() + 120
            while time.monotonic() < until and any(
                store.run(run).state in ("queued", "running") for run in runs
            ):
                at_once = max(at_once, sum(store.run(run).state == "running" for run in runs))
                with urllib.request.urlopen(f"{address}/metrics", timeout=20) as answer:
                    told = answer.read().decode()
        finished = sum(store.run(run).state == "finished" for run in runs)
        store.close()
    yield f"- Finished {finished} of {len(runs)} runs, at most {at_once} at the same time."
    figures = [line for line in told.splitlines() if line.startswith("tll_gpu")]
    yield "\n".join(f"- `{line}`" for line in figures) or "- /metrics has no figures of GPUs here."


def experiment(_pictures: Path, size: Size) -> Iterator[str]:
    """Run the experiment of a method with two seeds; methods compute on the processor, whatever there is."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "core", "technique", size.experiment, "--seeds", "2", "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=PROJECT)
    last = json.loads(done.stdout.splitlines()[-1])
    yield f"- {size.experiment}: {last['event']} after {time.perf_counter() - began:.0f} s, on the processor."


def _training(
    network: str, pictures: Path, size: Size, *, batch: int | None = None, depth: int | None = None
) -> tuple[ImageDataset, FinetuneConfig]:
    """Settings of a short training with cached views, and its pictures."""
    entry = catalogue.entry(network)
    side = size.side or entry.image_size
    config = FinetuneConfig(
        backbone=network,
        freeze_depth=entry.depth - 1 if depth is None else depth,
        image_size=side,
        epochs=1,
        views=1,
        batch_size=batch or size.batch,
    )
    return open_dataset(str(pictures), side=side), config


def _result(dataset: ImageDataset, config: FinetuneConfig) -> Finished:
    for event in finetune(config, dataset, backbone=stages.build(config.backbone)):
        if isinstance(event, Finished):
            return event
    raise RuntimeError("the run ended without a result")


PARTS: dict[str, Callable[[Path, Size], Iterator[str]]] = {
    "speed": speed,
    "equality": equality,
    "memory": memory_that_runs_out,
    "server": server,
    "experiment": experiment,
}


def main() -> int:
    """Measure part after part and print what was found as it comes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    chosen = parser.parse_args()
    gpus, failed = devices.gpus(), 0
    size = LARGE if gpus else SMALL
    print(f"torch {torch.__version__}; {', '.join(gpu.name for gpu in gpus) or 'no GPU: a small round'}")
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures.zip"
        draw_pictures(pictures, size)
        for part in chosen.parts:
            print(f"\n## {part}\n")
            began = time.perf_counter()
            try:
                for line in PARTS[part](pictures, size):
                    print(line, flush=True)
            except Exception:  # a machine with a GPU is lent for minutes: what can be measured is
                failed += 1
                print(f"```\n{traceback.format_exc()}```")
            print(f"\n{time.perf_counter() - began:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
