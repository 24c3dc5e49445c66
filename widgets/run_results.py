"""What finished runs have found, read once for all who look: results, test pictures, the difference of two."""

import numpy as np
import streamlit as st

from core import words
from core.metrics.report import Difference, Interval
from core.runs import results
from core.runs.kinds.finetuning_result import RunResult, TestImages
from core.runs.store.runs import RunRecord


@st.cache_resource(max_entries=32, show_spinner=False)
def result_of(run_id: str, version: float) -> RunResult:
    """Read a finished run's result once; an extended run has a new one."""
    return results.result(run_id)


@st.cache_resource(max_entries=8, show_spinner=False)
def test_images_of(run_id: str, version: float) -> TestImages:
    """Read a finished run's test images once."""
    return results.test_images(run_id)


def written(run_id: str) -> float:
    """When the run's result was written: the version in every cache's key."""
    return results.result_path(run_id).stat().st_mtime


def with_interval(value: Interval) -> str:
    """Write an accuracy with its interval."""
    return f"{words.percent(value.value)} {words.interval(value.low, value.high)}"


def difference(first: RunRecord, second: RunRecord, names: tuple[str, str]) -> Difference:
    """Compare two finished runs on the same data: picture by picture where the test pictures are the same."""
    # With the same data and seed the same test pictures are drawn, at whatever size the networks see them.
    drawn_alike = (
        first.spec.data == second.spec.data and first.spec.finetune.seed == second.spec.finetune.seed
    )
    versions = (written(first.id), written(second.id))
    return _difference((first.id, second.id), names, versions, drawn_alike)


@st.cache_resource(max_entries=256, show_spinner=False)
def _difference(
    runs: tuple[str, str], names: tuple[str, str], versions: tuple[float, float], drawn_alike: bool
) -> Difference:
    from core.metrics.comparison import paired_difference, unpaired_difference  # SciPy takes a while

    a, b = (test_images_of(run, version) for run, version in zip(runs, versions, strict=True))
    right = [part.scores.argmax(axis=1) == part.labels for part in (a, b)]
    same_pictures = not a.pictures_deleted and np.array_equal(a.images, b.images)
    if np.array_equal(a.labels, b.labels) and (drawn_alike or same_pictures):
        return paired_difference(right[0], right[1], names)
    return unpaired_difference(int(right[0].sum()), len(right[0]), int(right[1].sum()), len(right[1]), names)
