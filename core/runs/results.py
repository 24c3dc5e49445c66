"""What finished runs have left, read for pages and commands: results, networks, test pictures, scripts. Torch-free."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core import errors
from core.runs import service
from core.runs.files import artefacts
from core.runs.files import snapshots as run_snapshots
from core.runs.home import home, run_directory
from core.runs.kinds.finetuning_result import RunResult, TestImages
from core.runs.kinds.sweep import SweepShown
from core.runs.networks import Networks
from core.training.sweep_report import SweepReport, report

if TYPE_CHECKING:
    from core.backbones.backbone import Backbone

_networks = Networks()


def result(run_id: str) -> RunResult:
    """Read the result of a finished fine-tuning; a `RunError` if there is none yet, or for another kind of run."""
    return RunResult.from_json(_result_json(run_id))


def sweep_report(run_id: str) -> SweepReport:
    """Say what a sweep has found, at its end or so far; a `RunError` before it has begun, or if it is no sweep."""
    shown = service.shown(run_id)
    if not isinstance(shown, SweepShown):
        raise errors.RunError(
            f"This is {service.run(run_id).spec.config.what}, not a sweep over freeze depths."
        )
    return report(shown.log)


def result_path(run_id: str) -> Path:
    """Name the run's JSON file, for the download."""
    return _existing(run_id, artefacts.RESULT)


def weights_path(run_id: str) -> Path:
    """Name the run's weights file (safetensors), for the download."""
    return _existing(run_id, artefacts.WEIGHTS)


def test_images(run_id: str) -> TestImages:
    """Read the test images (small copies), labels and scores of a finished run."""
    with np.load(_existing(run_id, artefacts.TEST), allow_pickle=False) as file:
        files = (
            file["files"].tolist() if "files" in file else []
        )  # runs from before names were kept have none
        return TestImages(
            images=file["images"], labels=file["labels"], scores=file["scores"], files=tuple(files)
        )


test_images.__test__ = False  # type: ignore[attr-defined]  # not a test for pytest


def reproduction_script(run_id: str) -> str:
    """Write the PyTorch script of a finished run; the files that it reads come with `reproduction_zip`."""
    from core.runs.export import script

    return script.reproduction_script(result(run_id))


def reproduction_zip(run_id: str) -> bytes:
    """Pack a finished run's script with all it needs: weights, images, where training starts, the run as JSON."""
    from core.runs import data
    from core.runs.export import archive
    from core.training.parts import draw_parts

    spec = service.run(run_id).spec
    parts = draw_parts(data.open_data(spec, service.open_store()), spec.finetune)
    return archive.archive(result(run_id), parts, weights_path(run_id))


def predict(run_id: str, content: bytes) -> NDArray[np.float32]:
    """Ask a finished run's network about a picture's file: probabilities (C,), in the order of its classes."""
    return _networks.probabilities(_directory(run_id), result(run_id), content)


def network(run_id: str) -> "Backbone":
    """Rebuild a finished run's network, in eval mode on the CPU; yours to keep."""
    from core.runs.networks import load

    return load(_directory(run_id), result(run_id))


def snapshots(run_id: str) -> tuple[int, ...]:
    """List the epochs of a finished run that `network_at` can show: 0 (before), those kept, the best one."""
    best = result(run_id).best_epoch
    return tuple(sorted({0, *run_snapshots.epochs(_directory(run_id)), best}))


def network_at(run_id: str, epoch: int | None) -> "Backbone":
    """Rebuild a finished run's network as it was after ``epoch``, in eval mode on the CPU; yours to keep.

    0 is before training, with the head that it began with; None, like the best epoch, is the result, to the bit;
    for the others see `snapshots`. Raises `RunError`, one sentence, for an epoch that is not kept.
    """
    from core.runs.networks import at

    return at(_directory(run_id), result(run_id), epoch)


def _directory(run_id: str) -> Path:
    return run_directory(home(), run_id)


def _existing(run_id: str, name: str) -> Path:
    path = _directory(run_id) / name
    if not path.exists():
        record = service.run(run_id)  # a RunError of its own where there is no such run
        if name != artefacts.RESULT:
            _ = record.spec.finetune  # only a fine-tuning keeps weights and pictures: this says so
        raise errors.RunError(
            record.error or "This run has no result yet; wait until it has finished, or resume it."
        )
    return path


def _result_json(run_id: str) -> dict[str, Any]:
    path = _existing(run_id, artefacts.RESULT)
    _ = service.run(run_id).spec.finetune  # a RunError for another kind
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values
