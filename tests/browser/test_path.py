"""From settings to a trained model in the browser: started once, through refresh, restart and stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conch.runs import Run
from tests.browser.conftest import visitor
from tests.browser.studio import Studio, run_ids, start_studio, stop, wait_for
from tests.tiny import write_rows

MODEL = "conch/tiny"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.json", 40)


def fill(page: Any, key: str, value: str) -> None:
    page.fill(f"#train-form .simple [data-field={key}]", value)


def ask_for(page: Any, studio: Studio, rows: Path, *, name: str, epochs: int) -> None:
    """The form of a small training, filled in and judged."""
    page.goto(studio.at("train"))
    page.wait_for_selector("#train-form .few")
    fill(page, "model_name_or_path", MODEL)
    fill(page, "dataset", str(rows))
    fill(page, "num_train_epochs", str(epochs))
    fill(page, "per_device_train_batch_size", "2")
    fill(page, "run_name", name)
    page.click("button:has-text('The same in the shell')")
    page.wait_for_selector(f"#train-command:has-text('run_name={name}')")


def started(page: Any, studio: Studio, before: list[str]) -> str:
    page.wait_for_selector("#run-detail h2", timeout=60_000)
    (made,) = set(run_ids(studio.home)) - set(before)
    assert f"run={made}" in page.url
    return made


def tab_to(page: Any, selector: str, most: int = 120) -> None:
    """The key Tab, until what is meant has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("what => document.activeElement.matches(what)", selector):
            return
    raise AssertionError(f"{selector} is not reached")


def test_a_training_by_the_keyboard_alone(page: Any, studio: Studio, rows: Path) -> None:
    """To the page, through the form, started, and from the run's page on to a chat with what it made."""
    before = list(run_ids(studio.home))
    page.goto(studio.at("models"))
    page.wait_for_selector("#models-list table")
    tab_to(page, "#nav-train")
    page.keyboard.press("Enter")
    page.wait_for_selector("#train-form .few")
    asked = {"model_name_or_path": MODEL, "dataset": str(rows), "num_train_epochs": "1", "run_name": "typed"}
    for key, value in asked.items():
        tab_to(page, f"#train-form .simple [data-field={key}]")
        page.keyboard.press("Control+A")
        page.keyboard.type(value)
    tab_to(page, "#train-start")
    page.keyboard.press("Enter")
    started(page, studio, before)
    page.wait_for_selector("#run-detail .tag:has-text('finished')", timeout=120_000)
    lead = "#run-detail [data-page=chat]"
    page.wait_for_selector(lead)
    tab_to(page, lead)
    page.keyboard.press("Enter")
    page.wait_for_selector("#page-chat", state="visible")


def test_a_training_from_settings_to_its_curve(page: Any, studio: Studio, rows: Path, picture: Any) -> None:
    before = list(run_ids(studio.home))
    ask_for(page, studio, rows, name="first", epochs=2)
    page.wait_for_selector("#train-estimate .facts", timeout=60_000)
    picture(page, "train-estimate")
    page.dblclick("#train-start")
    made = started(page, studio, before)
    page.wait_for_selector("#run-detail .tag:has-text('finished')", timeout=120_000)
    assert len(run_ids(studio.home)) == len(before) + 1, "a double click starts once"
    run = Run(studio.home / "runs" / made)
    assert run.flat_config()["learning_rate"] == 0.0002
    page.wait_for_selector("#chart-loss canvas")
    page.wait_for_selector("#run-checkpoints table")
    picture(page, "run-finished")
    page.get_by_role("tab", name="Log").click()
    page.wait_for_selector("#run-log pre")
    page.get_by_role("tab", name="Settings").click()
    page.wait_for_selector("#run-config:has-text('per_device_train_batch_size: 2')")
    page.click("#run-detail [data-do=fix][data-key='']")
    page.wait_for_selector("#page-train", state="visible")
    assert page.input_value("#train-form .simple [data-field=learning_rate]") == "0.0002"
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(studio.at("runs", run=made))
    page.click("#run-detail [data-do=remove]")
    page.wait_for_selector("#runs-list", state="visible")
    page.wait_for_function("!new URL(location).searchParams.get('run')")
    assert made not in run_ids(studio.home)


def test_a_training_outlives_refresh_and_server_and_is_seen_by_two(
    browser: Any, studio: Studio, rows: Path
) -> None:
    """The one that starts it leaves; others find it running at the same address and stop it."""
    before = list(run_ids(studio.home))
    with start_studio(studio.home) as first, visitor(browser, first) as page:
        ask_for(page, first, rows, name="long", epochs=40_000)  # it ends only when it is told to
        page.click("#train-start")
        made = started(page, first, before)
        run = Run(studio.home / "runs" / made)
        wait_for(lambda: run.brief()["progress"]["step"] > 3, what="steps")
        page.reload()
        page.wait_for_selector("#run-detail .tag:has-text('running')")
        stop(first.process)
    assert run.state() == "running", "the studio has ended, the run has not"
    with (
        start_studio(studio.home) as again,
        visitor(browser, again) as page,
        visitor(browser, again) as other,
    ):
        for each in (page, other):
            each.goto(again.at("runs", run=made))
            each.wait_for_selector("#run-detail .tag:has-text('running')")
            each.wait_for_selector("#chart-loss canvas")
        page.click("#run-detail [data-do=save]")
        wait_for(run.checkpoints, what="a checkpoint")
        page.click("#run-detail [data-do=stop]")
        for each in (page, other):
            each.wait_for_selector("#run-detail .tag:has-text('stopped')", timeout=60_000)
        other.wait_for_selector("#run-detail [data-do=resume]")


def test_what_stands_in_the_way_is_named(page: Any, studio: Studio) -> None:
    page.goto(studio.at("train"))
    page.wait_for_selector("#train-form .few")
    page.wait_for_selector("#train-estimate:has-text('Choose a model.')")
    fill(page, "learning_rate", "fast")
    page.wait_for_selector("#train-form .is-wrong[data-key=learning_rate]")
    before = run_ids(studio.home)
    page.click("#train-start")
    page.wait_for_selector("text=learning_rate")
    assert run_ids(studio.home) == before


def test_every_key_can_be_found_and_changed_ones_are_marked(page: Any, studio: Studio, picture: Any) -> None:
    page.goto(studio.at("train"))
    page.click("#train-form .view >> nth=1")
    page.fill("#train-form .find", "lora_rank")
    page.fill("#train-form .full [data-field=lora_rank]", "16")
    page.wait_for_selector("#train-form .is-changed[data-key=lora_rank]")
    page.click("button:has-text('The same in the shell')")
    page.wait_for_selector("#train-command:has-text('lora_rank=16')")
    picture(page, "train-complete")
    page.click("#language")
    page.wait_for_selector("#nav-models:has-text('模型')")
    page.wait_for_selector("#train-form .view:has-text('全部设置')")
    assert page.input_value("#train-form .full [data-field=lora_rank]") == "16"


def test_settings_are_loaded_from_the_same_file_as_the_shell_takes(
    page: Any, studio: Studio, rows: Path, tmp_path: Path
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(f"model_name_or_path: {MODEL}\ndataset: {rows}\nlora_rank: 4\n", encoding="utf-8")
    page.goto(studio.at("train"))
    page.wait_for_selector("#train-form .few")
    page.click("button:has-text('Settings as a file')")
    page.set_input_files("#train-load input[type=file], input[accept*='.yaml']", str(file))
    page.wait_for_function('window.conch.settings().includes(\'"lora_rank":"4"\')')
    page.wait_for_selector("#train-yaml:has-text('lora_rank: 4')")


def test_a_model_and_a_dataset_lead_to_the_form(page: Any, studio: Studio) -> None:
    page.goto(studio.at("models"))
    page.click("#models-list [data-do=use]")
    page.wait_for_selector("#page-train", state="visible")
    page.wait_for_function(f"window.conch.settings?.().includes('{MODEL}')")
    page.click("#nav-data")
    page.click("#data-list [data-do=use][data-key=magic_conch]")
    page.wait_for_selector("#page-train", state="visible")
    page.wait_for_selector("#train-estimate .facts", timeout=60_000)
    assert page.input_value("#train-form .simple [data-field=dataset]") == "magic_conch"
    assert page.input_value("#train-form .simple [data-field=learning_rate]") == "0.0002"


def test_a_press_counts_though_the_page_is_drawn_anew_below_it(page: Any, studio: Studio) -> None:
    page.goto(studio.at("models"))
    there = page.locator("#models-list [data-do=use]").first.bounding_box()
    page.mouse.move(there["x"] + 5, there["y"] + 5)
    page.mouse.down()
    page.evaluate(
        """() => {
            const area = document.querySelector("#models-list [data-do=use]").parentElement;
            area.innerHTML = area.innerHTML + "";
        }"""
    )
    page.mouse.up()
    page.wait_for_selector("#page-train", state="visible")


def test_a_press_counts_while_the_answer_to_another_is_on_its_way(
    page: Any, studio: Studio, rows: Path
) -> None:
    before = list(run_ids(studio.home))
    ask_for(page, studio, rows, name="pressed", epochs=40_000)
    page.click("#train-start")
    run = Run(studio.home / "runs" / started(page, studio, before))
    wait_for(lambda: run.brief()["progress"]["step"] > 3, what="steps")
    page.wait_for_selector("#run-detail [data-do=save]")
    page.evaluate(
        """() => {
            const press = (what) => document.querySelector(`#run-detail [data-do=${what}]`).click();
            ["save", "stop"].forEach(press);
        }"""
    )
    wait_for(lambda: run.state() == "stopped", what="a stopped run")
