"""What every technique of the field is here: a question, a source, a target, arms to compare, settings. Torch-free.

A technique lives in a package of its own, ``core/techniques/<name>``: ``entry.py`` holds its settings and its
`Technique`, torch-free; ``experiment.py`` holds ``run(settings) -> Iterator[Event]``. `catalogue` lists them.
"""

import dataclasses
import importlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core import errors
from core.events import Event, Progress
from core.settings import Setting, check, described, setting

# Data sets that experiments with whole networks run on; `core.datasets.catalogue` says what they are.
BuiltInData = Literal[
    "everyday-closeups", "science-closeups", "everyday-patches", "science-patches", "digits", "lfw-faces"
]

# Pan & Yang 2010 (10.1109/TKDE.2009.191), table 3: what is transferred.
Transferred = Literal["instances", "features", "parameters", "relations"]
# What sets the target apart from the source (ibid., section 2.3).
Differs = Literal["task", "domain", "labels"]
Role = Literal["method", "baseline", "control"]

FEWEST_SEEDS, MOST_SEEDS = 2, 20


@dataclass(frozen=True, kw_only=True)
class Paper:
    """Where a technique, or a published figure, comes from."""

    text: str  # "Ganin et al. 2016, JMLR 17(59)"
    url: str


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to solve the target task. Its colour follows its role: orange, grey, grey dotted."""

    name: str
    title: str  # at most about 24 characters: it stands beside a bar
    role: Role
    what: str  # one sentence


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """What is measured; ``share`` (0-1) is shown in percent and compared in points, anything else as it is."""

    name: str
    title: str  # "Accuracy on the target", "Mean squared error"
    share: bool = True
    higher_is_better: bool = True


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What an experiment varies, where it varies anything: the x of every score."""

    title: str  # "Images of each class"
    logarithmic: bool = False


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every technique can be asked. Subclasses add fields by `setting`."""

    seeds: int = setting(
        5, "How often everything is repeated: other images, other random weights.", FEWEST_SEEDS, MOST_SEEDS
    )
    first_seed: int = setting(0, "The first of the seeds.", 0, 2**31 - 1)

    def __post_init__(self) -> None:
        check(self)

    @property
    def every_seed(self) -> range:
        """The seeds, one after the other."""
        return range(self.first_seed, self.first_seed + self.seeds)

    def to_json(self) -> dict[str, Any]:
        """All settings as plain values."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class Technique:
    """One method of the field, or one family of them, with the experiment that shows it."""

    name: str  # in links and on the command line: "domain-adaptation"
    title: str
    question: str  # what the experiment answers, in one sentence
    gist: str  # how the method works, in two or three plain sentences
    transferred: Transferred
    differs: Differs
    source: str  # one phrase: what is known beforehand
    target: str  # one phrase: what is to be solved
    quantities: tuple[Quantity, ...]  # the verdict is about the first
    arms: tuple[Arm, ...]  # in the order in which they are drawn
    verdict: tuple[str, str]  # method and baseline, names of two arms
    settings: type[Settings]
    papers: tuple[Paper, ...]
    code: tuple[str, ...]  # "package.module:function", the heart of the method, to be shown
    axis: Axis | None = None
    remark: str = ""  # what to watch for; a claim needs its citation
    # The same method on something else, with arms, texts and settings of its own. The setting ``switch`` chooses
    # among them: its default in each one's settings is that one's name.
    variants: tuple["Technique", ...] = ()
    switch: str = ""
    module: str = "experiment"  # of the package; a variant's run lives in another one
    download: str = ""  # what is fetched before the first run, and how large it is; empty: everything is here

    def __post_init__(self) -> None:
        known = [arm.name for arm in self.arms]
        for one in self.verdict:
            errors.one_of("arm", one, known)

    def arm(self, name: str) -> Arm:
        """Find an arm; `SettingsError` for a name that is none."""
        errors.one_of("arm", name, [arm.name for arm in self.arms])
        return next(arm for arm in self.arms if arm.name == name)

    def chosen(self, settings: Mapping[str, Any]) -> "Technique":
        """Find the variant that ``settings``, as texts or plain values, ask for; this one where they ask for none.

        `SettingsError` for a variant that is none.
        """
        if not self.switch or self.switch not in settings:
            return self
        known = {getattr(one.settings(), self.switch): one for one in (self, *self.variants)}
        errors.one_of(self.switch, settings[self.switch], known)
        return known[settings[self.switch]]

    @property
    def package(self) -> str:
        """Where it lives."""
        return f"core.techniques.{self.name.replace('-', '_')}"

    def run(self, settings: Settings) -> Iterator[Event]:
        """Run the experiment on one thread; imports what it needs. Raises the errors of `core.errors`."""
        # By name, since both need torch, and this table does not.
        threads = importlib.import_module("core.techniques.threads")
        with threads.one_thread():
            module = self.chosen(settings.to_json()).module
            yield from importlib.import_module(f"{self.package}.{module}").run(settings)
            yield Progress(done=1.0, phase="Done")

    def sources(self) -> dict[str, str]:
        """The real source of what `code` names, by name."""
        found = {}
        for one in self.code:
            module, name = one.split(":")
            found[one] = inspect.getsource(getattr(importlib.import_module(module), name))
        return found

    def settings_of(self, texts: Mapping[str, str]) -> Settings:
        """Read settings from texts, as a link or the command line gives them; `SettingsError` says what is wrong."""
        kind = self.chosen(texts).settings
        known = described(kind)
        values: dict[str, Any] = {}
        for name, text in texts.items():
            errors.one_of("A setting", name, sorted(known))
            values[name] = _value(known[name], text)
        return kind(**values)


def _value(field: Setting, text: str) -> Any:
    if field.kind is bool:
        errors.one_of(field.name, text, ("true", "false"))
        return text == "true"
    try:
        return field.kind(text)
    except ValueError:
        raise errors.OutOfRange(field.words, f"must be a number; {text[:40]!r} is none.") from None
