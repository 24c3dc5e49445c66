"""A long call told step by step, variants of a technique, and experiments that cannot fetch their pictures."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import DownloadError, SettingsError
from core.events import Progress
from core.runs import service
from core.runs.spec import RunSpec
from core.techniques import catalogue
from core.techniques.config import ExperimentConfig
from core.techniques.fetching import fetching, while_working
from core.techniques.technique import Technique

PROJECT = Path(__file__).parents[2]
FETCHED = [
    (technique, one)
    for technique in catalogue.techniques().values()
    for one in technique.variants
    if one.download
]
fetched = pytest.mark.parametrize(("family", "variant"), FETCHED, ids=[one.module for _, one in FETCHED])


def test_a_long_call_tells_how_far_it_is_and_returns() -> None:
    heard = [threading.Event() for _ in range(6)]

    def work(told: object) -> str:
        for done in range(6):
            told(done, 6)  # type: ignore[operator]
            assert heard[done].wait(60)
        return "found"

    found: list[str] = []

    def outside() -> Iterator[Progress]:
        told = while_working(work, lambda done, total: f"{done} of {total}")
        found.append((yield from told))

    steps: list[Progress] = []
    for step in outside():
        assert isinstance(step, Progress)
        done, of = map(int, step.phase.split(" of "))
        if of:  # the work has begun
            steps.append(step)
            heard[done].set()
    assert found == ["found"]
    assert list(dict.fromkeys(one.phase for one in steps)) == [f"{done} of 6" for done in range(6)]
    assert 0.0 <= steps[0].done < steps[-1].done <= 1.0


def test_what_goes_wrong_in_it_goes_wrong_outside() -> None:
    def work(told: object) -> None:
        raise DownloadError("No.")

    with pytest.raises(DownloadError, match=r"No\."):
        list(while_working(work, lambda done, total: ""))


def test_leaving_midway_ends_the_work() -> None:
    ended = threading.Event()

    def work(told: object) -> None:
        try:
            while True:
                told(1, 2)  # type: ignore[operator]
                time.sleep(0.01)
        finally:
            ended.set()

    working = while_working(work, lambda done, total: "")
    next(working)
    working.close()
    assert ended.is_set()


def test_bytes_are_told_in_megabytes_and_pictures_as_pictures() -> None:
    sentence = fetching("CIFAR-100", 169_001_437)
    assert sentence(0, 0) == "Looking for CIFAR-100"
    assert sentence(84_000_000, 169_001_437) == "Fetching CIFAR-100, 84 of 169 MB"
    assert sentence(2000, 10_200) == "Reading CIFAR-100, 2,000 of 10,200"


@fetched
def test_a_variant_is_chosen_by_its_setting(family: Technique, variant: Technique) -> None:
    name = getattr(variant.settings(), family.switch)
    settings = family.settings_of({family.switch: name})
    assert settings == variant.settings()
    assert family.chosen(settings.to_json()) is variant
    assert family.chosen(family.settings().to_json()) is family
    assert family.chosen({}) is family
    with pytest.raises(SettingsError, match=f"{family.switch} must be one of .*{name}"):
        family.settings_of({family.switch: "something else"})


@fetched
def test_a_variant_is_complete_and_says_what_it_fetches(family: Technique, variant: Technique) -> None:
    assert variant.name == family.name
    assert {arm.role for arm in variant.arms} == {"method", "baseline", "control"}
    assert variant.arm(variant.verdict[0]).role == "method"
    assert variant.arm(variant.verdict[1]).role == "baseline"
    assert variant.settings().seeds >= 5
    assert all(len(arm.title) <= 32 for arm in variant.arms)
    assert "MB" in variant.download
    assert variant.sources()
    for settings in (family.settings, variant.settings):
        assert "MB" in settings.__dataclass_fields__[family.switch].metadata["help"]
    assert not family.download  # what is there by default works offline


@fetched
def test_without_a_network_it_is_one_sentence_and_nothing_is_left(
    family: Technique, variant: Technique, data_folder: Path
) -> None:
    running = family.run(variant.settings())
    assert isinstance(next(running), Progress)
    with pytest.raises(
        DownloadError, match=r"could not be downloaded, because its server cannot be reached"
    ) as caught:
        list(running)
    assert "\n" not in str(caught.value)
    assert list(data_folder.rglob("*")) == []


@pytest.mark.usefixtures("data_folder")
def test_a_run_and_the_command_line_get_the_same_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLL_HOME", str(tmp_path / "home"))
    asked = {"technique": "meta-learning", "settings": {"tasks": "omniglot"}}
    run = service.submit(RunSpec(config=ExperimentConfig.from_json(asked)), "ann")
    try:
        until = time.monotonic() + 240
        while service.run(run).active and time.monotonic() < until:
            time.sleep(0.1)
        record = service.run(run)
    finally:
        service.shutdown()
    assert record.state == "failed"
    assert record.error is not None
    assert record.error.startswith("Omniglot could not be downloaded, because its server cannot be reached")
    command = subprocess.run(
        [sys.executable, "-m", "core", "technique", "meta-learning", "--set", "tasks=omniglot"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert command.returncode != 0
    assert record.error in command.stderr
    assert "Traceback" not in command.stderr
