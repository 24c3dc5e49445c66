"""The text of functions, with all that they call, as one file that stands alone.

`Sources` starts from a function of the lab and follows the names in its text, through the lab's modules, until only
names of libraries are left: those become imports. Left out is what a finished run does not need: checks that its
settings have passed, branches that its settings do not take, and of docstrings all but the first paragraph.
"""

import ast
import builtins
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

LAB = "core"
DOOR = "core.vision"  # to libraries that want something done before they are imported

Value = Callable[[ast.expr], Any]  # raises `_Open`


class _Open(Exception):
    """What is known of a run does not decide what an expression is worth."""


class Sources:
    """Definitions, collected from where they stand.

    ``known``: names of the file, with the values that decide which branches are taken. ``written``: names that whoever
    writes the file defines, instead of the lab.
    """

    def __init__(self, known: Mapping[str, Any], written: Collection[str]) -> None:
        self._known = known
        self._written = {*written, *known}
        self._from: dict[str, str] = {}  # the module of each name that was taken
        self._modules: set[str] = set()  # of libraries: "numpy as np"
        self._members: dict[str, set[str]] = {}  # of libraries' modules
        self._behind_door: set[str] = set()  # libraries that come through it
        self._texts: list[tuple[str, int, str]] = []  # (module, line, text)

    def add(self, module: str, name: str) -> None:
        """Take what ``module`` calls ``name``, and all that it uses."""
        home, node = _definition(module, name)
        if home == DOOR:
            self._behind_door.add(name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node, name)
        elif name not in self._from:
            self._from |= dict.fromkeys(_bound(node), home)
            self._take(home, node)
        assert self._from.get(name, home) == home, f"{name} means two things: {home}, {self._from[name]}"

    def add_main(self, module: str) -> None:
        """Take what ``module`` does where it is the main program."""
        self._take(module, next(node for node in _tree(module).body if isinstance(node, ast.If)))

    def text(self, first: str, last: Collection[str]) -> str:
        """All definitions, file by file, as they stand there; the main program behind them.

        The module ``first`` comes before those that it uses, the modules ``last`` behind all others.
        """
        *texts, (_, _, main) = self._texts
        modules = list(dict.fromkeys([first, *(module for module, _, _ in texts)]))
        parts: list[str] = []
        for module in sorted(modules, key=lambda module: module in last):
            about = str(ast.get_docstring(_tree(module))).splitlines()[0]
            parts.append(f"\n\n\n# --- {module.replace('.', '/')}.py: {about}")
            apart = "\n\n"
            for _, _, text in sorted(one for one in texts if one[0] == module):
                constant = isinstance(ast.parse(text).body[0], ast.Assign)
                parts += [apart if not constant or len(apart) < 3 else "\n", text]
                apart = "\n\n\n"
        return "".join([*parts, "\n\n\n", main]).strip()

    def imports(self) -> str:
        """The libraries' imports, the standard library's first."""
        lines = [f"import {module}" for module in sorted(self._modules)]
        lines += [
            f"from {module} import {', '.join(sorted(self._members[module]))}"
            for module in sorted(self._members)
        ]
        own = [line for line in lines if line.split()[1].split(".")[0] in sys.stdlib_module_names]
        return "\n".join([*own, "", *(line for line in lines if line not in own), *self._door()])

    def libraries(self) -> set[str]:
        """Name the libraries that are imported, the standard library's left out."""
        behind = {"torchvision", *self._behind_door} if self._behind_door else set()
        whole = {*(name.split()[0] for name in self._modules), *self._members, *behind}
        return {name.split(".")[0] for name in whole} - set(sys.stdlib_module_names)

    def _door(self) -> list[str]:
        """What the door does and declares, then the import of what is asked for."""
        if not self._behind_door:
            return []
        reason = str(ast.get_docstring(_tree(DOOR))).split("\n\n")[1]
        lines = ["", *(f"# {line}" for line in reason.splitlines())]
        for node in _tree(DOOR).body:
            if isinstance(node, ast.Assign | ast.Try) and "_SIGNATURES" in ast.unparse(node):
                text = "\n".join(_lines(DOOR)[node.lineno - 1 : node.end_lineno])
                lines += [re.sub(r"  # (type: ignore|noqa).*", "", text), ""]
        if "torchvision" not in self._behind_door:
            lines[-2] += "  # noqa: F401 - the others need it"
        return [*lines, *(f"import {name}" for name in sorted(self._behind_door - {"torchvision"}))]

    def _import(self, node: ast.Import | ast.ImportFrom, name: str) -> None:
        alias = next(alias for alias in node.names if name in (alias.asname, alias.name))
        if isinstance(node, ast.ImportFrom):
            self._members.setdefault(str(node.module), set()).add(alias.name)
        else:
            self._modules.add(f"{alias.name} as {alias.asname}" if alias.asname else alias.name)

    def _take(self, module: str, node: ast.stmt) -> None:
        text = "\n".join(_Kept(_lines(module), self._value_in(module)).of(node))
        text = self._with_entries(module, re.sub(r"  # (type: ignore|noqa).*", "", text))
        for name in _names(ast.parse(text)):
            if name in _definitions(module) and name not in self._written:
                self.add(module, name)
        self._texts.append((module, node.lineno, text))

    def _with_entries(self, module: str, text: str) -> str:
        """Write the entry of a table of the lab in place of ``TABLE[key]``, where the key is known."""
        for used in ast.walk(ast.parse(text)):
            if not (isinstance(used, ast.Subscript) and isinstance(used.value, ast.Name)):
                continue
            if not (isinstance(used.slice, ast.Attribute) and _is_ours(module, used.value.id)):
                continue
            key = self._value_in(module)(used.slice)
            home, table = _definition(module, used.value.id)
            assert isinstance(table, ast.Assign | ast.AnnAssign)
            assert isinstance(table.value, ast.Dict)
            keys = [ast.literal_eval(name) for name in table.value.keys if name is not None]
            lines = "\n".join(_lines(home))
            entry = str(ast.get_source_segment(lines, table.value.values[keys.index(key)]))
            for name in _names(ast.parse(entry)):
                self.add(home, name)
            text = text.replace(str(ast.get_source_segment(text, used)), entry)
        return text

    def _value_in(self, module: str) -> Value:
        """Evaluate expressions of ``module`` that hold known names, and else the lab's and Python's own alone."""

        def value(node: ast.expr) -> Any:
            names = set(_names(node))
            others = names - set(self._known) - set(vars(builtins))
            if not names & set(self._known) or not all(_is_ours(module, name) for name in others):
                raise _Open
            theirs = vars(importlib.import_module(module))
            return eval(ast.unparse(node), {name: theirs[name] for name in others} | dict(self._known))

        return value


class _Kept:
    """The lines of a definition that a run with known settings needs."""

    def __init__(self, lines: Sequence[str], value: Value) -> None:
        self._lines = lines
        self._value = value
        self._gone: set[int] = set()  # numbers of lines, from 1
        self._moved: dict[int, int] = {}  # by how much lines move to the left
        self._ended: dict[int, str] = {}  # what is written at the end of a line

    def of(self, node: ast.stmt) -> list[str]:
        first = min([node.lineno, *(mark.lineno for mark in getattr(node, "decorator_list", []))])
        self._block([node])
        return [
            self._lines[number - 1][self._moved.get(number, 0) :] + self._ended.get(number, "")
            for number in range(self._with_comment(first), _end(node) + 1)
            if number not in self._gone
        ]

    def _block(self, statements: Sequence[ast.stmt]) -> bool:
        """Go through a block; say whether all of it is left out."""
        left_out = []
        for place, statement in enumerate(statements):
            left_out.append(self._statement(statement))
            if isinstance((self._taken(statement) or [statement])[-1], ast.Return):
                for rest in statements[place + 1 :]:
                    self._drop(rest)
                break
        return all(left_out)

    def _statement(self, node: ast.stmt) -> bool:
        """Go through a statement; say whether all of it is left out."""
        if _is_check(node):
            return self._drop(node)
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            self._shorten(node.body[0])
        taken = self._taken(node)
        if taken is None:
            blocks = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
            emptied = [self._block(block) for block in blocks if block]
            return bool(emptied) and emptied[0] and self._drop(node)
        if not taken:
            return self._drop(node)
        kept = range(self._with_comment(taken[0].lineno), _end(taken[-1]) + 1)
        self._gone |= set(range(node.lineno, _end(node) + 1)) - set(kept)
        for number in kept:
            self._moved[number] = self._moved.get(number, 0) + taken[0].col_offset - node.col_offset
        return self._block(taken)

    def _taken(self, node: ast.stmt) -> list[ast.stmt] | None:
        """Give the branch that is taken, empty where there is none; None where that is open."""
        if not isinstance(node, ast.If):
            return None
        try:
            return node.body if self._value(node.test) else node.orelse
        except _Open:
            return None

    def _shorten(self, docstring: ast.stmt) -> None:
        """Leave out what stands behind a docstring's first paragraph."""
        for number in range(docstring.lineno, _end(docstring)):
            if not self._lines[number].strip():  # of the next line
                self._gone |= set(range(number + 1, _end(docstring) + 1))
                self._ended[number] = '"""'
                break

    def _drop(self, node: ast.stmt) -> bool:
        self._gone |= set(range(self._with_comment(node.lineno), _end(node) + 1))
        return True

    def _with_comment(self, number: int) -> int:
        """Go up from a line to where the comment begins that stands directly above it."""
        while re.match(r"\s*# (?!---)", self._lines[number - 2]):
            number -= 1
        return number


def _is_check(node: ast.stmt) -> bool:
    """Whether a statement does nothing but refuse what is wrong."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return ast.unparse(node.value.func).startswith("errors.")
    if isinstance(node, ast.If):
        return not node.orelse and ast.unparse(node.body[-1]).startswith("raise errors.")
    return isinstance(node, ast.Assert)


def _names(tree: ast.AST) -> Iterator[str]:
    """List the names that occur in a tree, in the order in which they do."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    yield from dict.fromkeys(
        node.id for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset))
    )


def _end(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno


def _definition(module: str, name: str) -> tuple[str, ast.stmt]:
    """Find the statement that defines a name, and its module: the lab's, or the library's import."""
    node = _definitions(module)[name]
    if isinstance(node, ast.ImportFrom) and node.module == DOOR:
        return DOOR, node
    if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == LAB:
        return _definition(str(node.module), name)
    if isinstance(node, ast.Import):
        return node.names[0].name, node
    return (str(node.module) if isinstance(node, ast.ImportFrom) else module), node


def _is_ours(module: str, name: str) -> bool:
    return name in _definitions(module) and _definition(module, name)[0].split(".")[0] == LAB


@cache
def _definitions(module: str) -> dict[str, ast.stmt]:
    """Find the statement at the top of a module that binds each of its names."""
    return {name: node for top in _tree(module).body for node in _statements(top) for name in _bound(node)}


def _statements(top: ast.stmt) -> list[ast.stmt]:
    """Look into what only type checkers see, too: such an import is a lazy one, which a script need not delay."""
    return top.body if isinstance(top, ast.If) and ast.unparse(top.test) == "TYPE_CHECKING" else [top]


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name for alias in node.names)
    elif isinstance(node, ast.Assign):
        yield from (name for target in node.targets for name in _names(target))
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield ast.unparse(node.target)
    elif isinstance(node, ast.Try):
        yield from (name for statement in node.body for name in _bound(statement))


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse("\n".join(_lines(module)))


@cache
def _lines(module: str) -> list[str]:
    return inspect.getsource(importlib.import_module(module)).splitlines()
