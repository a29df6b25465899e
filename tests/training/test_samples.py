"""Answers while training: when they come, and that they change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import conch
from conch import submit
from conch.config import load_train
from conch.core.errors import UsageError
from conch.core.events import Sample, Warned
from conch.runs import Run, read_events
from conch.training.prompts import read_prompts
from tests.cli.program import call
from tests.training.helpers import same, train, weights

PROMPTS = ["Who are you, please?", "你是谁？"]
SETTINGS: dict[str, Any] = {"sample_prompts": PROMPTS, "sample_tokens": 12}


def samples(run: Run) -> list[Sample]:
    return [event for event in read_events(run.events_path) if isinstance(event, Sample)]


def test_samples_come_before_at_each_evaluation_and_at_the_end(tiny_folder: Path, rows: Path) -> None:
    timing = {"val_size": 4, "eval_strategy": "steps", "eval_steps": 2, "num_train_epochs": 3}
    run = train(tiny_folder, rows, **SETTINGS, **timing, per_device_train_batch_size=3)
    told = samples(run)
    assert [(event.step, event.prompt) for event in told] == [
        (step, prompt) for step in (0, 2, 4, 6, 8, 9) for prompt in PROMPTS
    ]
    shown = call("runs", "show", run.id, "--samples", "--json").json()["samples"]
    assert shown[0] == {"step": 0, "prompt": PROMPTS[0], "answer": told[0].answer}
    for language in ("en", "zh"):
        assert PROMPTS[1] in call("runs", "show", run.id, "--samples", language=language).out


def test_without_evaluation_they_come_at_both_ends(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, **SETTINGS)
    assert sorted({event.step for event in samples(run)}) == [0, 6]


@pytest.mark.parametrize("settings", [{}, {"lora_dropout": 0.2}, {"finetuning_type": "full"}])
def test_a_run_with_samples_ends_with_the_same_weights(
    tiny_folder: Path, rows: Path, settings: dict[str, Any]
) -> None:
    timing = {"val_size": 4, "eval_strategy": "steps", "eval_steps": 1}
    plain = train(tiny_folder, rows, **settings, **timing)
    sampled = train(tiny_folder, rows, **settings, **timing, **SETTINGS)
    assert same(weights(plain.output), weights(sampled.output))


def test_the_last_answer_is_what_chat_gives(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, **SETTINGS, learning_rate=1e-2, num_train_epochs=4)
    last = samples(run)[-2]
    assert conch.chat(run, last.prompt, max_new_tokens=12) == last.answer


def test_bf16_is_sampled_too(tiny_folder: Path, rows: Path) -> None:
    assert len(samples(train(tiny_folder, rows, **SETTINGS, bf16=True, upcast_layernorm=True))) == 4


def test_a_prompt_that_is_too_long_is_told_and_training_goes_on(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, sample_prompts=["long " * 2000])
    warned = [e.key for e in read_events(run.events_path) if isinstance(e, Warned)]
    assert warned == ["training.sample_failed"]
    assert run.state() == "finished"
    assert "no samples" in call("runs", "show", run.id, "--samples").out


def test_prompts_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("Who are you?\n\n 你是谁？\n", encoding="utf-8")
    assert read_prompts([str(file)]) == ("Who are you?", "你是谁？")
    assert read_prompts(["Yes, no?", "b.txt"]) == ("Yes, no?", "b.txt")
    config = load_train(
        values={"model_name_or_path": "m", "dataset": "magic_conch", "sample_prompts": str(file)}
    ).config
    assert submit.absolute(config).samples.sample_prompts == ("Who are you?", "你是谁？")


def test_a_file_that_is_not_there_is_refused_at_once() -> None:
    config = load_train(
        values={"model_name_or_path": "m", "dataset": "magic_conch", "sample_prompts": "nowhere.txt"}
    ).config
    with pytest.raises(UsageError, match=r"nowhere\.txt"):
        submit.check(config)


def test_commas_belong_to_a_prompt() -> None:
    values = {"model_name_or_path": "m", "dataset": "d", "sample_prompts": "Hello, who are you?"}
    assert load_train(values=values).config.samples.sample_prompts == ("Hello, who are you?",)
    words = ["model_name_or_path=m", "dataset=d", "sample_prompts=['a, b', c]"]
    assert load_train(words=words).config.samples.sample_prompts == ("a, b", "c")
