"""From the upload of a ZIP to the recommendation: seconds, and how they divide.

    python -m benchmarks.advice_time --data FILE.zip [--images 1000] [--backbone efficientnet_lite0] [--weights FILE]

A ZIP of about ``--images`` pictures is packed from FILE.zip, evenly over its classes; then everything is timed that a
visitor waits for: checking and storing the upload, reading and scaling the pictures, one pass through the network,
the measures, and the advice; with linear probes and without. Libraries and weights are loaded before, as on a server.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
import zipfile
from collections import defaultdict
from pathlib import Path, PurePosixPath

GOAL = 10.0


def smaller(path: Path, images: int) -> tuple[bytes, int]:
    """Pack the training pictures of ``path``, evenly over classes, into a new ZIP of about ``images`` pictures."""
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(packed, "w") as target:
        by_class = defaultdict(list)
        for name in source.namelist():
            if not name.endswith("/"):
                by_class[PurePosixPath(name).parent.name].append(name)
        count = 0
        for label, names in by_class.items():
            for place, name in enumerate(names[: images // len(by_class)]):
                target.writestr(f"{label}/{place}{PurePosixPath(name).suffix}", source.read(name))
                count += 1
    return packed.getvalue(), count


def once(content: bytes, backbone: str, weights_file: str, *, probe: bool) -> dict[str, float]:
    """Time one upload, phase by phase."""
    from core.advice import advisor, evidence, similarity
    from core.backbones import stages, weights
    from core.datasets import own_images
    from core.runs import service

    network = stages.build(backbone)
    weights.load_pretrained(network, weights_file)
    seconds: dict[str, float] = {}
    begin = time.perf_counter()
    reference = service.store_upload("benchmark", "pictures.zip", content)
    seconds["upload"] = time.perf_counter() - begin
    begin = time.perf_counter()
    dataset = own_images.from_zip(service.upload_path("benchmark", reference), side=evidence.side(backbone))
    seconds["decode"] = time.perf_counter() - begin
    measures = similarity.measure(
        network, dataset.train.images, dataset.train.labels, dataset.class_names, probe=probe
    )
    seconds |= measures.seconds
    begin = time.perf_counter()
    advisor.from_measures(measures, backbone)
    seconds["advice"] = time.perf_counter() - begin
    service.delete_upload("benchmark", reference)
    return seconds


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--weights", default="pretrained")
    parser.add_argument("--times", type=int, default=3)
    arguments = parser.parse_args()
    content, count = smaller(arguments.data, arguments.images)
    with tempfile.TemporaryDirectory() as home:
        os.environ["TLL_HOME"] = home
        once(content, arguments.backbone, arguments.weights, probe=False)  # starts the libraries
        print(
            f"{count} pictures of {arguments.data.name}, {arguments.backbone}, median of {arguments.times}\n"
        )
        for probe in (False, True):
            runs = [
                once(content, arguments.backbone, arguments.weights, probe=probe)
                for _ in range(arguments.times)
            ]
            total = statistics.median(sum(run.values()) for run in runs)
            phases = ", ".join(
                f"{phase} {statistics.median(run[phase] for run in runs):.2f}" for phase in runs[0]
            )
            print(f"{'with' if probe else 'without'} probes: {total:.1f} s (goal {GOAL:g}): {phases}")


if __name__ == "__main__":
    main()
