"""The words of the field that stand on the lab's pages, each explained in one sentence.

They are the first half of ``docs/glossary.md``. The browser looks for them on every page (`widgets.page_bar`), by the
same pattern as `used`.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).resolve().parent.parent / "docs" / "glossary.md"
_LEARNERS, _READERS = "\n## For learners\n", "\n## For whoever reads the code\n"
_ROW = re.compile(r"\| (?P<word>[^|]+?) \|(?P<also>[^|]*)\| (?P<sentence>[^|]+?) \| `(?P<place>[^|`]+)` \|")
_SKIPPED = ("| word |", "|---")
_CAPITAL_INSIDE = re.compile(r".+[A-Z]")  # CKA, k-NN, LogME: written so and not otherwise


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word, how it is written in texts, its sentence, and the address of a view where it can be seen."""

    word: str
    forms: tuple[str, ...]
    sentence: str
    place: str
    group: str

    @property
    def page(self) -> str:
        """The address of the page where it can be seen."""
        return self.place.partition("?")[0]


@cache
def terms() -> tuple[Word, ...]:
    """Read all words, in the order of the file; raises `ValueError` for a line that is not of its form."""
    text = _FILE.read_text(encoding="utf-8").split(_LEARNERS)[1].split(_READERS)[0]
    read, group = [], ""
    for line in text.splitlines():
        if line.startswith("### "):
            group = line.removeprefix("### ")
        elif line.startswith("|") and not line.startswith(_SKIPPED):
            row = _ROW.fullmatch(line)
            if row is None:
                raise ValueError(f"docs/glossary.md: this line does not have its four cells: {line}")
            read.append(_term(row, group))
    return tuple(read)


def _term(row: re.Match[str], group: str) -> Word:
    also = row["also"].strip()
    forms = [form.strip() for form in also.removeprefix(":").split(",") if form.strip()]
    if not also.startswith(":"):
        forms.insert(0, row["word"])
    return Word(
        word=row["word"], forms=tuple(forms), sentence=row["sentence"], place=row["place"], group=group
    )


@cache
def _spellings() -> dict[str, Word]:
    """Every way in which a word may be written, plurals too; in small letters unless capitals belong to it."""
    spelled: dict[str, Word] = {}
    for term in terms():
        for form in term.forms:
            written = form if _CAPITAL_INSIDE.match(form) else form.lower()
            spelled.setdefault(written, term)
            if not written.endswith("s"):
                spelled.setdefault(written + "s", term)
    return spelled


@cache
def _source() -> str:
    """Write the pattern, as Python and browsers read it: the longest form first, whatever space is within."""
    forms = sorted(_spellings(), key=len, reverse=True)
    either = "|".join(r"\s+".join(map(_literally, form.split())) for form in forms)
    return rf"(?<![\w-])(?:{either})(?![\w-])"


def _literally(word: str) -> str:
    """Take a word for itself; `re.escape` also escapes what browsers must not have escaped."""
    return re.sub(r"([.*+?^${}()|\[\]\\/])", r"\\\1", word)


def used(text: str) -> list[Word]:
    """List the words that a text uses, each once, in the order of their first use."""
    found: dict[str, Word] = {}
    for match in re.finditer(_source(), text, re.IGNORECASE):
        written = " ".join(match[0].split())
        term = _spellings().get(written) or _spellings().get(written.lower())
        if term is not None:
            found.setdefault(term.word, term)
    return list(found.values())


def for_browser() -> dict[str, Any]:
    """All that a browser needs to find the words of a page and to explain them, as plain values."""
    number = {term.word: place for place, term in enumerate(terms())}
    return {
        "pattern": _source(),
        "spellings": {written: number[term.word] for written, term in _spellings().items()},
        "terms": [
            {"word": term.word, "sentence": term.sentence, "place": term.place, "page": term.page}
            for term in terms()
        ],
    }
