"""The one place where a stranger's weights are opened: a process of its own, with little memory and time.

The process (this very module, run) reads the file as `reading` does, checks every number, and writes a plain one:
safetensors, dense tensors, a short header. The process that asked gets that, or one sentence.
"""

import contextlib
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core import errors, isolated, isolation
from core.backbones import file_kinds, reading

if TYPE_CHECKING:
    from torch import Tensor

_MODULE = "core.backbones.foreign"
# Beyond what torch itself takes: its tensors, copies of those that share, and the bytes that are written.
_MEMORY = 300_000_000
_MEMORY_PER_BYTE = 3
_SECONDS = 20.0  # of the processor
_SECONDS_PER_BYTE = 1e-7
_PATIENCE = 10.0  # times that on the clock, since the machine may be busy
_turn = threading.Semaphore(1)  # a class that uploads at once waits, one after the other


@contextlib.contextmanager
def plain(path: Path, label: str) -> Iterator[Path]:
    """Give a plain file with the tensors of ``path``: that itself, or a copy for as long as the block lasts.

    Of a file that is plain by its form already, whoever reads it still has to check the numbers.
    """
    if file_kinds.kind_of(path, label) == "safetensors":
        reading.check_header(path, label)
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "plain.safetensors"
        convert(path, copy, label)
        yield copy


def convert(source: Path, target: Path, label: str) -> None:
    """Write the tensors of ``source`` to ``target`` as a plain file; the same bytes where it is one already.

    Raises `WeightsError`, one sentence that begins with ``label``, and leaves no ``target`` then.
    """
    file_kinds.kind_of(source, label)  # most of what is no weights file needs no process
    done = False
    try:
        with _turn:
            answer = _ask(source.resolve(), target.resolve(), label)
        if "refused" in answer:
            raise errors.WeightsError(str(answer["refused"]))
        done = True
    finally:
        if not done:
            target.unlink(missing_ok=True)


def _ask(source: Path, target: Path, label: str) -> isolation.Message:
    seconds = _seconds(source)
    try:
        child = isolation.Child(_MODULE)
    except OSError as error:
        return {"refused": f"{label} could not be opened: {error.strerror or error}."}
    try:
        request = {"source": str(source), "target": str(target), "label": label}
        return child.ask(request, patience=_PATIENCE * seconds)
    except isolation.OverLimit:
        return {"refused": reading.too_much(label)}
    except isolation.BrokeDown:
        return {"refused": _broke_down(label)}
    finally:
        child.end(force=True)


def _broke_down(label: str) -> str:
    return (
        f"{label} could not be opened: its reader broke down over it, so it is damaged or meant to harm; save only the "
        "state dict, best as .safetensors."
    )


def _seconds(source: Path) -> float:
    return _SECONDS + _SECONDS_PER_BYTE * source.stat().st_size


# --- in the process of its own -----------------------------------------------------------------------------


def _main() -> None:
    service = isolated.Service()
    for request, _ in service.requests():
        source, target, label = Path(request["source"]), Path(request["target"]), request["label"]
        try:
            _limit(source)
            reading.inspect(source, label)  # refuses what is hostile by its form, in a moment
            isolated.limit(memory=sys.maxsize)
            import torch  # noqa: F401 - what it takes itself does not count

            _limit(source)
            _write(source, target, label)
            answer: isolation.Message = {"written": True}
        except errors.WeightsError as error:
            answer = {"refused": str(error)}
        except MemoryError:
            answer = {"refused": reading.too_much(label)}
        except OSError as error:
            answer = {"refused": f"{label} could not be kept: {error.strerror or error}."}
        service.answer(answer)
        os._exit(0)  # nothing that the file may have left behind is run


def _limit(source: Path) -> None:
    """Bound memory, time, and what may be written, from here on."""
    size = source.stat().st_size
    isolated.limit(
        memory=_MEMORY + _MEMORY_PER_BYTE * size,
        seconds=_seconds(source),
        written=2 * size + 1_000_000 + reading.MOST_HEADER_BYTES,
    )


def _write(source: Path, target: Path, label: str) -> None:
    from safetensors.torch import save_file

    from core.backbones import values

    table = reading.read(source, label)
    for name, value in table.tensors.items():
        values.check(name, value, label)
    values.check_learned(table.tensors, label)
    if file_kinds.kind_of(source, label) == "safetensors":
        shutil.copyfile(source, target)
        return
    seen: set[int] = set()
    tensors = {name: _alone(value.detach(), seen) for name, value in table.tensors.items()}
    notes = {"format": "pt", "place": table.place, "also": table.also}
    save_file(tensors, target, metadata={key: note for key, note in notes.items() if note})


def _alone(value: "Tensor", seen: set[int]) -> "Tensor":
    """Give a tensor a storage of its own, as safetensors wants it, where it shares one or is a view of a part."""
    storage = value.untyped_storage()
    if storage.data_ptr() not in seen and value.is_contiguous() and storage.nbytes() == value.nbytes:
        seen.add(storage.data_ptr())
        return value
    return value.contiguous().clone()


if __name__ == "__main__":
    _main()
