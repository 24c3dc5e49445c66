"""Visitors who look at the same thing share one computation, and nobody's long one holds up another's click."""

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from streamlit import runtime
from streamlit.testing.v1 import AppTest

from core.images import samples
from core.interpretation import attribution, channel, specimen
from tests.pages.test_layers import _open
from widgets import encoded_picture, turns
from widgets.layers import answers, picture_choice
from widgets.layers import channels as channels_page
from widgets.layers.selection import Selection
from widgets.specimens import NetworkKey

VISITORS = 8


NETWORK = NetworkKey(name="tiny_resnet18")


def _selection(picture: str, seed: str) -> Selection:
    """A sample picture that nobody but ``seed`` has asked about."""
    chosen = picture_choice.sample(picture)
    return Selection(
        picture=dataclasses.replace(chosen, sha256=f"{seed} {picture}"), network=NETWORK, side=64
    )


def _counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[int]:
    """Count the calls of a function that goes on working."""
    real, calls = getattr(module, name), []

    def counting(*given: Any, **named: Any) -> Any:
        calls.append(threading.get_ident())
        return real(*given, **named)

    monkeypatch.setattr(module, name, counting)
    return calls


def _all_at_once(ask: Callable[[], Any]) -> list[Any]:
    gate = threading.Barrier(VISITORS)

    def one(_: int) -> Any:
        gate.wait()
        return ask()

    with ThreadPoolExecutor(VISITORS) as pool:
        return list(pool.map(one, range(VISITORS)))


def test_visitors_at_the_same_stage_of_the_same_picture_cost_one_forward_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = _counted(monkeypatch, specimen, "activations")
    first, second = (_selection(name, "pass") for name in list(samples.SAMPLES)[:2])
    maps = _all_at_once(lambda: answers.maps(first, "layer2"))
    assert len(calls) == 1
    for one in maps:
        np.testing.assert_array_equal(one, maps[0])
    _all_at_once(lambda: answers.maps(second, "layer2"))
    assert len(calls) == 2  # another picture is another pass


def test_visitors_who_ask_for_the_same_explanation_cost_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drivers = _counted(monkeypatch, channel, "drivers")
    attributed = _counted(monkeypatch, attribution, "attribute")
    selection = _selection(next(iter(samples.SAMPLES)), "explanation")
    question = answers.Question(method="integrated_gradients", target=5, stage=None)
    _all_at_once(lambda: channels_page._drivers(selection, "layer2", 3))
    _all_at_once(lambda: answers.attribution(selection, question))
    assert (len(drivers), len(attributed)) == (1, 1)


def test_a_long_measurement_of_one_visitor_holds_up_no_click_of_another() -> None:
    channels_page._drivers.clear()
    page = _open(view="channels", stage="layer1", channel="7")
    with turns.long_turn():  # somebody watches a picture take form
        page.run(timeout=60)
    assert not page.exception


def test_a_picture_is_not_encoded_again_to_be_shown() -> None:
    page = AppTest.from_function(_one_picture).run()
    shown = next(iter(page.main.children.values())).proto.imgs[0].url  # type: ignore[union-attr]
    assert shown.startswith("data:image/webp;base64,UklGR")


def _one_picture() -> None:
    import numpy as np

    from core.interpretation import rendering
    from widgets import encoded_picture

    encoded_picture.draw(rendering.encode(np.zeros((8, 8, 3), dtype=np.uint8)), alt="Black")


def test_without_a_server_a_picture_stands_in_the_page_itself() -> None:
    assert not runtime.exists()
    assert encoded_picture.address(b"\xff\xd8 a JPEG", "key").startswith("data:image/jpeg;base64,")
