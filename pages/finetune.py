"""Choose pictures, a network and how deep to freeze; one button starts the run."""

import streamlit as st

from core.runs import service
from core.runs.spec import RunSpec
from core.training.config import FinetuneConfig
from widgets import data_picker, frame, freeze_picker, network_picker, settings
from widgets.runs import how_long, next_steps

st.title("Fine-tune", anchor=False)
st.markdown(
    "A network that has seen a million photographs learns to tell **your** pictures apart. Beside it the same network "
    "learns from nothing, so that you see what the photographs were worth."
)
next_steps.said_before_start()

st.header("1 · Pictures", anchor=False)
data = data_picker.pick()

st.header("2 · Network", anchor=False)
network = network_picker.pick()

st.header("3 · What stays frozen", anchor=False)
freezing = freeze_picker.pick(
    network.entry, classes=data.classes if data else 2, image_size=settings.image_size()
)

config = None
with frame.shown_errors():
    base = FinetuneConfig(
        backbone=network.entry.name,
        weights=network.weights,
        strategy=freezing.strategy,  # type: ignore[arg-type]  # the settings check it
        freeze_depth=freezing.depth,
        per_class=data.per_class if data else None,
    )
    chosen = settings.pick(base.resolved(stages=network.entry.depth, image_size=network.entry.finetune_size))
    config = FinetuneConfig(**(base.to_json() | chosen))

spec, pictures = None, None
if data is not None and config is not None:
    spec = RunSpec(config=config, data=data.reference, fit=data.fit, title=f"{data.title}: {freezing.phrase}")
    pictures = data.count

with st.bottom, st.container(horizontal=True, vertical_alignment="center", key="launch"):
    start = st.button(
        "Fine-tune",
        type="primary",
        icon=":material/local_fire_department:",
        key="start",
        disabled=spec is None,
    )
    if data is None:
        st.caption("Choose pictures first.")
    else:
        st.caption(
            f"{frame.plain(data.title)} · {network.entry.title} · {freezing.phrase}"
            + ("" if spec is None else f"  \n{how_long.before_start(spec, pictures)}")
        )

if start and spec is not None:
    with frame.shown_errors():
        run = service.submit(spec, frame.visitor(), address=st.context.ip_address, pictures=pictures)
        st.switch_page(frame.page("run"), query_params={"run": run, **next_steps.carried()})

if data is not None:
    data.finish()
