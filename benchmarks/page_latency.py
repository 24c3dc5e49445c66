"""How fast pages stand and answer: cold start to first page, and what a rerun costs beside a blank app's.

    python -m benchmarks.page_latency

Cold start: from starting the server's process to the front page's heading on screen, in headless Chromium that is
already open; beside it a blank Streamlit app, in turn. Reruns: wall time of one rerun in this process with everything
heavy imported, page by page, beside a blank script; the difference is what our page costs.
"""

import argparse
import gc
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from streamlit.testing.v1 import AppTest

PROJECT = Path(__file__).resolve().parent.parent
BLANK = "import streamlit as st\nst.title('Blank')\n"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def free_port() -> int:
    """Ask the system for a port that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def cold_start(browser: Browser, script: Path, home: str) -> float:
    """Seconds from starting ``script``'s server to its heading on screen."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    command += ["--server.headless", "true", "--server.address", "127.0.0.1"]
    page = browser.new_page()
    started = time.perf_counter()
    server = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, "TLL_HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        page.goto(address)
        page.locator("h1").first.wait_for(timeout=60_000)
        return time.perf_counter() - started
    finally:
        page.close()
        server.terminate()
        server.wait()


def rerun(app: AppTest, times: int) -> list[float]:
    """Milliseconds of each of ``times`` reruns, after three that fill the caches."""
    durations = []
    for number in range(times + 3):
        started = time.perf_counter()
        app.run(timeout=60)
        durations.append((time.perf_counter() - started) * 1000)
        if number == 0 and app.exception:
            raise RuntimeError(app.exception[0].message)
    return durations[3:]


def quantiles(values: list[float]) -> str:
    """Show median and 95th percentile."""
    return f"{statistics.median(values):.1f} | {statistics.quantiles(values, n=20)[-1]:.1f}"


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--reruns", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["TLL_HOME"] = home
        blank = Path(home) / "blank.py"
        blank.write_text(BLANK)
        seconds: dict[str, list[float]] = {"blank app": [], "front page": []}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=arguments.chromium, args=FLAGS)
            for _ in range(arguments.starts):
                seconds["blank app"].append(cold_start(browser, blank, home))
                seconds["front page"].append(cold_start(browser, PROJECT / "streamlit_app.py", home))
            browser.close()
        print("| cold start to heading | min s | median s | max s |\n|---|---|---|---|")
        for name, values in seconds.items():
            print(f"| {name} | {min(values):.2f} | {statistics.median(values):.2f} | {max(values):.2f} |")
        ratio = statistics.median(seconds["front page"]) / statistics.median(seconds["blank app"])
        print(f"\nratio {ratio:.2f}\n")

        import plotly.graph_objects
        import torch

        from core.vision import torchvision
        from widgets import data_picker

        del plotly, torch, torchvision
        data_picker.warm_up()
        gc.collect()
        gc.freeze()
        print("| rerun | median ms | p95 ms | median over blank, ms |\n|---|---|---|---|")
        base = rerun(AppTest.from_string(BLANK), arguments.reruns)
        print(f"| blank script | {quantiles(base)} | |")
        for name in ("home", "finetune", "runs"):
            values = rerun(AppTest.from_file(str(PROJECT / "pages" / f"{name}.py")), arguments.reruns)
            over = statistics.median(values) - statistics.median(base)
            print(f"| pages/{name}.py | {quantiles(values)} | {over:.1f} |")


if __name__ == "__main__":
    main()
