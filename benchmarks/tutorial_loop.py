"""The training loop that most people know: PyTorch's transfer learning tutorial, kept as it is written there.

https://docs.pytorch.org/tutorials/beginner/transfer_learning_tutorial.html: ImageFolder, DataLoader with worker
processes, decoding and cropping every image anew in every epoch, float32, SGD 0.001 with momentum 0.9, a tenth
of the rate every 7 epochs, validation after every epoch. Three things differ, and they favour the tutorial's speed or
leave it as it is: a worker for each core up to 16 instead of 4, the image size is a parameter, so that it can run on
the built-in 64-pixel network too, and images are normalised as the network's own weights want them. On a GPU it
computes under autocast, as torchvision's reference training does with ``--amp``.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from core.backbones import stages
from core.backbones.backbone import Backbone
from core.vision import torchvision

WORKERS = min(16, os.cpu_count() or 1)


@dataclass(frozen=True, kw_only=True)
class TutorialEpoch:
    """One epoch, both phases: its seconds and the accuracy on the held-out images (0-1)."""

    seconds: float
    accuracy: float


def tutorial_epochs(
    folder: Path, network: Backbone, *, frozen_stages: int, batch_size: int, side: int, epochs: int, seed: int
) -> Iterator[TutorialEpoch]:
    """Train ``network`` (its head already sized for the classes) as the tutorial does; one item per epoch."""
    torch.manual_seed(seed)
    transforms = torchvision.transforms
    scale = stages.normalisation(network.name)
    normalise = transforms.Normalize(list(scale.mean), list(scale.std))
    phases = {
        "train": transforms.Compose(
            [
                transforms.RandomResizedCrop(side),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                normalise,
            ]
        ),
        "test": transforms.Compose(
            [
                transforms.Resize(side * 256 // 224),
                transforms.CenterCrop(side),
                transforms.ToTensor(),
                normalise,
            ]
        ),
    }
    sets = {name: torchvision.datasets.ImageFolder(str(folder / name), phases[name]) for name in phases}
    loaders = {
        name: torch.utils.data.DataLoader(
            sets[name], batch_size=batch_size, shuffle=True, num_workers=WORKERS
        )
        for name in phases
    }
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = network.to(device)
    for stage in network.table[:frozen_stages]:
        for parameter in stage.module.parameters():
            parameter.requires_grad = False
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(trained, lr=0.001, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=7, gamma=0.1)
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        started = time.perf_counter()
        correct = 0
        for phase, loader in loaders.items():
            network.train(phase == "train")
            correct = 0
            for images, labels in loader:
                inputs, targets = images.to(device), labels.to(device)
                optimiser.zero_grad()
                half = torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")
                with torch.set_grad_enabled(phase == "train"), half:
                    scores = network(inputs)
                    loss = criterion(scores, targets)
                    if phase == "train":
                        loss.backward()
                        optimiser.step()
                correct += int((scores.argmax(1) == targets).sum())
            if phase == "train":
                schedule.step()
        yield TutorialEpoch(
            seconds=time.perf_counter() - started,
            accuracy=correct / len(sets["test"]),
        )
