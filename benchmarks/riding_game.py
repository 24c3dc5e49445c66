"""The riding game: is it as smooth, as prompt and as exact as it claims, and can a person ride it?

    python -m benchmarks.riding_game

Prints three tables. In headless Chromium (no GPU): frames a second while a ride is on, milliseconds from a key press to
the frame that shows it, and the largest difference between the browser's states and Python's over six seconds with the
same inputs. Then, by simulation: seconds upright of a rider who reacts 0.2 s late, with the hand at several strengths,
on every machine. Last, why there are arms: the same rider with a bare torque on the handlebar.
"""

import argparse
import random
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.classroom import PROJECT, served
from benchmarks.layers_latency import FLAGS
from core.riding import simulated_rider, visitor

SIZES = {"desktop, 1440 × 900": (1440, 900), "phone, 390 × 844": (390, 844)}
SHARES = (0.45, 0.35, 0.25, 0.15, 0.0)
RIDERS = {
    "nobody steering": None,
    "clumsy: 0.3 s late": simulated_rider.CLUMSY,
    "skilled: 0.2 s late": simulated_rider.SKILLED,
}
TORQUES = (2.0, 5.0, 10.0)  # N·m of a key without arms


def ridden(page: Page, address: str, rides: int) -> dict[str, Any]:
    """Ride with short taps to both sides; what the game noted about its frames and inputs."""
    page.goto(f"{address}/riding")
    game = page.locator(".st-key-riding_game .game")
    game.locator(".go").wait_for()
    page.wait_for_timeout(2000)
    frames: list[float] = []
    costs: list[float] = []
    latency: list[float] = []
    for _ in range(rides):
        game.locator(".picture").focus()
        page.keyboard.press("Space")
        page.wait_for_function(_phase("ride"))
        game.evaluate("g => { g.riding.frames = []; g.riding.costs = []; g.riding.latency = []; }")
        for number in range(200):
            key = "ArrowLeft" if number % 2 else "ArrowRight"
            page.keyboard.down(key)
            page.wait_for_timeout(60)
            page.keyboard.up(key)
            page.wait_for_timeout(120)
            if game.get_attribute("data-phase") != "ride":
                break
        noted = game.evaluate("g => [g.riding.frames, g.riding.costs, g.riding.latency]")
        frames += noted[0]
        costs += noted[1]
        latency += noted[2]
        page.wait_for_function(_phase("done"))
    return {"frames": frames, "costs": costs, "latency": latency}


def _phase(name: str) -> str:
    return (
        "[...document.querySelectorAll('.st-key-riding_game *')].some("
        f"one => one.shadowRoot?.querySelector('.game')?.dataset.phase === '{name}')"
    )


def difference(page: Page) -> float:
    """Compare six seconds of states, three rides on each machine, inputs drawn at random."""
    game = page.locator(".st-key-riding_game .game")
    drawn = random.Random(8)
    largest = 0.0
    for name in visitor.MOUNTS:
        for number in range(3):
            level, inputs = 0, []
            for _ in range(600):
                if drawn.random() < 0.05:
                    level = drawn.randint(-25, 25)
                inputs.append(level)
            theirs = game.evaluate("(game, a) => game.riding.integrate(...a).states", [name, number, inputs])
            ours = visitor.replay(name, number, inputs).states
            largest = max(largest, float(np.abs(np.array(theirs) - ours).max()))
    return largest


def quantile(values: list[float], share: float) -> float:
    """Read a quantile, 0-1."""
    return float(np.quantile(values, share))


def bare_torque(torque: float, share: float) -> float:
    """Mean seconds upright of the skilled rider on the bicycle when a key is a torque and nothing else."""
    kept = visitor.STIFFNESS, visitor.DAMPING, visitor.REACH
    try:
        # A spring that is soft and pulls far is a torque that does not depend on the angle.
        visitor.STIFFNESS, visitor.DAMPING, visitor.REACH = 1e-6, 0.0, torque * 1e6
        return float(simulated_rider.seconds("bicycle", share, simulated_rider.SKILLED, rides=24).mean())
    finally:
        visitor.STIFFNESS, visitor.DAMPING, visitor.REACH = kept


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--rides", type=int, default=4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=FLAGS)
        with served(PROJECT / "streamlit_app.py", home, Path(home) / "lab.log") as (address, _):
            print("| window | frames a second p50 | p5 | drawing p50 ms | p95 | key to frame p50 ms | p95 |")
            print("|---|---|---|---|---|---|---|")
            for title, (width, height) in SIZES.items():
                page = browser.new_page(viewport={"width": width, "height": height})
                page.set_default_timeout(120_000)
                noted = ridden(page, address, arguments.rides)
                frames, costs, latency = noted["frames"], noted["costs"], noted["latency"]
                cells = [
                    f"{title} ({len(frames)} frames, {len(latency)} inputs)",
                    f"{1000 / statistics.median(frames):.1f}",
                    f"{1000 / quantile(frames, 0.95):.1f}",
                    *(f"{quantile(kind, share):.1f}" for kind in (costs, latency) for share in (0.5, 0.95)),
                ]
                print("| " + " | ".join(cells) + " |", flush=True)
                largest = difference(page)
                page.close()
            print(f"\nLargest difference of a state, browser and Python, six seconds: {largest:g}")
        browser.close()
    print(
        "\n| seconds upright of 8, mean of 48 rides | "
        + " | ".join(f"hand {100 * s:.0f} %" for s in SHARES)
        + " |"
    )
    print("|---|" + "---|" * len(SHARES))
    for name, mount in visitor.MOUNTS.items():
        for title, rider in RIDERS.items():
            cells = [f"{simulated_rider.seconds(name, share, rider).mean():.1f}" for share in SHARES]
            print(f"| {mount.title}, {title} | " + " | ".join(cells) + " |", flush=True)
    for torque in TORQUES:
        cells = [f"{bare_torque(torque, share):.1f}" for share in SHARES]
        print(
            f"| Bicycle, skilled, bare torque of {torque:.0f} N·m | " + " | ".join(cells) + " |", flush=True
        )


if __name__ == "__main__":
    main()
