"""What the documents name is there: files, links, pins, sources."""

import re
from pathlib import Path

import pytest

from core.backbones.catalogue import BACKBONES
from core.backbones.timm_catalogue import ENTRIES
from core.datasets.catalogue import DATASETS
from core.techniques import catalogue

PROJECT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    path.relative_to(PROJECT).as_posix() for path in [*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")]
)
SUFFIXES = "py|md|js|css|json|toml|txt|yml|yaml|cff|cron|service|env"
A_FILE = re.compile(rf"(?:[\w.-]+/)*[\w.-]*\w\.(?:{SUFFIXES})|(?:[\w.-]*\w/)+")
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Named, and not ours: other projects' files, what runs leave behind, what the reader makes.
OTHERS = {
    *("instructions.md", "net.py", "layer_cam.py", "base_cam.py", "models/_api.py", "__init__.py"),
    *(
        "misc/",
        "_core/",
        "_stats/",
        "_marks/",
        "browser/",
        "accuracy.json",
        "logs/worker.log",
        ".streamlit/secrets.toml",
    ),
}


def _named(document: str) -> set[str]:
    text = (PROJECT / document).read_text(encoding="utf-8")
    quoted = {name for line in re.findall(r"`([^`\n]+)`", text) for name in line.split()}
    return {name for name in quoted if A_FILE.fullmatch(name)} - OTHERS


def _exists(name: str, document: str) -> bool:
    return (PROJECT / name).exists() or (PROJECT / document).parent.joinpath(name).exists()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_is_there(document: str) -> None:
    assert sorted(name for name in _named(document) if not _exists(name, document)) == []


def test_the_look_for_files_finds_some_that_are_not_there() -> None:
    assert len(_named("docs/architecture.md")) > 50
    assert A_FILE.fullmatch("core/nothing.py")
    assert not _exists("core/nothing.py", "README.md")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_relative_link_leads_somewhere(document: str) -> None:
    links = LINK.findall((PROJECT / document).read_text(encoding="utf-8"))
    inside = [link.partition("#")[0] for link in links if not re.match(r"https?:|mailto:|#", link)]
    assert [link for link in inside if not _exists(link, document)] == []


def test_every_room_of_core_is_on_the_map() -> None:
    drawn = (PROJECT / "docs/architecture.md").read_text(encoding="utf-8").split("```")[1]
    rooms = [path.name for path in (PROJECT / "core").iterdir() if (path / "__init__.py").exists()]
    assert [room for room in sorted(rooms) if f"{room}/" not in drawn] == []


def test_sources_are_those_of_the_catalogues() -> None:
    text = (PROJECT / "docs/sources.md").read_text(encoding="utf-8")
    sets = [f"| {entry.title} | {entry.licence} | {entry.citation} |" for entry in DATASETS.values()]
    everything = (*BACKBONES.values(), *ENTRIES.values())
    networks = [f"| {entry.title} | {entry.citation} |" for entry in everything]
    papers = [
        f"[{paper.text}]({paper.url})" for entry in catalogue.techniques().values() for paper in entry.papers
    ]
    assert [line for line in (*sets, *networks, *papers) if line not in text] == []


def _pins(file: str) -> dict[str, str]:
    lines = (PROJECT / file).read_text(encoding="utf-8").splitlines()
    pins = [re.match(r"([\w.-]+)==([^\s;]+)", line) for line in lines]
    return {re.sub(r"[-_.]+", "-", pin[1]).lower(): pin[2] for pin in pins if pin}


def test_constraints_hold_every_pin() -> None:
    constraints = _pins("constraints.txt")
    for file in ("requirements.txt", "requirements-dev.txt", "requirements-ray.txt"):
        pins = _pins(file)
        assert pins
        assert {name: constraints.get(name) for name in pins} == pins, "run `make constraints`"


def test_the_machine_that_checks_runs_what_ci_runs() -> None:
    workflow = (PROJECT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert "bash .ci/run" in workflow
    assert "make test" in (PROJECT / ".ci/run").read_text(encoding="utf-8")
    assert "make test" in (PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
