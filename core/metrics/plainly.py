"""A result in one plain sentence, for whoever has never met an accuracy. Torch-free."""

from core.metrics.report import ClassificationReport

_HUNDRED = 100


def plainly(report: ClassificationReport, scratch: ClassificationReport | None = None) -> str:
    """Say how many new pictures were named right, what guessing gets, and what the control from scratch gets.

    "87 of 100 new pictures right; guessing gets 10; the same network from scratch gets 70." With fewer than a hundred
    test pictures the counts are of those that there are. Guessing names the most frequent class every time.
    """
    of = min(_HUNDRED, report.count)
    what = "new picture" if of == 1 else "new pictures"
    says = (
        f"{_right(report.accuracy.value, of)} of {of} {what} right; guessing gets {_right(report.chance, of)}"
    )
    if scratch is not None:
        says += f"; the same network from scratch gets {_right(scratch.accuracy.value, of)}"
    return f"{says[0].upper()}{says[1:]}."


def _right(share: float, of: int) -> str:
    """Round a share (0-1) to whole pictures; what is neither none nor all is never said to be."""
    number = round(share * of)
    if number == of and share < 1:
        return f"more than {of - 1}"
    if number == 0 and share > 0:
        return "fewer than 1"
    return str(number)
