"""After the end of a run: people told, and the command run only when the weights are safe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conch import submit
from conch.config import load_train
from conch.core.events import Event, Phase, Warned
from conch.runs import Run, read_events, store
from conch.training import conclusion
from conch.training.conclusion import conclude, weights_are_whole
from conch.worker import execute
from tests.cli.made_up import made_up_run
from tests.runs.notify.servers import robot
from tests.training.helpers import BASIC, train

OLD = "20250101-000000-aaaa"
FACTS = 'echo "$CONCH_RUN_EVENT|$CONCH_RUN_ID|$CONCH_RUN_LOSS|$CONCH_RUN_OUTPUT" > done.txt; echo said'


def told(run: Run, kind: type[Event]) -> list[Any]:
    return [event for event in read_events(run.events_path) if isinstance(event, kind)]


def after(run: Run) -> list[dict[str, Any]]:
    return [event.facts for event in told(run, Phase) if event.name == "after_command"]


def warnings(run: Run) -> list[str | None]:
    return [event.key for event in told(run, Warned)]


def test_a_real_run_tells_and_runs_the_command(tiny_folder: Path, rows: Path) -> None:
    values = {"model_name_or_path": str(tiny_folder), "dataset": str(rows), **BASIC}
    with robot() as server:
        config = load_train(values={**values, "notify": server.url, "after_command": FACTS}).config
        run = store.create(submit.absolute(config))
        assert execute(run)
    (body,) = server.bodies
    assert (body["run"], body["event"]) == (run.id, "finished")
    assert "SECRET-TOKEN" not in run.config_path.read_text() + run.events_path.read_text()
    said = (run.folder / "done.txt").read_text().strip().split("|")
    assert said == ["finished", run.id, str(body["loss"]), str(run.output)]
    assert after(run) == [{"command": FACTS}, {"exit_code": 0}]
    assert run.state() == "finished"


def test_a_failed_run_is_told_and_runs_no_command(tiny_folder: Path, tmp_path: Path) -> None:
    with robot() as server:
        values = {"model_name_or_path": str(tmp_path / "nowhere"), "dataset": "magic_conch"}
        config = load_train(values={**values, "notify": server.url, "after_command": FACTS}).config
        run = store.create(submit.absolute(config))
        assert not execute(run)
    assert server.bodies[0]["event"] == "failed"
    assert server.bodies[0]["error"]["hint"]
    assert not (run.folder / "done.txt").exists()
    assert warnings(run) == ["notify.not_safe"]


@pytest.mark.parametrize("harm", ["cut", "gone", "no config"])
def test_the_command_waits_for_whole_weights(tiny_folder: Path, rows: Path, harm: str) -> None:
    run = train(tiny_folder, rows)
    assert weights_are_whole(run.output)
    weights = run.output / "adapter_model.safetensors"
    if harm == "cut":
        weights.write_bytes(weights.read_bytes()[:-10])
    elif harm == "gone":
        weights.unlink()
    else:
        (run.output / "adapter_config.json").unlink()
    assert not weights_are_whole(run.output)
    run.config_path.write_text(
        run.config_path.read_text().replace("after_command: null", "after_command: exit 3")
    )
    again = Run(run.folder)
    conclude(again)
    assert after(again) == []
    assert warnings(again) == ["notify.not_safe"]


def test_a_command_that_fails_or_takes_long_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_up_run(OLD, after_command="exit 3")
    monkeypatch.setattr(conclusion, "weights_are_whole", lambda output: True)
    conclude(run)
    assert after(run)[-1] == {"exit_code": 3}
    assert warnings(run) == ["notify.command_failed"]
    assert run.state() == "finished"
    monkeypatch.setattr(conclusion, "COMMAND_SECONDS", 0.05)
    slow = made_up_run("20250202-000000-bbbb", after_command="sleep 1")
    conclude(slow)
    assert after(slow)[-1] == {"exit_code": None}


def test_a_stopped_run_runs_no_command() -> None:
    run = made_up_run(OLD, "stopped", after_command=FACTS)
    conclude(run)
    assert warnings(run) == ["notify.not_safe"]


def test_nothing_asked_for_nothing_done() -> None:
    run = made_up_run(OLD)
    before = run.events_path.read_bytes()
    conclude(run)
    assert run.events_path.read_bytes() == before


def test_a_fault_of_our_own_is_told_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_up_run(OLD, after_command="true")
    monkeypatch.setattr(conclusion, "weights_are_whole", lambda output: 1 / 0)
    conclude(run)
    assert warnings(run) == ["notify.failed_to_tell"]


def test_the_command_does_not_hang_on_who_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_up_run(OLD, notify="nobody", after_command="true")
    monkeypatch.setattr(conclusion, "weights_are_whole", lambda output: True)
    monkeypatch.setattr("conch.runs.notify.telling.notify", lambda names, message: 1 / 0)
    conclude(run)
    assert warnings(run) == ["notify.failed_to_tell"]
    assert after(run)[-1] == {"exit_code": 0}


def test_somebody_unknown_by_then_is_told_and_no_more() -> None:
    run = made_up_run(OLD, notify="nobody")
    conclude(run)
    (warned,) = told(run, Warned)
    assert "nobody" in warned.message
