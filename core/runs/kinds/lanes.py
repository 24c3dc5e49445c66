"""The lanes of the queue: short work that somebody watches does not wait behind long work. Torch-free.

Each lane has worker processes of its own, warm ones, and is fair between visitors by itself.
"""

from typing import Literal

Lane = Literal["rides", "experiments", "training"]

RIDES: Lane = "rides"  # some seconds each
EXPERIMENTS: Lane = "experiments"  # about a minute
TRAINING: Lane = "training"  # on the GPUs, where there are any; minutes
LANES: tuple[Lane, ...] = (RIDES, EXPERIMENTS, TRAINING)
