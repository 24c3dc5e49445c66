"""What the classroom's events say: quantiles, errors, memory and its slope, as plain values and as tables."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

Event = dict[str, Any]
ACTS = ("click", "open")  # what a visitor waits for; a tick is the page's own
# A refusal is one sentence to the visitor (a limit is reached), and counted apart.
REFUSED = "refused"


def quantile(values: Sequence[float], share: float) -> float:
    """Give the smallest value that at least ``share`` of all do not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def acts(events: Iterable[Event]) -> list[Event]:
    """Pick what a visitor asked for and waited for."""
    return [one for one in events if one.get("kind") in ACTS]


def errors(events: Iterable[Event]) -> Counter[str]:
    """Count errors by kind; refusals are none."""
    return Counter(one["error"] for one in events if "error" in one and one["error"] != REFUSED)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Summarise seconds or bytes."""
    return {
        "count": len(values),
        "p50": quantile(values, 0.50),
        "p95": quantile(values, 0.95),
        "p99": quantile(values, 0.99),
        "max": max(values, default=float("nan")),
    }


def figures(events: list[Event]) -> dict[str, Any]:
    """Summarise one phase's events."""
    by_page: dict[str, list[Event]] = defaultdict(list)
    by_act: dict[str, list[Event]] = defaultdict(list)
    for one in acts(events):
        by_page[one["page"]].append(one)
        by_act[f"{one['page']} · {one['what']}"].append(one)
    ticks = [one for one in events if one.get("kind") == "tick"]
    gets = [one["done"] for one in events if one.get("kind") == "get"]
    return {
        "all": spread([one["done"] for one in acts(events)]),
        "first": spread([one["first"] for one in acts(events)]),
        "pages": {name: spread([one["done"] for one in found]) for name, found in sorted(by_page.items())},
        "acts": {name: spread([one["done"] for one in found]) for name, found in sorted(by_act.items())},
        "bytes": {name: spread([one["size"] for one in found]) for name, found in sorted(by_act.items())},
        "ticks": spread([one["done"] for one in ticks]),
        "gets": spread(gets),
        "left out": sum(one.get("kind") == "left out" for one in events),
        "errors": dict(errors(events)),
        "refused": sum(one.get("error") == REFUSED for one in events),
        "texts": Counter(
            f"{one['error']}: {one.get('text', '')}"[:160] for one in events if "error" in one
        ).most_common(12),
    }


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """Fit a line (least squares) to samples of (seconds, MB): MB a minute; NaN of fewer than three."""
    if len(samples) < 3:
        return float("nan")
    fitted = statistics.linear_regression([at for at, _ in samples], [size for _, size in samples])
    return fitted.slope * 60


def table(found: dict[str, Any]) -> str:
    """Lay a phase's pages out as Markdown."""

    def row(name: str, one: dict[str, float]) -> str:
        return f"| {name} | {one['count']:,} | " + " | ".join(
            f"{1000 * one[name]:,.0f}" for name in ("p50", "p95", "p99", "max")
        )

    lines = ["| page | interactions | p50 ms | p95 | p99 | max |", "|---|---|---|---|---|---|"]
    lines += [row(name, one) + " |" for name, one in found["pages"].items()]
    lines.append(row("**all**", found["all"]) + " |")
    lines.append(row("to the first element", found["first"]) + " |")
    if found["ticks"]["count"]:
        lines.append(row("the page's own polling", found["ticks"]) + " |")
    lines.append(row("files and pictures (HTTP)", found["gets"]) + " |")
    return "\n".join(lines)


def sizes(found: dict[str, Any]) -> str:
    """Lay out how much each click sends, largest first."""
    lines = ["| click | times | p50 kB | p95 kB | p50 ms | p95 ms |", "|---|---|---|---|---|---|"]
    for name, one in sorted(found["bytes"].items(), key=lambda pair: -pair[1]["p50"]):
        taken = found["acts"][name]
        lines.append(
            f"| {name} | {one['count']} | {one['p50'] / 1000:,.1f} | {one['p95'] / 1000:,.1f} "
            f"| {1000 * taken['p50']:,.0f} | {1000 * taken['p95']:,.0f} |"
        )
    return "\n".join(lines)
