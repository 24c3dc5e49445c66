"""A run is called what its owner wants, everywhere."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import errors
from core.runs import service
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.spec import RunSpec
from core.training.config import FinetuneConfig

SPEC = RunSpec(
    config=FinetuneConfig(backbone="tiny_resnet18"), data="digits", title="Digits: 3 of 5 stages frozen"
)


@pytest.fixture(autouse=True)
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    yield tmp_path
    service.shutdown()


def test_a_new_name_stands_in_lists_in_the_specification_and_in_the_download(lab: Path) -> None:
    store = service.open_store()
    run = store.add(SPEC, "ann")
    folder = run_directory(lab, run)
    folder.mkdir(parents=True)
    artefacts.write_json(folder / artefacts.RESULT, {"format": 1, "title": SPEC.title, "seconds": 3.0})
    service.rename(run, "  The  one with\nthe cat ", visitor="ann")
    record = service.run(run)
    assert record.title == record.spec.title == "The one with the cat"
    assert [one.title for one in service.runs_of("ann")] == ["The one with the cat"]
    assert record.spec.hash == SPEC.hash, "it is the same run"
    written = json.loads((folder / artefacts.RESULT).read_text(encoding="utf-8"))
    assert written == {"format": 1, "title": "The one with the cat", "seconds": 3.0}


@pytest.mark.parametrize("title", ["", "   ", "x" * (service.LONGEST_TITLE + 1)])
def test_no_name_and_one_that_is_too_long_are_refused(title: str) -> None:
    run = service.open_store().add(SPEC, "ann")
    with pytest.raises(errors.RunError, match="A run's name has from 1 to 120 characters"):
        service.rename(run, title, visitor="ann")
    assert service.run(run).title == SPEC.title


def test_nobody_renames_somebody_elses_run() -> None:
    run = service.open_store().add(SPEC, "ann")
    with pytest.raises(errors.RunError):
        service.rename(run, "Mine now", visitor="bob")
    assert service.run(run).title == SPEC.title
