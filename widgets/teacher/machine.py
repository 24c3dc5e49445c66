"""The machine that the class shares: processors, memory, GPUs and disk, as they were measured a moment ago."""

import os
import shutil

import psutil
import streamlit as st

from core import errors
from core.runs import health, service
from core.runs.executors import devices
from core.runs.home import home
from core.runs.limits import machine_memory
from core.runs.store import census
from core.words import count, size, unbroken

SECONDS = 0.2  # that the processors are watched for


def draw() -> None:
    """Draw one bar for everything that can run out."""
    with st.grid(3, min_column_width=290, gap="small"):
        _processors()
        _memory()
        for gpu in devices.gpus():
            with st.container(border=True, gap="xsmall"):
                st.markdown(f"**{gpu.name}**")
                st.progress(min(1.0, gpu.busy / 100), text=f"{gpu.busy} % busy")
                _bar(gpu.memory_used, gpu.memory, "of its memory in use")
        _disk()


def _processors() -> None:
    count = devices.available_processors()
    busy = psutil.cpu_percent(interval=SECONDS)
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Processors**")
        st.progress(min(1.0, busy / 100), text=f"{busy:.0f} % busy, of the whole machine")
        st.caption(f"The lab may use {count} of {psutil.cpu_count() or count}.")


def _memory() -> None:
    total, here = psutil.virtual_memory(), machine_memory()
    workers = health.workers(service.dispatcher())
    server = psutil.Process(os.getpid()).memory_info().rss
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Memory**")
        _bar(total.total - total.available, total.total, "in use on this machine")
        parts = [f"this server {_size(server)}"]
        if workers:
            many = "worker" if len(workers) == 1 else count(len(workers), "worker")
            parts.append(f"{many} {_size(sum(one.memory for one in workers))}")
        if here < total.total:
            parts.append(f"its container may use {_size(here)}")
        st.caption(f"Of the lab: {'; '.join(parts)}.")


def _disk() -> None:
    place = home()
    usage = shutil.disk_usage(place)
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Disk**")
        # Part of a disk may be kept for the system: neither in use nor free for the lab.
        _bar(usage.used, usage.used + usage.free, f"in use, {_size(usage.free)} free")
        try:
            found = census.census(place)
        except errors.StoreError:
            st.caption("The run store does not answer at the moment.")
            return
        st.caption(
            f"Visitors' pictures: {_size(found.upload_bytes)} in {count(found.uploads, 'upload')}. "
            f"Runs: {_size(found.run_bytes)}."
        )


def _bar(used: float, total: float, what: str) -> None:
    st.progress(min(1.0, used / total) if total else 0.0, text=f"{_size(used)} of {_size(total)} {what}")


def _size(number: float) -> str:
    return unbroken(size(number))
