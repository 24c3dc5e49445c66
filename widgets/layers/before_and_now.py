"""One place in a run's network before training and after an epoch: a channel, the maps, the kernels."""

import dataclasses

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.figures.change import classes_before_and_now
from core.interpretation.change_report import StageChange
from core.runs.kinds.finetuning_result import RunResult
from core.training.config import STRATEGIES
from core.words import percent, unbroken
from widgets import address, encoded_picture, frame, network, specimens
from widgets.chart import chart
from widgets.layers import answers, epoch_networks
from widgets.layers.answers import Question
from widgets.layers.selection import Selection
from widgets.specimens import NetworkKey
from widgets.stage_strip.strip import Block, StageState, stage_picker

CHANNELS = 8  # to choose from


def frozen_stages(result: RunResult) -> tuple[str, ...]:
    """The names of the stages that the run left frozen."""
    return tuple(row.stage for row in result.audit if row.frozen and row.stage in result.stages)


def began_pretrained(result: RunResult) -> bool:
    """Whether what was trained began with pretrained weights, not at random."""
    return STRATEGIES[result.config["strategy"]].pretrained


class BeforeAndNow:
    """The visitor's picture and a run's network, before training and after ``epoch``."""

    def __init__(self, selection: Selection, network: NetworkKey, result: RunResult, epoch: int) -> None:
        self.network, self.epoch, self.result = network, epoch, result
        self.now = "Still before" if epoch == 0 else f"After epoch {epoch}"
        self.before = specimens.load(epoch_networks.at_epoch(network, 0))
        self.selection = selection.seen_by(network, result.rule, self.before.image_size)
        self.picture = self.selection.large
        self.moved = epoch_networks.weights_moved(self._at(epoch).network)

    def choose_stage(self) -> str:
        """Draw the strip: ice where nothing moved, fire where it did, and how far; return the picked stage."""
        frozen = frozen_stages(self.result)
        names = [change.stage for change in self.moved]
        learned = [name for name in names if name not in frozen and self.before.has_positions(name)]
        stage = address.read("stage", names, learned[0] if learned else names[-1])
        entry = self.before.entry
        blocks, head = network.blocks(entry, classes=len(self.result.class_names))
        learning: StageState = "fire" if began_pretrained(self.result) else "grey"
        states: list[StageState] = []
        for change in self.moved:
            still = change.identical and self.epoch > 0
            states.append("ice" if change.stage in frozen or still else learning)

        def picked(number: int) -> None:
            address.write(stage=names[number], channel=None)

        stage_picker(
            key="training_strip",
            stages=tuple(
                Block(name=block.name, parameters=block.parameters, output=_moved(change))
                for block, change in zip(blocks, self.moved, strict=True)
            ),
            head=head,
            states=(*states, learning),  # the head always learns
            about=tuple(_about(change, self.epoch) for change in self.moved),
            selected=names.index(stage),
            selectable=tuple(range(len(names))),
            on_pick=picked,
        )
        return stage

    def channel(self, stage: str) -> None:
        """Draw one channel of the stage on the visitor's picture: before, now and the difference."""
        from core.interpretation import change

        st.header(f"The same channel of {frame.plain(stage)}, before and now", anchor=False)
        before, now, last = (
            answers.maps(self._at(epoch), stage) for epoch in (0, self.epoch, self.result.best_epoch)
        )
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
                [str(channel) for channel in order],
                name="channel",
                default=str(order[0]),
                required=True,
            )
        )
        drawn = change.map_pictures(before[number], now[number], self.picture)
        size = float(change.channel_changes(before, now)[number])
        with st.grid(4, min_column_width=150):
            _show(self.picture, "The picture")
            _show(drawn[0], "Before")
            _show(drawn[1], self.now)
            _show(drawn[2], "Difference" if size else "No difference")
        if size:
            st.caption(
                f"Gold: channel {number} answers more than before; violet: less. The difference is {size:.2g} times "
                "as long as a typical channel's whole answer before training."
            )
        elif self.epoch:
            upto = self.moved[: [moved.stage for moved in self.moved].index(stage) + 1]
            why = ": nothing up to this stage has moved" if all(moved.identical for moved in upto) else ""
            st.caption(
                f":material/ac_unit: The same numbers as before, every one of {before[number].size:,}{why}."
            )

    def attribution(self) -> None:
        """Draw where the network looks for one of the run's classes, and how sure it is."""
        from core.interpretation import rendering

        st.header("Where it looks", anchor=False)
        names = self.result.class_names
        before, now, last = (
            answers.probabilities(self._at(epoch)) for epoch in (0, self.epoch, self.result.best_epoch)
        )
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
        question = Question(method="grad_cam", target=target, stage=None)
        left, right = st.columns([1, 1], gap="medium")
        with left, st.grid(2, min_column_width=150):
            for epoch, title in ((0, "Before: a head that has learned nothing yet"), (self.epoch, self.now)):
                grad_cam = answers.attribution(self._at(epoch), question)
                _show(rendering.overlay(self.picture, grad_cam.values), title)
        with right:
            first = int(now.argmax())
            chart(
                classes_before_and_now(names, before.tolist(), now.tolist(), theme=frame.theme()),
                key="training_classes",
                says=f"{self.now}, {names[first]} has {unbroken(percent(float(now[first])))}; before, "
                f"{unbroken(percent(float(before[first])))}.",
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
        if self.result.stages[0] in frozen_stages(self.result):
            st.markdown(
                f":material/ac_unit: The stage {frame.plain(self.result.stages[0])} was frozen: its kernels are the "
                "pretrained ones, to the bit."
            )
            return
        now = self._at(self.epoch).specimen
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

    def _at(self, epoch: int) -> Selection:
        """The picture with the network after ``epoch``."""
        is_result = epoch == self.result.best_epoch
        network = self.network if is_result else epoch_networks.at_epoch(self.network, epoch)
        return dataclasses.replace(self.selection, network=network)


def _moved(change: StageChange) -> str:
    if change.relative_change == 0:
        return "unchanged" if change.identical else "statistics moved"
    moved = 100 * change.relative_change
    return f"moved {moved:.0f} %" if moved >= 10 else f"moved {moved:.2g} %"


def _about(change: StageChange, epoch: int) -> str:
    if epoch == 0:
        return "this is where training began; pull the slider to the right to see it move."
    if change.identical:
        return f"after epoch {epoch}, every parameter and buffer is bit for bit what it was before."
    if change.relative_change == 0:
        return f"after epoch {epoch}, its weights are the same; BatchNorm's statistics have moved."
    return f"after epoch {epoch}, its weights have moved by {100 * change.relative_change:.2g} % of their length."


def _show(pixels: NDArray[np.uint8], title: str, *, sharp: bool = False) -> None:
    from core.interpretation import rendering

    with st.container(gap="xxsmall"):
        encoded = rendering.encode(pixels, quality=None if sharp else 90)
        encoded_picture.draw(encoded, width="stretch", alt=title)
        st.caption(title)
