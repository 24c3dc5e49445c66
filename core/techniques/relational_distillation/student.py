"""The small network, and how it is trained: on labels, and on whatever else is asked of its features."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (16, 32, 64)
RATE = 3e-3  # AdamW, falling along a cosine
BATCH = 32

Pull = Callable[[Tensor, Tensor], Tensor]  # student features (B, 64) and picture numbers (B,) -> loss ()


class Student(nn.Module):
    """Three convolutions: images (B, 3, 32, 32) -> features (B, 64) and class scores (B, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *WIDTHS), WIDTHS, strict=False):
            layers += [
                nn.Conv2d(before, after, kernel_size=3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(WIDTHS[-1], classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features, and what the head makes of them."""
        features = self.body(images)
        return features, self.head(features)


def train(
    student: Student,
    images: Tensor,
    labels: Tensor,
    *,
    steps: int,
    generator: torch.Generator,
    pull: Pull | None = None,
    more: tuple[nn.Parameter, ...] = (),
) -> None:
    """Train in place on ``images`` (N, 3, S, S), of which the first ``len(labels)`` have labels.

    Every step takes the same number of labelled images. ``pull``, where given, judges the student's features of a
    second batch, drawn from all images; ``more`` are parameters that it trains, too.
    """
    # A tenth less time on one thread; torch's own overloads do not know the argument alone.
    student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = images.contiguous(memory_format=torch.channels_last)
    parameters = [*student.parameters(), *more]
    optimiser = torch.optim.AdamW(parameters, lr=RATE, weight_decay=1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    student.train()
    for _ in range(steps):
        known = torch.randperm(len(labels), generator=generator)[:BATCH]
        any_of_all = torch.randperm(len(images), generator=generator)[:BATCH]
        _, scores = student(images[known])
        loss = functional.cross_entropy(scores, labels[known])
        if pull is not None:
            features, _ = student(images[any_of_all])
            loss = loss + pull(features, any_of_all)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    student.eval()
