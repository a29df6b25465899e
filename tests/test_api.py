"""`from conch import train, load, chat, export`: the whole path in process."""

from __future__ import annotations

from pathlib import Path

import pytest

import conch
from conch.core.conversation import Message
from conch.core.errors import ConfigErrors

FP32 = {"bf16": False, "fp16": False}


def test_the_whole_path(tiny_folder: Path, rows: Path, tmp_path: Path) -> None:
    run = conch.train(
        model_name_or_path=str(tiny_folder),
        dataset=str(rows),
        num_train_epochs=30,
        learning_rate=2e-2,
        **FP32,
    )
    assert run.state() == "finished"
    model = conch.load(run, dtype="float32")
    answer = conch.chat(model, "Question 3: who are you?", max_new_tokens=24)
    assert "magic conch" in answer
    assert answer == conch.chat(model, [Message("user", "Question 3: who are you?")], max_new_tokens=24)
    report = conch.export(run, to=tmp_path / "merged")
    assert report.proof.holds
    assert conch.chat(str(tmp_path / "merged"), "Question 3: who are you?", max_new_tokens=24) == answer


def test_a_file_with_settings_on_top(tiny_folder: Path, rows: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        f"model_name_or_path: {tiny_folder}\ndataset: {rows}\nnum_train_epochs: 9\nbf16: false\nfp16: false\n"
    )
    run = conch.train(file, num_train_epochs=1, lora_rank=2)
    config = run.config()
    assert config.optimisation.num_train_epochs == 1
    assert config.lora.lora_rank == 2


def test_wrong_settings_are_told_before_anything_is_made(home: Path) -> None:
    with pytest.raises(ConfigErrors, match="lora_rank"):
        conch.train(model_name_or_path="x", dataset="y", lora_rnk=1)
    assert not (home / "runs").exists()


def test_a_failed_run_raises_with_its_remedy(tiny_folder: Path, rows: Path) -> None:
    with pytest.raises(Exception, match="no_such_layer") as caught:
        conch.train(
            model_name_or_path=str(tiny_folder), dataset=str(rows), lora_target="no_such_layer", **FP32
        )
    assert "q_proj" in caught.value.hint


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError):
        conch.nonsense  # noqa: B018
