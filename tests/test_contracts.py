"""What no tool checks: who may import whom outside of `core` and `widgets`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(
    ("room", "others"),
    [
        ("tests", ("benchmarks",)),  # what both need stands in tests
        ("core", ("benchmarks", "pages", "tests", "tools")),
        ("widgets", ("benchmarks", "pages", "tests", "tools")),
        ("pages", ("benchmarks", "tests", "tools")),
        ("tools", ("benchmarks", "tests")),
        ("examples", ("benchmarks", "pages", "streamlit", "tests", "tools", "widgets")),
    ],
)
def test_rooms_that_a_room_imports_nothing_from(room: str, others: tuple[str, ...]) -> None:
    files = list((PROJECT / room).rglob("*.py"))
    assert files
    offending = [
        f"{file.relative_to(PROJECT)} imports {name}"
        for file in files
        for name in _imports(file)
        if name.split(".")[0] in others
    ]
    assert not offending
