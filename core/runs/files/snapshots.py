"""A run's weights over its epochs: what a slider from "before" to "after" walks along.

The checkpoint holds what a run needs to go on, and is overwritten; snapshots hold what a person may want to see
again, and stay. They travel with the checkpoint: those up to its epoch are on disk before it is, so that a run
which goes on from it ends with the same snapshots as one that nobody disturbed.

What was never trained is left out and comes from the weights that the run started from; matrices and kernels are
kept at half precision (IEEE 754 binary16: a weight moves by at most 1/2048 of itself), vectors (biases, BatchNorm)
exactly. The result itself is kept in full, in the run's own weights file.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from core import errors
from core.runs.files import artefacts

if TYPE_CHECKING:
    from torch import Tensor

MOST = 12  # epochs of a run
MOST_BYTES = 128_000_000  # of a run, all epochs together: resnet18 keeps 5 whole networks, resnet50 2
_LARGEST_HALF = 65504.0

StateDict = dict[str, "Tensor"]


def kept_epochs(done: int, most: int) -> tuple[int, ...]:
    """Which of the epochs 1 … ``done`` are kept: at most ``most``, evenly spread, the first and the last among them.

    The stride between them doubles whenever they become too many. So what is kept after an epoch is part of what
    was kept before it and that epoch, whatever the run's length will be.
    """
    if done < 1 or most < 1:
        return ()
    if most == 1:
        return (1,)
    stride = 1
    while True:
        chosen = {1, done, *range(stride, done + 1, stride)}
        if len(chosen) <= most:
            return tuple(sorted(chosen))
        stride *= 2


class Snapshots:
    """Writes the snapshots of the run in ``directory``; those after ``resumed_from`` are about to come again."""

    def __init__(self, directory: Path, *, resumed_from: int = 0) -> None:
        self._folder = directory / artefacts.SNAPSHOTS
        self._waiting: dict[int, StateDict] = {}
        self._kept: tuple[int, ...] | None = None
        artefacts.sweep_folder(self._folder)
        for epoch, path in _files(directory).items():
            if epoch > resumed_from:
                path.unlink(missing_ok=True)

    def add(self, epoch: int, weights: Mapping[str, "Tensor"], *, untouched: Collection[str] = ()) -> None:
        """Take in the weights after ``epoch`` (from 1); nothing is written before `flush`.

        ``untouched`` names the stages that have not been trained so far.
        """
        whole = sum(_bytes(tensor) for tensor in weights.values())
        self._kept = kept_epochs(epoch, min(MOST, MOST_BYTES // max(1, whole)))
        if epoch in self._kept:
            self._waiting[epoch] = _packed(weights, untouched)
        self._waiting = {number: state for number, state in self._waiting.items() if number in self._kept}

    def flush(self) -> None:
        """Write what waits, then remove what is no longer kept."""
        from safetensors.torch import save

        for epoch in sorted(self._waiting):
            content = save(self._waiting[epoch], metadata={"format": "pt", "epoch": str(epoch)})
            artefacts.write_bytes(self._folder / _name(epoch), content)
        self._waiting.clear()
        if self._kept is not None:
            for epoch, path in _files(self._folder.parent).items():
                if epoch not in self._kept:
                    path.unlink(missing_ok=True)


def epochs(directory: Path) -> tuple[int, ...]:
    """List the epochs, from 1, whose weights are kept with the run in ``directory``."""
    return tuple(sorted(_files(directory)))


def read(directory: Path, epoch: int) -> StateDict:
    """Read what the run trained, as float32, under the backbone's own names; `RunError` if it cannot be."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        state = load((directory / artefacts.SNAPSHOTS / _name(epoch)).read_bytes())
    except OSError as error:
        raise errors.RunError(
            f"The weights after epoch {epoch} are not kept with this run; choose another epoch."
        ) from error
    except SafetensorError as error:
        raise damaged(epoch) from error
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def damaged(epoch: int) -> errors.RunError:
    """The sentence for a snapshot that is there and cannot be used."""
    return errors.RunError(f"The weights kept after epoch {epoch} are damaged; choose another epoch.")


def _packed(weights: Mapping[str, "Tensor"], untouched: Collection[str]) -> StateDict:
    """Leave out the matrices of ``untouched`` stages, halve the others, keep vectors and counters as they are."""
    left_out = tuple(f"stages.{stage}." for stage in untouched)
    return {
        name: _half(tensor) if tensor.ndim > 1 else tensor.clone()
        for name, tensor in weights.items()
        if not (tensor.ndim > 1 and name.startswith(left_out))
    }


def _half(tensor: "Tensor") -> "Tensor":
    """Halve a tensor's precision, except where a value does not fit."""
    if tensor.is_floating_point() and float(tensor.abs().max()) <= _LARGEST_HALF:
        return tensor.half().contiguous()
    return tensor.contiguous()


def _bytes(tensor: "Tensor") -> int:
    size = min(2, tensor.element_size()) if tensor.ndim > 1 else tensor.element_size()
    return tensor.numel() * size


def _name(epoch: int) -> str:
    return f"epoch-{epoch:04d}.safetensors"


def _files(directory: Path) -> dict[int, Path]:
    """Find the files of all epochs."""
    found = (directory / artefacts.SNAPSHOTS).glob("epoch-*.safetensors")
    return {int(path.stem.removeprefix("epoch-")): path for path in found}
