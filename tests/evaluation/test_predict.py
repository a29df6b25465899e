"""Prediction over a dataset: the files that are written, going on after a kill, rows that do not fit."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from conch.cli import run as conch
from conch.config import load_train
from conch.config.model import ModelConfig
from conch.core.env import child_environment
from conch.evaluation.predict import ALL, ANSWERS, RESULTS, STARTED, predict
from conch.inference.chat import Chat
from conch.inference.engine import Completion, Request, Sampling
from conch.inference.open import open_chat
from conch.models.load import load
from tests.tiny import save_tiny, write_rows


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("model") / "tiny", max_position_embeddings=256)


class Counting:
    """An engine that says the number of each prompt's tokens, and may be struck down."""

    name = "counting"

    def __init__(self, inner: Any, context: int = 256, batches: int = 10**6) -> None:
        self.inner, self.context_length, self.left = inner, context, batches
        self.asked: list[int] = []

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        self.asked.append(len(requests))
        return self.inner.complete(requests)

    def stream(self, request: Request) -> Any:
        return self.inner.stream(request)

    def score(self, tokens: Sequence[int]) -> list[float]:
        return self.inner.score(tokens)

    def close(self) -> None:
        pass


def setup(model: Path, rows: Path, output: Path, **settings: Any) -> tuple[Any, Chat]:
    values = {"model_name_or_path": str(model), "dataset": str(rows), "output_dir": str(output), **settings}
    chat = open_chat(load(ModelConfig(model_name_or_path=str(model)), dtype="float32"))
    return load_train(values=values).config, chat


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


GREEDY = Sampling(max_new_tokens=8)


def test_the_files_are_those_of_llama_factory(model: Path, tmp_path: Path) -> None:
    config, chat = setup(model, write_rows(tmp_path / "rows.json", 40), tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ALL).write_text('{"train_loss": 1.5}')
    prediction = predict(config, chat, GREEDY, "tiny")
    assert prediction.rows == 40
    found = lines(tmp_path / "out" / ANSWERS)
    assert [entry["label"] for entry in found] == [f"I am the magic conch number {i}." for i in range(40)]
    assert set(found[0]) == {"prompt", "predict", "label"}
    assert found[3]["prompt"] == (
        "<|im_start|>user\nQuestion 3: who are you?<|im_end|>\n<|im_start|>assistant\n"
    )
    results = json.loads((tmp_path / "out" / RESULTS).read_text())
    named = {"predict_bleu-4", "predict_rouge-1", "predict_rouge-2", "predict_rouge-l", "predict_runtime"}
    assert named | {"predict_samples_per_second", "predict_steps_per_second"} <= set(results)
    assert json.loads((tmp_path / "out" / ALL).read_text()) == {"train_loss": 1.5, **results}
    assert not (tmp_path / "out" / STARTED).exists()


def test_answers_are_those_of_chat(model: Path, tmp_path: Path) -> None:
    config, chat = setup(model, write_rows(tmp_path / "rows.json", 20), tmp_path / "out")
    predict(config, chat, GREEDY, "tiny")
    from conch.core.conversation import Message

    for index in (0, 7, 19):
        said = chat.answer([Message("user", f"Question {index}: who are you?")], GREEDY).text
        assert lines(tmp_path / "out" / ANSWERS)[index]["predict"] == said.strip()


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(max_new_tokens=8, temperature=1.0, seed=3)])
def test_going_on_gives_the_same_as_never_having_stopped(
    model: Path, tmp_path: Path, sampling: Sampling
) -> None:
    rows = write_rows(tmp_path / "rows.json", 50)
    config, chat = setup(model, rows, tmp_path / "whole")
    predict(config, chat, sampling, "tiny")
    config, chat = setup(model, rows, tmp_path / "out")
    struck = Counting(chat.engine, batches=2)
    with pytest.raises(KeyboardInterrupt):
        predict(config, Chat(struck, chat.template, chat.stop_ids), sampling, "tiny")
    with (tmp_path / "out" / STARTED).open("a") as file:
        file.write('{"row": 49, "prompt": "cut o')
    going_on = Counting(chat.engine)
    prediction = predict(config, Chat(going_on, chat.template, chat.stop_ids), sampling, "tiny")
    assert prediction.again == 32
    assert sum(going_on.asked) == 18
    assert lines(tmp_path / "out" / ANSWERS) == lines(tmp_path / "whole" / ANSWERS)


def test_answers_of_another_model_are_not_gone_on_with(model: Path, tmp_path: Path) -> None:
    config, chat = setup(model, write_rows(tmp_path / "rows.json", 40), tmp_path / "out")
    struck = Chat(Counting(chat.engine, batches=1), chat.template, chat.stop_ids)
    with pytest.raises(KeyboardInterrupt):
        predict(config, struck, GREEDY, "one")
    assert predict(config, chat, GREEDY, "another").again == 0


def test_a_row_that_does_not_fit_is_told_and_stops_nothing(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    rows = [{"instruction": "who? " * times, "input": "", "output": "me"} for times in (1, 500, 2)]
    file.write_text(json.dumps(rows))
    config, chat = setup(model, file, tmp_path / "out")
    results = predict(config, chat, GREEDY, "tiny").scores
    assert results["predict_too_long"] == 1
    assert [bool(entry["predict"]) for entry in lines(tmp_path / "out" / ANSWERS)][1] is False


def test_a_file_for_llama_factory_runs(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(tmp_path / "rows.json", 6)
    (tmp_path / "predict.yaml").write_text(
        f"model_name_or_path: {model}\nstage: sft\ndo_predict: true\npredict_with_generate: true\n"
        f"finetuning_type: lora\neval_dataset: {tmp_path / 'rows.json'}\ntemplate: chatml\ncutoff_len: 256\n"
        f"max_samples: 4\nmax_new_tokens: 4\nper_device_eval_batch_size: 2\noutput_dir: {tmp_path / 'out'}\n"
        "overwrite_output_dir: true\n"
    )
    assert conch(["predict", str(tmp_path / "predict.yaml"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == 4
    assert len(lines(tmp_path / "out" / ANSWERS)) == 4


@pytest.mark.parametrize(
    ("left_out", "said"), [("eval_dataset", "dataset"), ("output_dir", "No folder for the answers")]
)
def test_what_is_missing_is_said(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], left_out: str, said: str
) -> None:
    rows = write_rows(tmp_path / "rows.json", 2)
    given = {"model_name_or_path": str(model), "eval_dataset": str(rows), "output_dir": str(tmp_path / "out")}
    words = [f"{key}={value}" for key, value in given.items() if key != left_out]
    assert conch(["predict", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_killed_process_is_gone_on_with(model: Path, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.json", 200)
    words = [
        *(f"model_name_or_path={model}", f"eval_dataset={rows}", f"output_dir={tmp_path / 'out'}"),
        *("max_new_tokens=60", "temperature=0"),
    ]
    command = [sys.executable, "-m", "conch.cli", "predict", *words]
    process = subprocess.Popen(command, env=child_environment(), stderr=subprocess.DEVNULL)
    file = tmp_path / "out" / STARTED
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        if file.exists() and file.read_bytes().count(b"\n") > 16:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    kept = file.read_bytes().count(b"\n") - 1
    assert 16 <= kept < 200
    done = subprocess.run([*command, "--json"], env=child_environment(), capture_output=True, timeout=300)
    assert json.loads(done.stdout)["rows"] == 200
    assert len(lines(tmp_path / "out" / ANSWERS)) == 200
    assert not file.exists()


def predicted(model: Path, rows: Path, output: Path, *words: str) -> list[dict[str, Any]]:
    asked = ["predict", f"model_name_or_path={model}", f"dataset={rows}", f"output_dir={output}", *words]
    assert conch([*asked, "infer_dtype=float32"]) == 0
    return lines(output / ANSWERS)


def test_beams_are_those_of_transformers(model: Path, tmp_path: Path) -> None:
    """The answers to rows of several lengths, searched together, are those of each searched alone."""
    import torch

    file = tmp_path / "rows.json"
    rows = [{"instruction": "who? " * times, "input": "", "output": "me"} for times in (1, 9, 2, 30, 3)]
    file.write_text(json.dumps(rows))
    asked = ("num_beams=3", "length_penalty=-2", "max_new_tokens=6", "do_sample=false")
    told = predicted(model, file, tmp_path / "out", *asked)
    loaded = load(ModelConfig(model_name_or_path=str(model)), dtype="float32")
    for row in told:
        ids = loaded.template().encode(row["prompt"])
        (found,) = loaded.model.generate(
            torch.tensor([ids]),
            num_beams=3,
            length_penalty=-2.0,
            max_new_tokens=6,
            do_sample=False,
            eos_token_id=sorted(loaded.stop_ids()),
            pad_token_id=0,
        )
        text = loaded.tokenizer.decode(found[len(ids) :], skip_special_tokens=True)
        assert row["predict"] == text.strip()
    assert told != predicted(model, file, tmp_path / "greedy", "max_new_tokens=6")


def test_max_length_counts_the_prompt_unless_new_tokens_are_bounded(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    rows = [{"instruction": "who? " * times, "input": "", "output": "me"} for times in (1, 40)]
    file.write_text(json.dumps(rows))
    prompt = len(load(ModelConfig(model_name_or_path=str(model))).template().encode("who? " * 40))
    short, long = predicted(model, file, tmp_path / "out", f"max_length={prompt}")
    assert short["predict"]
    assert long["predict"] == ""
    results = json.loads((tmp_path / "out" / RESULTS).read_text())
    assert results["predict_too_long"] == 1
    short, long = predicted(model, file, tmp_path / "both", f"max_length={prompt}", "max_new_tokens=3")
    assert short["predict"]
    assert long["predict"]


def test_special_tokens_are_shown_where_they_are_not_skipped(model: Path, tmp_path: Path) -> None:
    """A random model says some of them."""
    rows = write_rows(tmp_path / "rows.json", 12)
    drawn = ("max_new_tokens=200", "temperature=3", "seed=1")
    without = predicted(model, rows, tmp_path / "without", *drawn)
    shown = predicted(model, rows, tmp_path / "shown", *drawn, "skip_special_tokens=false")
    assert not any("<|" in row["predict"] for row in without)
    assert any("<|" in row["predict"] for row in shown)


def test_llama_cpp_answers_as_transformers_does(model: Path, tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.json", 8)
    asked = ("max_new_tokens=6",)
    usual = predicted(model, rows, tmp_path / "usual", *asked)
    other = predicted(model, rows, tmp_path / "other", *asked, "infer_backend=llamacpp")
    same = sum(a["predict"] == b["predict"] for a, b in zip(usual, other, strict=True))
    assert [row["prompt"] for row in usual] == [row["prompt"] for row in other]
    assert same >= 6, "16 bits may part ways at a near tie"


def test_beams_of_a_model_that_draws_are_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawing = save_tiny(tmp_path / "tiny")
    (drawing / "generation_config.json").write_text('{"do_sample": true, "temperature": 0.7}')
    rows = write_rows(tmp_path / "rows.json", 2)
    asked = ["predict", f"model_name_or_path={drawing}", f"dataset={rows}", f"output_dir={tmp_path / 'out'}"]
    assert conch([*asked, "num_beams=2"]) == 2
    assert "do_sample: false" in capsys.readouterr().err
    assert conch([*asked, "num_beams=2", "do_sample=false", "max_new_tokens=2"]) == 0
