"""Who does not see a picture reads its words: every one that a page draws has some."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FILES = sorted([*PROJECT.glob("widgets/**/*.py"), *PROJECT.glob("pages/*.py")])


def _pictures(tree: ast.Module) -> list[ast.Call]:
    """Calls of ``st.image``, ``column.image`` and the like."""
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "image"
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_every_picture_has_words_in_its_place(file: Path) -> None:
    for call in _pictures(ast.parse(file.read_text(encoding="utf-8"))):
        words = [one.value for one in call.keywords if one.arg == "alt"]
        assert words, f"line {call.lineno}: a picture without alt"
        assert not (isinstance(words[0], ast.Constant) and not words[0].value)


def test_there_are_pictures_to_look_at() -> None:
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in FILES]
    assert sum(len(_pictures(tree)) for tree in trees) > 8
