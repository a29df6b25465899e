"""What the training page tells of settings."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from conch.config import load_train
from conch.core.errors import ModelError
from conch.webui.pages import train


def test_the_command_and_the_file_wait_for_no_estimate(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first estimate of all takes the seconds that torch is imported in."""

    def estimate(_: object) -> str:
        raise ModelError("models.bad_adapter", folder="here", reason="it is asked for")

    monkeypatch.setattr(train, "_estimate", estimate)
    told = train._judged(json.dumps({"model_name_or_path": "conch/tiny", "dataset": str(rows)}))
    _, command, file, blame = next(told)
    assert "model_name_or_path=conch/tiny" in command
    assert "model_name_or_path: conch/tiny" in file
    assert json.loads(blame) == {}
    with pytest.raises(ModelError):
        next(told)


def test_settings_that_are_no_config_are_told_at_once() -> None:
    ((estimate, _, _, blame),) = train._judged(json.dumps({"learning_rate": "fast"}))
    assert "learning_rate" in estimate
    assert list(json.loads(blame)) == ["learning_rate"]


def test_the_plan_is_made_anew_once_a_file_of_data_is_another(
    rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("conch.training.plan.make_plan", lambda config: asked.append(config) or len(asked))
    config = load_train(values={"model_name_or_path": "conch/tiny", "dataset": str(rows)}).config
    train._planned.cache_clear()
    assert [train._plan(config), train._plan(config)] == [1, 1]
    os.utime(rows, ns=(1, 1))
    assert train._plan(config) == 2
    train._planned.cache_clear()
