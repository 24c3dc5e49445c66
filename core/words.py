"""How figures are said: percent, points, seconds, megabytes, counts and their intervals. Torch-free.

Shares are on the 0-1 scale. A negative number has a true minus, and what rounds to zero has no sign.
"""

from collections.abc import Sequence


def number(value: float, digits: int = 1, *, sign: bool = False) -> str:
    """Write a number with ``digits`` decimals: "1,234.5", "−0.3"; with ``sign`` also "+0.3"."""
    text = f"{round(value, digits) + 0.0:{'+' if sign and round(value, digits) else ''},.{digits}f}"
    return text.replace("-", "−")


def percent(share: float, digits: int = 1) -> str:
    """Write a share: "87.3 %"."""
    return f"{number(100 * share, digits)} %"


def points(share: float, digits: int = 1, *, sign: bool = True) -> str:
    """Write a difference of two shares: "+3.2 points"; without ``sign`` its size in a sentence that says which way."""
    return f"{number(100 * share, digits, sign=sign)} points"


def interval(low: float, high: float, digits: int = 1) -> str:
    """Write the interval of a share or of a difference, after its value: "[−0.3, 2.7]"."""
    return f"[{number(100 * low, digits)}, {number(100 * high, digits)}]"


def seconds(length: float, digits: int = 0) -> str:
    """Write a stretch of time: "43 s", "5 min", "1.5 h"; ``digits`` are those of the seconds."""
    if length < 100:
        return f"{number(length, digits)} s"
    return f"{length / 60:.0f} min" if length < 5400 else f"{length / 3600:.1f} h"


def about(length: float) -> str:
    """Write a stretch of time that nobody knows exactly: "a few seconds", "about 40 s", "about 5 min"."""
    if length < 5:
        return "a few seconds"
    return f"about {seconds(10 * max(1, round(length / 10)) if length < 100 else length)}"


def megabytes(size: float, digits: int | None = None) -> str:
    """Write a number of bytes: "5.7 MB", "46 MB", "1,234 MB"; a decimal below ten unless ``digits`` says otherwise."""
    digits = (1 if size < 9.95e6 else 0) if digits is None else digits
    return f"{number(size / 1e6, digits).removesuffix('.0')} MB"


def size(number: float) -> str:
    """Write a number of bytes in the unit that fits: "40.0 GB", "46 MB", "3.4 kB"."""
    if number >= 1e9:
        return f"{number / 1e9:,.1f} GB"
    return f"{number / 1e6:,.0f} MB" if number >= 1e6 or not number else f"{number / 1e3:,.1f} kB"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Write how many: "1 run", "1,234 runs"; ``plural`` where an s is not enough: "2 classes"."""
    return f"1 {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def short_count(number: float) -> str:
    """Write a count of parameters or operations with three digits at most: "9,408", "11.2 M", "1.82 G"."""
    for limit, divisor, unit in ((1e4, 1, ""), (1e6, 1e3, " k"), (1e9, 1e6, " M")):
        if number < limit:
            digits = 0 if divisor == 1 or number / divisor >= 100 else 1 if number / divisor >= 10 else 2
            return f"{number / divisor:,.{digits}f}{unit}"
    return f"{number / 1e9:.2f} G"


def listed(names: Sequence[str]) -> str:
    """Write names in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join([*([", ".join(names[:-1])] if len(names) > 1 else []), *names[-1:]])


def some(names: Sequence[str], most: int = 6) -> str:
    """Write the first names of what may be many: "a, b, …"."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def unbroken(text: str) -> str:
    """Keep a figure and its unit on one line, in a table or a narrow column."""
    return text.replace(" ", "\u00a0")
