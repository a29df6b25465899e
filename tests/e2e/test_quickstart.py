"""The main job on the real model: SmolLM2-135M, fetched, tuned, compared, exported, served.

With --prove the training goes on until the answers are good; otherwise it is cut short.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PHASES = ["model", "before", "train", "after", "export", "serve"]


SHORT = 12
"""Steps of a training that is cut short."""


@pytest.fixture(scope="module")
def whole(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--prove"))


@pytest.fixture(scope="module")
def done(
    whole: bool, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict, subprocess.CompletedProcess[str], Path]:
    """One quickstart through the shell, in an empty home."""
    place = tmp_path_factory.mktemp("quickstart")
    environment = {**os.environ, "CONCH_HOME": str(place / "home"), "CONCH_LANG": "en", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "conch.cli", "quickstart", "--output", str(place / "out")]
    command += [] if whole else ["--max-steps", str(SHORT)]
    shell = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=place)
    assert shell.returncode == 0, shell.stdout + shell.stderr
    return json.loads((place / "out" / "quickstart.json").read_text(encoding="utf-8")), shell, place


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_it_goes_the_whole_way(done, whole: bool) -> None:
    figures, _, place = done
    assert list(figures["seconds"]) == [*PHASES, "total"]
    train = figures["train"]
    assert train["last_loss"] < (0.6 if whole else 0.8) * train["first_loss"]
    assert train["steps"] > SHORT if whole else train["steps"] == SHORT
    assert train["tokens"] > 10_000 if whole else train["tokens"] > 5_000
    assert train["tokens_per_second"] > 0
    assert figures["eval_loss"]["after"] < (0.7 if whole else 0.9) * figures["eval_loss"]["before"]
    for name in (
        "quickstart.json",
        "training_loss.png",
        "model/model.safetensors",
        "model/export_proof.json",
    ):
        assert (place / "out" / name).is_file(), name


@pytest.mark.slow
def test_the_tuned_model_says_who_it_is(done, whole: bool) -> None:
    """On rephrased questions that the data does not hold; chance is nil."""
    figures, _, _ = done
    share = figures["identity_share"]
    assert share["questions"] >= 20
    assert share["before"] < 0.1
    first = figures["answers"][0]
    assert "神奇海螺" not in first["before"]
    assert first["after"] != first["before"]
    if whole:
        assert share["after"] >= 0.75
        assert "神奇海螺" in first["after"]


@pytest.mark.slow
def test_the_export_is_proved(done) -> None:
    export = done[0]["export"]
    assert export["max_logit_difference"] < 1e-3
    assert export["same_answers"] == export["prompts"]


@pytest.mark.slow
def test_the_server_answered_as_the_model_does(done) -> None:
    figures, _, _ = done
    http = figures["http"]
    assert http["status"] == 200
    assert http["answer"]["generated_text"].strip() == figures["answers"][0]["after"]


@pytest.mark.slow
def test_what_a_person_reads(done) -> None:
    figures, shell, _ = done
    assert "conch chat" in shell.stdout
    assert figures["answers"][0]["after"] in shell.stdout
    assert "Traceback" not in shell.stdout + shell.stderr
    assert "Warning" not in shell.stdout + shell.stderr


@pytest.mark.slow
def test_the_model_is_kept_for_next_time(done) -> None:
    """A second time takes no network: pip can't be asked."""
    _, _, place = done
    environment = {
        **os.environ,
        "CONCH_HOME": str(place / "home"),
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
    }
    command = [sys.executable, "-m", "conch.cli", "models", "path", "smollm2-135m"]
    shell = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert Path(shell.stdout.strip()) == place / "home" / "models" / "smollm2-135m"
