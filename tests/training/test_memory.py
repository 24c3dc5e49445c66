from pathlib import Path

import numpy as np
import pytest
import torch

from core import errors
from core.events import Note
from core.training import memory
from core.training.events import EpochDone, Finished


@pytest.fixture
def small_device(without_batch_norm):
    """A network whose second stage runs out of memory above a number of images."""
    handles = []

    def limit(images: int):
        def refuse(module, args):
            if len(args[0]) > images:
                raise torch.OutOfMemoryError(f"CUDA out of memory (a test's {images} images)")

        handles.append(without_batch_norm.stages["s1"].register_forward_pre_hook(refuse))
        return without_batch_norm

    yield limit
    for handle in handles:
        handle.remove()


@pytest.mark.usefixtures("float32")
def test_a_batch_that_does_not_fit_is_cut_and_the_result_stays(run, small_device, without_batch_norm):
    settings = {"strategy": "full", "epochs": 3, "batch_size": 16, "learning_rate": 5e-3}
    whole = run(backbone=without_batch_norm, **settings)
    cut = run(backbone=small_device(5), **settings)
    notes = [event.message for event in cut if isinstance(event, Note)]
    assert any("8 images" in note for note in notes)
    assert any("4 images" in note for note in notes)
    assert len(notes) == 4  # 16 -> 8 -> 4 while training, and as much while validating
    for a, b in zip(*([e for e in x if isinstance(e, EpochDone)] for x in (whole, cut)), strict=True):
        assert a.train_loss == pytest.approx(b.train_loss, abs=1e-5)
        assert a.train_accuracy == b.train_accuracy
        assert a.validation_loss == pytest.approx(b.validation_loss, abs=1e-4)
    assert isinstance(cut[-1], Finished)
    assert np.allclose(whole[-1].scores, cut[-1].scores, atol=1e-3)


@pytest.mark.usefixtures("float32")
def test_features_of_frozen_stages_are_read_in_smaller_chunks_too(run, small_device, without_batch_norm):
    settings = {"strategy": "freeze_to_depth", "freeze_depth": 2, "epochs": 2, "batch_size": 16, "views": 1}
    whole = run(backbone=without_batch_norm, **settings)
    cut = run(backbone=small_device(3), **settings)
    assert any(isinstance(event, Note) for event in cut)
    assert np.allclose(whole[-1].scores, cut[-1].scores, atol=1e-4)


def test_where_nothing_fits_a_sentence_says_what_to_do(run, small_device):
    with pytest.raises(errors.RunError, match="smaller image size"):
        run(strategy="full", epochs=1, backbone=small_device(0))


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    micro = memory.MicroBatch(size=8, smallest=1)

    def work(size: int) -> None:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        micro.attempt(work, torch.device("cpu"))
    assert micro.size == 8


def test_a_failed_attempt_keeps_no_tensors_alive():
    import weakref

    micro = memory.MicroBatch(size=4, smallest=1)
    alive = []

    def work(size: int) -> None:
        if alive:
            assert alive[0]() is None  # freed before the next attempt, which needs its memory
            return
        big = torch.zeros(10)
        alive.append(weakref.ref(big))
        raise torch.OutOfMemoryError

    micro.attempt(work, torch.device("cpu"))
    assert micro.size == 2


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="compares with Linux's own figure")
def test_peak_memory_is_what_the_system_says():
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    high_water = int(status["VmHWM"].split()[0]) * 1024
    assert memory.peak_bytes(torch.device("cpu")) == pytest.approx(high_water, rel=0.05)


def test_free_memory_is_measured():
    assert memory.free_bytes(torch.device("cpu")) > 10_000_000
