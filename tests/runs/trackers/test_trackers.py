"""Trackers are fed from the events, by processes of their own, and can't disturb a run."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conch.config import load_train
from conch.config.trackers import TrackersConfig
from conch.core.events import Event, Finished, Metrics, Warned
from conch.runs import Run, read_events, trackers
from conch.runs.trackers.feeding import NAMES, feed
from conch.runs.trackers.launch import ALL, wanted
from conch.runs.trackers.tracker import settings_of
from tests.cli.made_up import made_up_run
from tests.runs.helpers import PATIENCE
from tests.runs.trackers.fakes import SOURCES, calls, install
from tests.training.helpers import same, train, weights

OLD = "20250101-000000-aaaa"


def warnings(run: Run) -> list[Warned]:
    return [event for event in read_events(run.events_path) if isinstance(event, Warned)]


@pytest.fixture
def library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Path]:
    """The calls of the fake library that the test names; importable here and in processes started here."""
    folder = tmp_path / "libraries"
    told = install(folder, request.param)
    monkeypatch.syspath_prepend(str(folder))
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    monkeypatch.setenv("PYTHONPATH", path)
    for name in (request.param, f"{request.param}.summary"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield told
    for name in (request.param, f"{request.param}.summary"):
        sys.modules.pop(name, None)


each = pytest.mark.parametrize("library", list(ALL), indirect=True)


def steps(told: list[list[Any]]) -> list[tuple[int, dict[str, float]]]:
    """(step, values) of every figure that a fake was given, in one form."""
    found: list[tuple[int, dict[str, float]]] = []
    for word, *words in told:
        if word in {"log", "log_metrics"}:
            found.append((words[-1]["step"], words[0]))
        elif word == "add_scalar":
            found.append((words[2], {words[0]: words[1]}))
    return found


@each
def test_every_figure_arrives_at_its_step(library: Path) -> None:
    name = library.parent.name
    run = made_up_run(OLD, run_name="burger", project="shop")
    assert feed(run, name)
    told = steps(calls(library))
    assert [(step, v["train/loss"]) for step, v in told if "train/loss" in v] == [
        (1, 4.0),
        (2, 3.0),
        (3, 2.5),
        (4, 2.25),
    ]
    assert [(step, v["eval/loss"]) for step, v in told if "eval/loss" in v] == [(4, 2.125)]
    assert warnings(run) == []


@each
def test_the_run_is_named_and_closed(library: Path) -> None:
    name = library.parent.name
    assert feed(made_up_run(OLD, "failed", run_name="burger", project="shop"), name)
    told = calls(library)
    whole = str(told)
    if name != "tensorboard":
        assert "shop" in whole
        assert "burger" in whole
        assert "learning_rate" in whole, "the config goes along"
    closing = {
        "tensorboard": ["close", {}],
        "wandb": ["finish", {"exit_code": 1}],
        "swanlab": ["finish", "crashed", {}],
        "mlflow": ["end_run", "FAILED", {}],
        "trackio": ["finish", {}],
    }
    assert told[-1] == closing[name]


@pytest.mark.parametrize("library", ["swanlab"], indirect=True)
def test_swanlabs_own_keys_are_handed_on(library: Path) -> None:
    own = {"swanlab_project": "p", "swanlab_workspace": "w", "swanlab_run_name": "r", "swanlab_mode": "local"}
    feed(made_up_run(OLD, **own, swanlab_logdir="/logs"), "swanlab")
    ((_, named),) = [call for call in calls(library) if call[0] == "init"]
    named.pop("config")
    assert named == {
        "project": "p",
        "workspace": "w",
        "experiment_name": "r",
        "mode": "local",
        "logdir": "/logs",
    }


@pytest.mark.parametrize("name", ALL)
def test_a_missing_library_is_one_warning(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, f"{name}.summary", None)
    run = made_up_run(OLD)
    assert not feed(run, name)
    (warned,) = warnings(run)
    assert warned.key == "trackers.missing"
    assert "conch[trackers]" in warned.message
    assert run.state() == "finished"


@pytest.mark.parametrize("library", ["wandb"], indirect=True)
def test_a_library_that_fails_is_one_warning(library: Path) -> None:
    (library.parent / "__init__.py").write_text("def init(**_):\n    raise RuntimeError('no key\\nmore')\n")
    run = made_up_run(OLD)
    assert not feed(run, "wandb")
    (warned,) = warnings(run)
    assert "RuntimeError: no key." in warned.message


def test_what_a_config_asks_for() -> None:
    def asks(**values: object) -> list[str]:
        return wanted(settings_of(values))

    assert asks() == asks(report_to=["none"]) == []
    assert asks(report_to=["wandb", "mlflow"], use_swanlab=True) == ["wandb", "mlflow", "swanlab"]
    assert asks(report_to=["all"]) == [name for name in ALL if importlib.util.find_spec(name)]
    assert settings_of({"report_to": "odd"}) == TrackersConfig()


def test_every_tracker_has_its_file_and_every_name_is_a_figure() -> None:
    assert set(SOURCES) == set(ALL)
    for name in ALL:
        assert importlib.util.find_spec(f"conch.runs.trackers.{name}")
    assert set(NAMES) <= set(Metrics.__dataclass_fields__)


def wait_for(run: Run, kind: type[Event], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not any(isinstance(event, kind) for event in read_events(run.events_path)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("library", ["wandb"], indirect=True)
def test_a_real_run_is_tracked_by_another_process_and_stays_the_same(
    library: Path, tiny_folder: Path, rows: Path
) -> None:
    plain = train(tiny_folder, rows)
    tracked = train(tiny_folder, rows, report_to="wandb")
    assert same(weights(plain.output), weights(tracked.output))
    deadline = time.monotonic() + PATIENCE
    while not (library.exists() and calls(library)[-1][0] == "finish"):
        assert time.monotonic() < deadline, (tracked.folder / "trackers" / "wandb.log").read_text()
        time.sleep(0.05)
    losses = {step: v["train/loss"] for step, v in steps(calls(library)) if "train/loss" in v}
    events = [e for e in read_events(tracked.events_path) if isinstance(e, Metrics) and e.loss is not None]
    assert losses == {event.step: event.loss for event in events}
    assert any(isinstance(event, Finished) for event in read_events(tracked.events_path))


def test_a_tracker_starts_where_the_attempt_does() -> None:
    run = made_up_run(OLD, report_to="tensorboard")
    started = trackers.start(run, offset=run.events_path.stat().st_size)
    assert len(started) == 1
    if importlib.util.find_spec("tensorboard") is None:
        wait_for(run, Warned)
    assert (run.folder / "trackers" / "tensorboard.log").is_file()


def test_one_that_cannot_be_started_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_up_run(OLD, report_to="wandb")
    (run.folder / "trackers").write_text("in the way")
    assert trackers.start(run, 0) == []
    assert [event.key for event in warnings(run)] == ["trackers.failed"]


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_the_real_tensorboard_reads_what_was_written() -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = made_up_run(OLD)
    assert feed(run, "tensorboard"), warnings(run)
    read = EventAccumulator(str(run.folder / "trackers" / "tensorboard"))
    read.Reload()
    assert [(e.step, round(float(e.tensor_proto.float_val[0]), 3)) for e in read.Tensors("train/loss")] == [
        (1, 4.0),
        (2, 3.0),
        (3, 2.5),
        (4, 2.25),
    ]


def test_no_secret_stands_in_what_trackers_are_told() -> None:
    config = load_train(
        values={"model_name_or_path": "m", "dataset": "d", "hf_hub_token": "hf_SECRET"}
    ).config
    assert "hf_SECRET" not in str(config.to_flat())
