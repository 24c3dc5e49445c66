"""The command line of the methods: a list, a run with settings, one sentence for what is wrong."""

import json

import pytest

from core import cli
from core.techniques import catalogue


def run(*arguments: str) -> int:
    return cli.main(list(arguments))


def test_every_technique_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("techniques", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed] == list(catalogue.techniques())
    assert run("techniques") == 0
    assert "zero-shot" in capsys.readouterr().out


def test_the_last_line_of_json_holds_the_settings_means_and_verdict(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("technique", "zero-shot", "--set", "per_class=20", "--seeds", "2", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["event"] == "progress"
    last = lines[-1]
    assert (last["event"], last["technique"]) == ("result", "zero-shot")
    assert (last["settings"]["per_class"], last["settings"]["seeds"]) == (20, 2)
    arms = {row["arm"] for row in last["results"]}
    assert arms == {arm.name for arm in catalogue.technique("zero-shot").arms}
    assert all(row["low"] <= row["mean"] <= row["high"] for row in last["results"])
    assert last["verdict"].endswith("2 seeds")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("technique", "telepathy"), "technique must be one of"),
        (("technique", "zero-shot", "--set", "per_class"), "no equals sign"),
        (("technique", "zero-shot", "--set", "colour=red"), "A setting must be one of"),
        (("technique", "zero-shot", "--seeds", "1"), "between 2 and 20"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert words in capsys.readouterr().err
