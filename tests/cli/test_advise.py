import json

import pytest

from core.cli import main


def test_advice_ends_with_depth_strategy_expected_accuracy_and_measures(capsys):
    assert main(["advise", "--data", "lfw-faces", "--per-class", "6", "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["event"] == "advice"
    assert 0 <= last["depth"] <= 6
    assert (
        last["expected_accuracy"]["low"]
        <= last["expected_accuracy"]["value"]
        <= last["expected_accuracy"]["high"]
    )
    assert last["similarity"]["stages"][0]["stage"] == "stem"
    assert last["similarity"]["images"] == 12


def test_the_table_says_what_to_do(capsys):
    assert main(["advise", "--data", "lfw-faces", "--per-class", "6"]) == 0
    shown = capsys.readouterr().out
    assert "freeze " in shown
    assert "nothing was trained" in shown


@pytest.mark.parametrize(
    "wrong", [["--backbone", "alexnet"], ["--data", "nothing.zip"], ["--weights", "none.pth"]]
)
def test_bad_input_is_one_sentence(wrong, capsys):
    given = ["advise", *([] if "--data" in wrong else ["--data", "lfw-faces"]), *wrong]
    assert main(given) == 2
    said = capsys.readouterr().err.strip()
    assert said
    assert "\n" not in said
