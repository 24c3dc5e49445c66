"""bfloat16 against float32 on this machine's device: images a second, training and predicting.

    python -m benchmarks.precision

Each network trains and predicts in turn in both precisions, on the same random images; the best of a few
repetitions counts, since whatever else the machine does can only slow it down. Networks with depthwise convolutions
train in bfloat16 twice: as torch does it, and as the lab does (`core/training/depthwise.py`).
"""

import argparse
import contextlib
import time
from collections.abc import Callable

import torch
from torch import nn

from core.backbones import catalogue, stages
from core.training import precision
from core.training.depthwise import depthwise_gradients

# Network, images a batch, side in pixels (None: its own).
Row = tuple[str, int, int | None]
ROWS: tuple[Row, ...] = (
    ("tiny_resnet18", 32, None),
    ("tiny_resnet18", 8, None),
    ("efficientnet_lite0", 32, 112),
    ("efficientnet_lite0", 32, 128),
    ("efficientnet_lite0", 32, 160),
    ("efficientnet_lite0", 32, None),
    ("resnet18", 32, None),
    ("resnet50", 8, None),
    ("squeezenet1_0", 16, None),
)
MORE: tuple[Row, ...] = (("mobilenet_v2", 16, None), ("vit_b_16", 4, None), ("convnext_tiny", 4, None))


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
    row: Row, *, bfloat16: bool, repetitions: int, device: torch.device
) -> tuple[float, float, float]:
    """Images a second of training steps as torch does them and as the lab does, and of predictions."""
    name, batch, side = row
    side = side or catalogue.entry(name).image_size
    network = stages.build(name, classes=2).to(device, memory_format=torch.channels_last)
    images = torch.randn(batch, 3, side, side, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 2, (batch,), device=device)

    def train(ours: bool) -> None:
        network.zero_grad()
        gradients = depthwise_gradients(device) if ours else contextlib.nullcontext()
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16), gradients:
            loss = nn.functional.cross_entropy(network(images).float(), labels)
        loss.backward()

    @torch.inference_mode()
    def predict() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            network(images)

    plain = images_per_second(lambda: train(ours=False), batch, repetitions, device)
    lab = images_per_second(lambda: train(ours=True), batch, repetitions, device) if bfloat16 else plain
    network.eval()
    return plain, lab, images_per_second(predict, batch, repetitions, device)


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
    print(
        "| network | side | batch | training fp32 | bf16 | the lab's | ratio | predicting fp32 | bf16 | ratio |"
    )
    print("|---" * 10 + "|")
    for row in (*ROWS, *(MORE if arguments.more else ())):
        (learns, _, predicts), (bfloat16, lab, half) = (
            measure(row, bfloat16=bfloat16, repetitions=arguments.repetitions, device=device)
            for bfloat16 in (False, True)
        )
        name, batch, side = row
        place = f"{name} | {side or catalogue.entry(name).image_size} | {batch}"
        training = f"{learns:.0f} | {bfloat16:.0f} | {lab:.0f} | {lab / learns:.1f}x"
        print(f"| {place} | {training} | {predicts:.0f} | {half:.0f} | {half / predicts:.1f}x |", flush=True)


if __name__ == "__main__":
    main()
