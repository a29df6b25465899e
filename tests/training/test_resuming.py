"""What can't be gone on from is refused before the start, with the settings that differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conch.config import TrainConfig, load_train
from conch.core.errors import TrainingError
from conch.runs import Run, store
from conch.submit import absolute, check
from conch.training.resuming import asked_for
from tests.runs.stub.sitecustomize import checkpoint


def config(model: Path, rows: Path, **settings: Any) -> TrainConfig:
    values = {"model_name_or_path": str(model), "dataset": str(rows), **settings}
    return load_train(values=values).config


@pytest.fixture
def made(tiny_folder: Path, rows: Path) -> Run:
    """A run with a checkpoint."""
    run = store.create(absolute(config(tiny_folder, rows)))
    folder = checkpoint(run.output, 5)
    (folder / "adapter_config.json").write_text(json.dumps({"r": 8}))
    return run


def refused(config: TrainConfig) -> str:
    with pytest.raises(TrainingError) as error:
        check(config)
    assert error.value.key == "training.checkpoint_differs"
    assert "adapter_name_or_path" in error.value.hint
    return error.value.message


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"lora_rank": 4, "lora_alpha": 16}, ["lora_rank: 8 then, 4 now"]),
        ({"lora_target": "q_proj"}, ["lora_target", '["q_proj"] now']),
        ({"finetuning_type": "full"}, ['finetuning_type: "lora" then, "full" now']),
        ({"optim": "sgd"}, ['optim: "adamw_torch" then, "sgd" now']),
        ({"stage": "pt"}, ['stage: "sft" then, "pt" now']),
    ],
)
def test_settings_of_another_shape_are_refused(
    made: Run, tiny_folder: Path, rows: Path, settings: dict[str, Any], told: list[str]
) -> None:
    message = refused(
        config(tiny_folder, rows, resume_from_checkpoint=str(made.checkpoints()[0]), **settings)
    )
    for words in told:
        assert words in message
    assert "learning_rate" not in message


def test_what_changes_no_shape_is_accepted(made: Run, tiny_folder: Path, rows: Path) -> None:
    settings = {"learning_rate": 1e-5, "num_train_epochs": 9, "cutoff_len": 64}
    check(config(tiny_folder, rows, resume_from_checkpoint=str(made.checkpoints()[0]), **settings))


def test_the_newest_of_an_output_folder_is_looked_at(tiny_folder: Path, rows: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    again = {"output_dir": str(output), "resume_from_checkpoint": True}
    assert asked_for(config(tiny_folder, rows, **again), output) is None
    check(config(tiny_folder, rows, **again))
    folder = checkpoint(output, 5)
    (folder / "adapter_config.json").write_text(json.dumps({"r": 8}))
    assert asked_for(config(tiny_folder, rows, **again), output) == folder
    check(config(tiny_folder, rows, **again))
    assert "lora_rank: 8 then, 4 now" in refused(config(tiny_folder, rows, lora_rank=4, **again)), (
        "by itself, where no run is known"
    )


def test_a_checkpoint_that_tells_nothing_is_let_pass(tiny_folder: Path, rows: Path, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "out", 5)
    check(config(tiny_folder, rows, resume_from_checkpoint=str(folder), finetuning_type="full"))
    (folder / "adapter_config.json").write_text("{")
    check(config(tiny_folder, rows, resume_from_checkpoint=str(folder)))
