"""One name, one type: whoever reads a type's name anywhere in the tree knows which one is meant."""

import ast
from collections import defaultdict
from pathlib import Path

from tests.conftest import PROJECT

ROOMS = ("core", "widgets", "pages", "tools")


def test_no_two_types_have_one_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for room in ROOMS:
        for path in (PROJECT / room).rglob("*.py"):
            for name in _types(path):
                places[name].append(str(path.relative_to(PROJECT)))
    assert len(places) > 300
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def _types(path: Path) -> list[str]:
    """Name the public classes of a file, and the names that it gives to types."""
    names = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [name for name in names if name[0].isupper() and not name.isupper()]
