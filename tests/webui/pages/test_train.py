"""What the training page tells of settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
