"""The wizard in a real browser: describe a task, read the advice, carry it to the fine-tune page."""

import re

from playwright.sync_api import Page, expect

from core.backbones import catalogue

STAGES = catalogue.entry(catalogue.DEFAULT).depth


def test_words_become_advice_and_the_advice_becomes_settings(tab: Page, address: str) -> None:
    tab.goto(f"{address}/advise?images=20&classes=2&similar=different&differ=objects&made=scan")
    strip = tab.locator(".st-key-advise_strip")
    expect(strip.locator(".stage").first).to_be_visible()
    frozen = strip.locator(".stage[data-state=ice]").count()
    expect(tab.locator(".st-key-advise_where .main-svg").first).to_be_visible()
    tab.locator(".st-key-advise_finetune button").click()
    launch = tab.locator(".st-key-launch")
    expect(launch).to_be_visible()
    said = {0: "Full fine-tuning", STAGES: "Linear probe"}.get(frozen, f"{frozen} of {STAGES} stages frozen")
    expect(launch).to_contain_text(said)
    expect(tab).to_have_url(re.compile(r"/finetune"))


def test_the_advice_for_pictures_takes_them_along(tab: Page, address: str) -> None:
    tab.goto(f"{address}/advise?way=pictures&data=lfw-faces&pictures=10")
    strip = tab.locator(".st-key-advise_strip")
    expect(strip.locator(".stage").first).to_be_visible()
    frozen = strip.locator(".stage[data-state=ice]").count()
    tab.locator(".st-key-advise_finetune button").click()
    expect(tab).to_have_url(re.compile(r"/finetune"))
    launch = tab.locator(".st-key-launch")
    said = {0: "Full fine-tuning", STAGES: "Linear probe"}.get(frozen, f"{frozen} of {STAGES} stages frozen")
    expect(launch).to_contain_text(said)
    expect(launch).to_contain_text("Face or no face")
    expect(tab.locator(".st-key-per_class_given button[aria-checked=true]")).to_have_text("10")
