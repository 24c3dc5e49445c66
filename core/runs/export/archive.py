"""What a person takes home: the script of a finished run and every file that it reads."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core import errors
from core.datasets.dataset import Splits
from core.runs.export.program import needs_start_file
from core.runs.export.script import reproduction_script
from core.runs.files import artefacts
from core.runs.kinds.finetuning_result import RunResult
from core.training.config import FinetuneConfig

SCRIPT = "reproduce.py"
RUN = "run.json"
START = "start.safetensors"  # the weights that training starts from
DATA = "data.npz"  # the images, decoded and split
_NO_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP can say
MAX_IMAGE_BYTES = 1_000_000_000  # of decoded images in one download; the command line writes any number


def companions(result: RunResult, splits: Splits) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, content) of all that stands beside a run's weights: run, script, images, start."""
    yield RUN, artefacts.json_bytes(result.to_json())
    yield SCRIPT, reproduction_script(result).encode(errors="backslashreplace")
    if needs_start_file(FinetuneConfig.from_json(result.config)):
        yield START, _start_weights(result)
    images = io.BytesIO()
    np.savez_compressed(
        images,
        train_images=splits.train.images,
        train_labels=splits.train.labels,
        validation_images=splits.validation.images,
        validation_labels=splits.validation.labels,
        test_images=splits.test.images,
        test_labels=splits.test.labels,
    )
    yield DATA, images.getvalue()


def archive(result: RunResult, splits: Splits, weights: Path) -> bytes:
    """Pack everything into one ZIP; a `RunError` where the images would not fit through a browser."""
    size = sum(part.images.nbytes for part in (splits.train, splits.validation, splits.test))
    if size > MAX_IMAGE_BYTES:
        raise errors.RunError(
            f"The images of this run have {size / 1e9:.1f} GB; use the command line's --out to write them to disk."
        )
    packed = io.BytesIO()
    # Images are compressed, weights do not shrink.
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as file:
        file.writestr(_member(artefacts.WEIGHTS), weights.read_bytes())
        for name, content in companions(result, splits):
            file.writestr(_member(name), content)
    return packed.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    """Describe a file of the archive: all with the same mode, and no hour, so that equal runs give equal archives."""
    member = zipfile.ZipInfo(name, _NO_DATE)
    member.external_attr = 0o644 << 16
    return member


def _start_weights(result: RunResult) -> bytes:
    """Read the weights that the run started from, as safetensors."""
    from safetensors.torch import save

    from core.backbones import catalogue, stages, weights

    source = result.config["weights"]
    if source == "pretrained" and result.config["backbone"] == catalogue.BUILT_IN:
        return weights.built_in_weights_path().read_bytes()
    backbone = stages.build(result.config["backbone"])
    weights.load_pretrained(backbone, source)
    return save(stages.to_state(backbone))
