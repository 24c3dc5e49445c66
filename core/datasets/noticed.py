"""What reading a set's pictures has done to them, in sentences: for the command line, JSON and the page."""

from collections import Counter

from core.datasets.dataset import ImportReport
from core.images.to_rgb import PictureReading
from core.words import count, percent

MUCH_CUT = 0.4  # of the pictures' area; a usual photograph (3:2) loses a third
MANY_WIDE = 0.1  # of the pictures lose more than half
_FLOATING = "floating point"


def sentences(report: ImportReport, reading: PictureReading) -> tuple[str, ...]:
    """Say all there is to say about how the pictures were read; the warnings first."""
    return (*filter(None, (cropped(report, reading), dark(report, reading))), *conversions(report, reading))


def cropped(report: ImportReport, reading: PictureReading) -> str | None:
    """Warn where much of the pictures is cut away; None where little is."""
    if reading.fit != "crop" or (report.outside <= MUCH_CUT and report.wide < MANY_WIDE):
        return None
    halves = f", and of {percent(report.wide, 0)} of the pictures more than half" if report.wide < 1 else ""
    return (
        f"On average {percent(report.outside, 0)} of a picture is cut away, since only the square in its middle is kept"
        f"{halves if report.wide > 0 else ''}; what lies outside it, the network never sees. Pad or squash the "
        "pictures to keep all of them."
    )


def dark(report: ImportReport, reading: PictureReading) -> str | None:
    """Warn where most pictures of more than 8 bits came out almost black, as one faulty pixel can make them."""
    if report.dark <= sum(is_deep(what) for _, what in report.converted) / 2:
        return None
    black = f"{count(report.dark, 'picture')} of more than 8 bits came out almost black"
    if reading.counts is None and reading.shares is None:
        return (
            f"{black}: they use little of the range that their format declares. Save them as 16-bit PNG or TIFF, where "
            "the values that occur decide what is white."
        )
    return (
        f"{black}: the set's largest value became white. Where that value stands for missing data or a faulty pixel, "
        "set it to 0; where the pictures are meant to be dark, nothing is wrong."
    )


def conversions(report: ImportReport, reading: PictureReading) -> tuple[str, ...]:
    """Say what the pictures were converted from, and by which rule."""
    kinds = Counter(what for _, what in report.converted)
    deep = {what: many for what, many in kinds.items() if is_deep(what)}
    others = {what: many for what, many in kinds.items() if what not in deep}
    found = []
    if deep:
        found.append(
            f"{count(sum(deep.values()), 'picture')} of more than 8 bits ({_listed(deep)}) became 8-bit by one "
            f"rule for the whole set: {_rule(reading)}."
        )
    if others:
        found.append(f"{count(sum(others.values()), 'picture')} became plain RGB ({_listed(others)}).")
    return tuple(found)


def is_deep(what: str) -> bool:
    """Whether a word of `ImportReport.converted` means more than 8 bits."""
    first = what.split(", ", maxsplit=1)[0]
    return first == _FLOATING or first.endswith("-bit")


def _rule(reading: PictureReading) -> str:
    bounds = []
    if reading.counts is not None:
        bounds.append("values from {:,g} to {:,g}".format(*reading.counts))
    if reading.shares is not None and reading.shares != reading.counts:
        bounds.append("{} from {:,g} to {:,g}".format(f"{_FLOATING} values", *reading.shares))
    if not bounds:
        return "the range that their format declares became black to white"
    return f"{' and '.join(bounds)} became black to white"


def _listed(kinds: dict[str, int]) -> str:
    if len(kinds) == 1:
        return next(iter(kinds))
    return ", ".join(f"{many:,} × {what}" for what, many in sorted(kinds.items()))
