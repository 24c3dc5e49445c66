"""What the lab reads from its environment, and that its table of variables says the same."""

import re
from pathlib import Path

import pytest

from core import environment, errors
from core.environment import Variable
from core.runs import limits

PROJECT = Path(__file__).parent.parent
PLACES = Variable(name="TLL_TEST_PLACES", help="places", default="8", low=1, high=64)


def test_a_variable_has_its_default_where_it_is_not_set_or_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (PLACES.text(), PLACES.whole_number(), PLACES.is_set) == ("8", 8, False)
    monkeypatch.setenv(PLACES.name, "")
    assert (PLACES.whole_number(), PLACES.is_set) == (8, True)
    monkeypatch.setenv(PLACES.name, "12")
    assert PLACES.whole_number() == 12


def test_without_a_default_the_reader_says_what_holds() -> None:
    assert Variable(name="TLL_TEST_PLACES", help="places").whole_number(3) == 3


@pytest.mark.parametrize("text", ["many", "0", "65", "1.5"])
def test_a_bad_number_is_one_sentence(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLACES.name, text)
    with pytest.raises(errors.SettingsError) as error:
        PLACES.whole_number()
    assert str(error.value) == f"TLL_TEST_PLACES must be a whole number from 1 to 64; it is '{text}'."


def test_no_other_file_reads_the_environment() -> None:
    """Others hand it on to the processes that they start, or set a variable for a library."""
    reads = re.compile(r"environ\.get|environ\[|getenv|in os\.environ")
    found = {
        str(path.relative_to(PROJECT))
        for room in ("core", "widgets", "pages")
        for path in (PROJECT / room).rglob("*.py")
        if reads.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"core/environment.py"}


def test_the_table_for_operators_has_every_variable() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (PROJECT / "README.md", *PROJECT.glob("docs/*.md"))]
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \|$", "\n".join(texts), re.MULTILINE)
    table = {name: (without.strip("`"), what) for name, without, what in rows}
    of_limits = {one.name: one for one in limits.VARIABLES.values()}
    assert set(table) == {one.name for one in environment.VARIABLES} | set(of_limits)
    for one in environment.VARIABLES:
        assert table[one.name] == (one.default or one.without, one.help)
    for name, one in of_limits.items():
        assert table[name][0] == one.without or one.without == "0", name  # 0 stands for something else
