"""Before and after: what training changed in a finished run's network, picture by picture, epoch by epoch."""

from typing import Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core import errors
from core.figures.change import classes_before_and_now, stages_over_epochs
from core.interpretation.change_report import EpochChange, StageChange
from core.runs import service
from core.runs.kinds.finetuning_result import RunResult
from core.training.config import STRATEGIES
from widgets import address, encoded_picture, frame, network
from widgets.chart import chart
from widgets.layers import look, over_epochs
from widgets.layers.look import Look
from widgets.runs.visible import visible_run
from widgets.stage_strip.strip import Block, StageState, stage_picker

CHANNELS = 8  # to choose from


def draw(seen: Look) -> None:
    """Draw the view of one run, which the address may name."""
    left, right = st.columns([2, 3], gap="medium")
    with left:
        named = _choose_run()
    if named is None:
        return
    run_id = visible_run(named).id
    result = service.result(run_id)
    version = service.result_path(run_id).stat().st_mtime  # an extended run has a new result
    if seen.specimen.key.partition("@")[0] != look.RUN + run_id:
        if seen.stages != result.stages:  # the stage in the address is one of the run's
            address.write(network=look.RUN + named, weights=None)
            st.rerun()
        left.caption("This view shows the network of this run, not the one picked above.")
    epochs = service.snapshots(run_id)
    with right:
        epoch = _choose_epoch(epochs, result)
    _summary(result, epochs)
    one = _Walk(run_id=run_id, version=version, epoch=epoch, seen=seen, result=result)
    stage = one.choose_stage()
    one.channel(stage)
    one.attribution()
    one.kernels()
    _history(one, epochs)


class _Walk:
    """One place on the way from before to after: a run, an epoch and the visitor's picture."""

    def __init__(self, *, run_id: str, version: float, epoch: int, seen: Look, result: RunResult) -> None:
        self.run, self.version, self.epoch, self.result = run_id, version, epoch, result
        self.now = "Still before" if epoch == 0 else f"After epoch {epoch}"
        self.before = over_epochs.network(run_id, version, 0)
        self.moved = over_epochs.weights_moved(run_id, version, epoch)
        self.seen = seen.read_by(result.rule, self.before.image_size)
        self.pixels, self.picture_key = self.seen.pixels, self.seen.picture_key

    def choose_stage(self) -> str:
        """Draw the strip: ice where nothing moved, fire where it did, and how far; return the picked stage."""
        frozen = _frozen(self.result)
        names = [one.stage for one in self.moved]
        learned = [name for name in names if name not in frozen and self.before.has_positions(name)]
        stage = address.read("stage", names, learned[0] if learned else names[-1])
        entry = self.before.entry
        blocks, head = network.blocks(entry, classes=len(self.result.class_names))
        states: list[StageState] = []
        for one in self.moved:
            still = one.identical and self.epoch > 0
            states.append("ice" if one.stage in frozen or still else _learning(self.result))

        def picked(number: int) -> None:
            address.write(stage=names[number], channel=None)

        stage_picker(
            key="training_strip",
            stages=tuple(
                Block(name=block.name, parameters=block.parameters, output=_moved(one))
                for block, one in zip(blocks, self.moved, strict=True)
            ),
            head=head,
            states=(*states, _learning(self.result)),  # the head always learns
            about=tuple(_about(one, self.epoch) for one in self.moved),
            selected=names.index(stage),
            selectable=tuple(range(len(names))),
            on_pick=picked,
        )
        return stage

    def channel(self, stage: str) -> None:
        """Draw one channel of the stage on the visitor's picture: before, now and the difference."""
        from core.interpretation import change

        st.header(f"The same channel of {frame.plain(stage)}, before and now", anchor=False)
        before, now, last = (self._maps(epoch, stage) for epoch in (0, self.epoch, self.result.best_epoch))
        changes = change.channel_changes(before, last)
        strength = np.square(before).sum(axis=(1, 2))
        order = [int(number) for number in np.lexsort((-strength, -changes))[:CHANNELS]]
        linked = st.query_params.get("channel", "")
        if linked.isascii() and linked.isdigit() and int(linked) < len(changes) and int(linked) not in order:
            order.append(int(linked))
        still = not changes.any()
        number = int(
            address.choose(
                st.segmented_control,
                "Its strongest channels on this picture"
                if still
                else "The channels that training changed most",
                [str(one) for one in order],
                name="channel",
                default=str(order[0]),
                required=True,
            )
        )
        drawn = change.map_pictures(before[number], now[number], self.seen.large)
        size = float(change.channel_changes(before, now)[number])
        with st.grid(4, min_column_width=150):
            _show(self.seen.large, "The picture")
            _show(drawn[0], "Before")
            _show(drawn[1], self.now)
            _show(drawn[2], "Difference" if size else "No difference")
        if size:
            st.caption(
                f"Gold: channel {number} answers more than before; violet: less. The difference is {size:.2g} times "
                "as long as a typical channel's whole answer before training."
            )
        elif self.epoch:
            upto = self.moved[: [one.stage for one in self.moved].index(stage) + 1]
            why = ": nothing up to this stage has moved" if all(one.identical for one in upto) else ""
            st.caption(
                f":material/ac_unit: The same numbers as before, every one of {before[number].size:,}{why}."
            )

    def attribution(self) -> None:
        """Draw where the network looks for one of the run's classes, and how sure it is."""
        from core.interpretation import rendering

        st.header("Where it looks", anchor=False)
        names = self.result.class_names
        before, now, last = (self._probabilities(epoch) for epoch in (0, self.epoch, self.result.best_epoch))
        target = int(
            address.choose(
                st.selectbox,
                "For the class",
                [str(number) for number in range(len(names))],
                name="target",
                default=str(int(last.argmax())),
                what="class",
                format_func=lambda number: names[int(number)],
            )
        )
        left, right = st.columns([1, 1], gap="medium")
        with left, st.grid(2, min_column_width=150):
            for epoch, title in ((0, "Before: a head that has learned nothing yet"), (self.epoch, self.now)):
                values = self._grad_cam(epoch, target)
                _show(rendering.overlay(self.seen.large, values), title)
        with right:
            first = int(now.argmax())
            chart(
                classes_before_and_now(names, before.tolist(), now.tolist(), theme=frame.theme()),
                key="training_classes",
                says=f"{self.now}, {names[first]} has {100 * now[first]:.1f}\u00a0%; before, "
                f"{100 * before[first]:.1f}\u00a0%.",
            )
        st.caption(
            "Grad-CAM of the last stage that still is a map (Selvaraju et al. 2017, arXiv 1610.02391): gold speaks for "
            "the class, violet against it. This network knows only the classes of its run, so any other picture is "
            "called the nearest of them."
        )

    def kernels(self) -> None:
        """Draw the first kernels before, now and their difference, where the first stage was trained."""
        from core.interpretation import change, filters

        st.header("The first kernels", anchor=False)
        if self.result.stages[0] in _frozen(self.result):
            st.markdown(
                f":material/ac_unit: The stage {frame.plain(self.result.stages[0])} was frozen: its kernels are the "
                "pretrained ones, to the bit."
            )
            return
        now = over_epochs.network(self.run, self.version, self.epoch)
        before, after, difference, stronger = change.kernel_sheets(
            filters.kernels(self.before), filters.kernels(now)
        )
        with st.grid(3, min_column_width=150):
            _show(before, "Before", sharp=True)
            _show(after, self.now, sharp=True)
            _show(
                difference,
                f"Difference, {stronger:.0f} times stronger" if stronger else "No difference",
                sharp=True,
            )

    def _maps(self, epoch: int, stage: str) -> NDArray[np.float32]:
        return over_epochs.maps(self.run, self.version, epoch, stage, self.picture_key, self.pixels)

    def _probabilities(self, epoch: int) -> NDArray[np.float32]:
        return over_epochs.probabilities(self.run, self.version, epoch, self.picture_key, self.pixels)

    def _grad_cam(self, epoch: int, target: int) -> NDArray[np.float32]:
        return over_epochs.grad_cam(self.run, self.version, epoch, target, self.picture_key, self.pixels)


# --- the run and the epoch --------------------------------------------------------------------------------


def _choose_run() -> str | None:
    """Draw the choice among the visitor's finished runs and the one that the link names: what stands in the address.

    None without any.
    """
    titles = {
        one.id: f"{one.title} · {100 * one.summary['accuracy']:.1f} %"
        for one in service.runs_of(frame.visitor())
        if one.spec.kind == "finetune" and one.state == "finished" and one.summary is not None
    }
    top = st.query_params.get("network", "")
    linked = st.query_params.get("run") or (top.removeprefix(look.RUN) if top.startswith(look.RUN) else None)
    if linked and linked not in titles:
        try:
            record = visible_run(linked).record
            service.result(record.id)
            titles[linked] = record.title
        except errors.RunError as error:
            st.error(str(error), icon=":material/error:")
            address.write(run=None)
            linked = None
    if not titles:
        st.markdown(
            "Here you will see what training changed inside a network: the same picture, the same channel, before and "
            "after. Fine-tune one first; with the settings that are there it takes about a minute."
        )
        if st.button("Fine-tune a network", icon=":material/local_fire_department:", key="training_first"):
            st.switch_page(frame.page("finetune"))
        return None
    return address.choose(
        st.selectbox,
        "Run",
        list(titles),
        name="run",
        default=linked or next(iter(titles)),
        forget=("epoch", "channel", "target"),
        format_func=titles.__getitem__,
    )


def _choose_epoch(epochs: tuple[int, ...], result: RunResult) -> int:
    best = result.best_epoch
    epoch = address.choose(
        st.select_slider,
        "From before to after",
        [str(epoch) for epoch in epochs],
        name="epoch",
        default=str(best),
        format_func=lambda one: (
            "Before" if one == "0" else f"Epoch {one}" + (", the result" if one == str(best) else "")
        ),
    )
    return int(epoch)


def _summary(result: RunResult, epochs: tuple[int, ...]) -> None:
    frozen = _frozen(result)
    trained = [name for name in result.stages if name not in frozen]
    parts = []
    if frozen:
        parts.append(f":blue[**Frozen**]: {frame.plain(', '.join(frozen))}, the same to the bit.")
    colour = "orange" if _learning(result) == "fire" else "gray"
    parts.append(
        f":{colour}[**Trained**]: {frame.plain(', '.join([*trained, 'head']))}."
        + (
            ""
            if result.best_epoch == result.epochs_done
            else f" The result is epoch {result.best_epoch}, the best."
        )
    )
    st.markdown(" ".join(parts))
    notes = []
    if result.config["strategy"] == "lp_ft":
        notes.append("Before is the network before its probe was solved, which happened ahead of epoch 1.")
    if len(epochs) == 2 and result.epochs_done > 1:
        notes.append(
            "Of this run only before and after are kept: it was made before epochs were kept, or its network is too "
            "large for that."
        )
    elif len(epochs) > 2:
        notes.append(
            "Before and the result are exact; the epochs between are kept at half precision, which moves a weight by "
            "at most 0.05 % of itself."
        )
    if notes:
        st.caption(" ".join(notes))


def _history(one: _Walk, epochs: tuple[int, ...]) -> None:
    st.header("Every stage, epoch by epoch", anchor=False)
    found: list[EpochChange] = []
    lost: list[str] = []
    bar = st.progress(0.0)
    for number, epoch in enumerate(epochs):
        bar.progress(number / len(epochs), text="Measuring what every stage sees …")
        try:
            found.append(over_epochs.epoch_change(one.run, one.version, epoch))
        except errors.RunError as error:
            lost.append(str(error))
    bar.empty()
    left, right = st.columns(2)
    for column, panel in ((left, "change"), (right, "similarity")) if found else ():
        drawn = stages_over_epochs(
            found,
            frozen=_frozen(one.result),
            panel=panel,  # type: ignore[arg-type]
            epoch=one.epoch,
            result=one.result.best_epoch,
            role="trainable" if _learning(one.result) == "fire" else "control",
            theme=frame.theme(),
        )
        with column:
            chart(drawn, key=f"training_{panel}")
    for sentence in dict.fromkeys(lost):
        st.caption(f":material/error: {frame.plain(sentence)}")
    count = min(over_epochs.TEST_PICTURES, one.result.test.count)
    st.caption(
        f"Left: length of the change of a stage's weights, as a share of their length before. Right: linear CKA "
        f"(Kornblith et al. 2019, arXiv 1905.00414; debiased, Nguyen et al. 2021, arXiv 2010.15327) of what each stage "
        f"answers to {count} of the run's test pictures, before against then; 1 means the same features."
    )


# --- small things -----------------------------------------------------------------------------------------


def _frozen(result: RunResult) -> tuple[str, ...]:
    return tuple(row.stage for row in result.audit if row.frozen and row.stage in result.stages)


def _moved(one: StageChange) -> str:
    if one.relative_change == 0:
        return "unchanged" if one.identical else "statistics moved"
    percent = 100 * one.relative_change
    return f"moved {percent:.0f} %" if percent >= 10 else f"moved {percent:.2g} %"


def _about(one: StageChange, epoch: int) -> str:
    if epoch == 0:
        return "this is where training began; pull the slider to the right to see it move."
    if one.identical:
        return f"after epoch {epoch}, every parameter and buffer is bit for bit what it was before."
    if one.relative_change == 0:
        return f"after epoch {epoch}, its weights are the same; BatchNorm's statistics have moved."
    return (
        f"after epoch {epoch}, its weights have moved by {100 * one.relative_change:.2g} % of their length."
    )


def _learning(result: RunResult) -> Literal["fire", "grey"]:
    """The colour of what is trained: grey where it began at random."""
    return "fire" if STRATEGIES[result.config["strategy"]].pretrained else "grey"


def _show(pixels: NDArray[np.uint8], title: str, *, sharp: bool = False) -> None:
    from core.interpretation import rendering

    with st.container(gap="xxsmall"):
        encoded = rendering.encode(pixels, quality=None if sharp else 90)
        encoded_picture.draw(encoded, width="stretch", alt=title)
        st.caption(title)
