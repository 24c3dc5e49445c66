"""bfloat16 against float32 on this machine's device: images a second, training and predicting.

    python -m benchmarks.precision

Each network trains and predicts in turn in both precisions, on the same random images; the best of a few
repetitions counts, since whatever else the machine does can only slow it down.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import nn

from core.backbones import catalogue, stages
from core.training import precision

ROWS = (("tiny_resnet18", 32), ("tiny_resnet18", 8), ("resnet18", 32), ("resnet50", 8), ("squeezenet1_0", 16))
MORE = (("mobilenet_v2", 16), ("vit_b_16", 4), ("convnext_tiny", 4))


def images_per_second(
    work: Callable[[], object], images: int, repetitions: int, device: torch.device
) -> float:
    """Call ``work`` a few times; ``images`` over the shortest time."""
    shortest = float("inf")
    for _ in range(repetitions + 1):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        shortest = min(shortest, time.perf_counter() - started)
    return images / shortest


def measure(
    name: str, batch: int, *, bfloat16: bool, repetitions: int, device: torch.device
) -> tuple[float, float]:
    """Images a second of training steps and of predictions."""
    side = catalogue.entry(name).image_size
    network = stages.build(name, classes=2).to(device, memory_format=torch.channels_last)
    images = torch.randn(batch, 3, side, side, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 2, (batch,), device=device)

    def train() -> None:
        network.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            loss = nn.functional.cross_entropy(network(images).float(), labels)
        loss.backward()

    @torch.inference_mode()
    def predict() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            network(images)

    training = images_per_second(train, batch, repetitions, device)
    network.eval()
    return training, images_per_second(predict, batch, repetitions, device)


def main() -> None:
    """Measure every row and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--repetitions", type=int, default=4)
    parser.add_argument("--more", action="store_true", help="also networks that take seconds a step on a CPU")
    arguments = parser.parse_args()
    device = precision.choose_device(arguments.device)
    chosen = precision.autocast_type(device)
    print(
        f"{device}, {torch.get_num_threads()} threads; the lab computes in {chosen or torch.float32} here\n"
    )
    print("| network | batch | training fp32 | bf16 | ratio | predicting fp32 | bf16 | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for name, batch in (*ROWS, *(MORE if arguments.more else ())):
        plain, half = (
            measure(name, batch, bfloat16=bfloat16, repetitions=arguments.repetitions, device=device)
            for bfloat16 in (False, True)
        )
        cells = (f"{a:.0f} | {b:.0f} | {b / a:.1f}x" for a, b in zip(plain, half, strict=True))
        print(f"| {name} | {batch} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
