"""The dry run as a person reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import call


def dry(tiny_folder: Path, rows: Path, *words: str, language: str | None = None) -> str:
    given = ("train", f"model_name_or_path={tiny_folder}", f"dataset={rows}", *words, "--dry-run")
    return call(*given, language=language).out


def settings(out: str) -> dict[str, list[str]]:
    """Key to the words behind it."""
    lines = [line.split() for line in out.splitlines() if line.startswith("  ")]
    return {words[0]: words[1:] for words in lines}


def test_what_is_unset_or_has_no_part_in_it_is_left_out(tiny_folder: Path, rows: Path) -> None:
    out = dry(tiny_folder, rows)
    assert "null" not in out
    shown = settings(out)
    absent = ("cache_dir", "freeze_trainable_layers", "pissa_iter", "top_p", "swanlab_mode", "use_dora")
    assert [key for key in absent if key in shown] == []
    assert shown["num_train_epochs"] == ["3"]
    assert "--json" in out


def test_what_follows_from_other_settings_is_worked_out(tiny_folder: Path, rows: Path) -> None:
    shown = settings(dry(tiny_folder, rows, "lora_rank=12", "val_size=0.25"))
    assert shown["lora_alpha"] == ["24", "#", "twice", "lora_rank"]
    assert shown["eval_strategy"][0] == "epoch"
    assert settings(dry(tiny_folder, rows, "lora_alpha=7"))["lora_alpha"] == ["7", "#", "command", "line"]


def test_what_was_given_is_shown_with_its_origin_even_where_it_turns_something_off(
    tiny_folder: Path, rows: Path
) -> None:
    shown = settings(dry(tiny_folder, rows, "use_dora=false", "finetuning_type=freeze", "bf16=false"))
    assert shown["use_dora"] == ["false", "#", "command", "line"]
    assert shown["bf16"][0] == "false"
    assert "freeze_trainable_layers" in shown
    assert "lora_alpha" not in shown


def test_secrets_are_not_shown(tiny_folder: Path, rows: Path) -> None:
    assert "hf_secret" not in dry(tiny_folder, rows, "hf_hub_token=hf_secret")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_json_has_every_setting(tiny_folder: Path, rows: Path, language: str) -> None:
    words = ("train", f"model_name_or_path={tiny_folder}", f"dataset={rows}", "--dry-run", "--json")
    config = call(*words, language=language).json()["config"]
    assert config["lora_alpha"] is None
    assert "top_p" in config
