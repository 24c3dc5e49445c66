"""The room of methods: a map, an experiment from its table, a run of one's own; all of it a link."""

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import streamlit_app
from core.runs import service
from core.runs.kinds.technique import ExperimentShown
from core.techniques import catalogue, measured
from core.words import about
from widgets.techniques import settings

PAGE = str(Path(streamlit_app.__file__).parent / "pages" / "techniques.py")
QUICK = "zero-shot"


def _open(**query: str) -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in query.items():
        page.query_params[name] = value
    return page


def _named(page: AppTest) -> str:
    """The run that the page's address names."""
    named = page.query_params["run"]
    return named if isinstance(named, str) else named[0]


def _words(page: AppTest) -> str:
    kinds = (page.markdown, page.caption, page.title, page.error, page.warning, page.info, page.success)
    return "\n".join(one.value for kind in kinds for one in kind)


def test_the_map_leads_to_every_experiment_and_back() -> None:
    page = _open().run()
    assert not page.exception
    for name, technique in catalogue.techniques().items():
        assert page.button(key=f"technique_{name}").label == technique.title
        found = measured.measured(name)
        assert found is not None
        assert any(f":material/timer: {about(found.seconds)}" in one.value for one in page.caption)
    page.button(key=f"technique_{QUICK}").click().run()
    assert not page.exception
    assert page.query_params["technique"] in (QUICK, [QUICK])
    assert page.title[0].value == catalogue.technique(QUICK).title
    page.button(key="technique_back").click().run()
    assert page.title[0].value == "Every method, running"


@pytest.mark.parametrize("name", catalogue.techniques())
def test_every_experiment_opens_with_its_question_and_what_was_measured(name: str) -> None:
    page = _open(technique=name).run()
    assert not page.exception
    assert not page.error
    words = _words(page)
    technique = catalogue.technique(name)
    assert technique.question in words
    assert all(arm.what in words for arm in technique.arms)
    assert measured.measured(name) is not None, f"run tools/measure_techniques.py {name}"
    assert "Measured beforehand" in words
    assert measured.measured(name).report.verdict.sentence in words


def test_wrong_links_are_one_sentence() -> None:
    page = _open(technique="telepathy").run()
    assert not page.exception
    assert "telepathy" in page.warning[0].value
    page = _open(technique=QUICK, seeds="1000").run()
    assert not page.exception
    assert "between 2 and 20" in page.error[0].value
    page.button(key="technique_usual").click().run()
    assert not page.error
    assert "seeds" not in page.query_params


def test_a_setting_stands_in_the_address_and_is_not_taken_for_measured() -> None:
    page = _open(technique=QUICK).run()
    page.number_input(key=settings._KEY.format("seeds")).set_value(3).run()
    assert page.query_params["seeds"] in ("3", ["3"])
    assert "Not measured with these settings yet" in _words(page)
    assert page.button(key="technique_start").label == "Run it now with 3 seeds"


def test_another_variant_has_settings_of_its_own_and_says_what_it_fetches() -> None:
    page = _open(technique=QUICK, unseen="4").run()
    page.button_group(key=settings._KEY.format("pictures")).set_value("animals").run()
    assert not page.exception
    assert page.query_params["pictures"] in ("animals", ["animals"])
    assert "unseen" not in page.query_params  # it counted digits
    assert page.number_input(key=settings._KEY.format("unseen")).value == 5
    words = _words(page)
    assert "17 animals" in words
    assert "CIFAR-100 (169 MB" in words
    assert "Not measured with these settings yet" in words
    page.button_group(key=settings._KEY.format("pictures")).set_value("digits").run()
    assert "pictures" not in page.query_params
    assert "Measured beforehand" in _words(page)


def test_a_variant_that_is_none_is_one_sentence() -> None:
    page = _open(technique=QUICK, pictures="cats").run()
    assert not page.exception
    assert "pictures must be one of digits, animals" in page.error[0].value
    page.button(key="technique_usual").click().run()
    assert not page.error


def test_a_run_of_ones_own_ends_in_a_verdict_and_goes_back() -> None:
    page = _open(technique=QUICK, seeds="2").run()
    page.button(key="technique_start").click().run()
    assert not page.exception
    run = _named(page)  # it has an address
    assert service.run(run).spec.config.settings.seeds == 2
    end = time.monotonic() + 120
    while service.run(run).active:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert (service.run(run).state, service.run(run).error) == ("finished", None)
    page.run()
    words = _words(page)
    assert "**Measured** in " in words
    shown = service.shown(run)
    assert isinstance(shown, ExperimentShown)
    assert shown.report.verdict.sentence in words
    seeds = page.number_input(key=settings._KEY.format("seeds"))
    seeds.set_value(4).run()
    words = _words(page)
    assert "**Measured** in " not in words  # that was with two seeds
    assert "Not measured with these settings yet" in words
    page.query_params["seeds"], page.query_params["run"] = "2", run
    page.run()
    assert "**Measured** in " in _words(page)
    page.button(key="technique_shipped").click().run()
    assert "Measured beforehand" in _words(page)
