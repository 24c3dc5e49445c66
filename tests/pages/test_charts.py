"""Every chart comes through one door: with its words, and its numbers one click away that cost nothing before."""

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

PROJECT = Path(__file__).resolve().parents[2]
OTHERS = {"plotly_chart", "altair_chart", "vega_lite_chart", "line_chart", "bar_chart", "area_chart"}
OTHERS |= {"scatter_chart", "pyplot", "echarts_chart", "pydeck_chart", "graphviz_chart", "bokeh_chart", "map"}


def test_no_page_draws_a_chart_by_another_door() -> None:
    found = {
        f"{path.relative_to(PROJECT)}:{node.attr}"
        for folder in ("widgets", "pages")
        for path in (PROJECT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in OTHERS
    }
    assert found == {"widgets/chart.py:plotly_chart"}


def _page() -> None:
    import streamlit as st

    from core.figures.learning_curves import LearningCurves, learning_curves
    from widgets.chart import chart

    run = LearningCurves(epochs=3, train_accuracy=[0.5, 0.6], validation_accuracy=[0.4, 0.5])
    drawn = learning_curves(run, panel="accuracy")
    chart(drawn, key="one", says="It *rises* to $50$ %.", said=bool(st.session_state.get("said")))


def test_a_chart_has_its_sentence_as_its_name_and_beside_it() -> None:
    page = AppTest.from_function(_page).run()
    assert not page.exception
    assert page.get("plotly_chart")[0].proto.alt == "It *rises* to $50$ %."
    assert [one.value for one in page.caption] == ["It \\*rises\\* to \\$50\\$ %\\."]
    page.session_state["said"] = True
    assert not page.run().caption
    assert page.get("plotly_chart")[0].proto.alt == "It *rises* to $50$ %."


def test_the_numbers_are_read_when_somebody_opens_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.figures import table

    read = []
    tables = table.tables
    monkeypatch.setattr(table, "tables", lambda figure: read.append(figure) or tables(figure))
    page = AppTest.from_function(_page).run()
    assert not read
    assert not page.dataframe
    page.session_state["numbers_one"] = True
    page.run()
    assert not page.exception
    shown = page.dataframe[0].value
    assert list(shown.columns) == ["Epoch", "Training", "Validation"]
    assert shown["Validation"].tolist() == [40, 50]
    page.run()
    assert len(page.dataframe) == 1, "open it stays, tick by tick"
