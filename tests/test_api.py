"""`from conch import train, load, chat, export`: the whole path in process."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import conch
from conch.config import load_train
from conch.core.conversation import Message
from conch.core.errors import ConfigErrors, TrainingError
from conch.core.events import Warned
from conch.runs import read_events
from conch.training import job
from conch.training.job import Job
from tests.models.folders import add_adapter
from tests.tiny import save_tiny

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


def test_a_failure_that_no_event_tells_is_an_error_with_a_remedy(
    tiny_folder: Path, rows: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that took no word of it."""
    monkeypatch.setattr("conch.api.work_here", lambda *_: False)
    with pytest.raises(TrainingError, match="took no word of why") as caught:
        conch.train(model_name_or_path=str(tiny_folder), dataset=str(rows), **FP32)
    assert str(home / "runs") in caught.value.hint


def test_settings_go_on_top_of_a_config(tiny_folder: Path, rows: Path) -> None:
    config = load_train(
        values={"model_name_or_path": str(tiny_folder), "dataset": str(rows), "num_train_epochs": 9, **FP32}
    ).config
    kept = conch.train(config, num_train_epochs=1, lora_rank=2, lora_dropout="0.5").config()
    assert (kept.optimisation.num_train_epochs, kept.lora.lora_rank, kept.lora.lora_dropout) == (1, 2, 0.5)
    with pytest.raises(ConfigErrors, match="lora_rnk"):
        conch.train(config, lora_rnk=1)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that would have been trained."""
    given: list[Job] = []
    monkeypatch.setattr(job, "train", given.append)
    return given


def test_warnings_stand_among_the_events(tiny_folder: Path, rows: Path, jobs: list[Job]) -> None:
    run = conch.train(model_name_or_path=str(tiny_folder), dataset=str(rows), use_fast_tokenizer=True)
    warned = [event.message for event in read_events(run.events_path) if isinstance(event, Warned)]
    assert len(warned) == 1
    assert "use_fast_tokenizer" in warned[0]


@pytest.mark.parametrize("as_config", [True, False])
def test_a_token_reaches_the_job_and_not_the_disk(
    tiny_folder: Path, rows: Path, jobs: list[Job], as_config: bool
) -> None:
    values = {"model_name_or_path": str(tiny_folder), "dataset": str(rows), "hf_hub_token": "hf_abcdef"}
    run = conch.train(load_train(values=values).config) if as_config else conch.train(**values)
    assert jobs[0].config.model.hf_hub_token == "hf_abcdef"
    assert all("hf_abcdef" not in file.read_text() for file in run.folder.iterdir() if file.is_file())


def test_a_model_is_loaded_with_settings_or_every_problem_told(tiny_folder: Path) -> None:
    assert conch.load(str(tiny_folder), dtype="bf16").model.dtype == torch.bfloat16
    with pytest.raises(ConfigErrors) as caught:
        conch.load("", dtype="bf8", foo=1)
    assert [p.key for p in caught.value.problems] == ["model_name_or_path", "infer_dtype", "foo"]


def test_an_answer_is_drawn_as_the_model_says_unless_the_caller_does(tiny_folder: Path) -> None:
    model = conch.load(str(tiny_folder))
    own = model.model.generation_config
    own.do_sample, own.temperature, own.repetition_penalty = True, 1.5, 1.2
    assert len({conch.chat(model, "Who?", max_new_tokens=8, seed=seed) for seed in range(5)}) > 1
    assert conch.chat(model, "Who?", max_new_tokens=8, seed=1) == conch.chat(
        model, "Who?", max_new_tokens=8, seed=1
    )
    greedy = {conch.chat(model, "Who?", max_new_tokens=8, temperature=0) for _ in range(3)}
    assert len(greedy) == 1
    with pytest.raises(ConfigErrors, match="temperatur"):
        conch.chat(model, "Who?", temperatur=0)


def test_warnings_about_an_export_are_python_warnings(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="lora_rank"):
        conch.export(str(tiny_folder), tmp_path / "x", lora_rank=4)


def test_an_adapter_on_another_model_is_a_python_warning(tiny_folder: Path, tmp_path: Path) -> None:
    adapter = add_adapter(tiny_folder, tmp_path / "adapter")
    other = save_tiny(tmp_path / "other", seed=1)
    with pytest.warns(UserWarning, match="whose weights are others"):
        conch.load(str(other), adapter=str(adapter), dtype="float32")


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError):
        conch.nonsense  # noqa: B018
