"""Ways of preparing data, in whole tiny runs: packing, streaming, plain text, several datasets, templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conch.core.events import Failed, Finished, Metrics, Phase, Warned
from conch.runs import Run, read_events
from conch.worker import execute
from tests.tiny import save_tiny, write_rows
from tests.training.helpers import losses, new_run, read_padded_rows, same, train, weights


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Documents of very different length."""
    file = tmp_path / "texts.jsonl"
    found = [f"The magic conch answers question {i}. " * (1 + 5 * (i % 3)) for i in range(12)]
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in found))
    return file


def facts(run: Run) -> dict[str, Any]:
    found = [e.facts for e in read_events(run.events_path) if isinstance(e, Phase) and e.name == "tokenised"]
    return found[0] or {}


def finished(run: Run) -> Finished:
    last = read_events(run.events_path)[-1]
    assert isinstance(last, Finished)
    return last


def warned(run: Run) -> list[str]:
    return [e.key or "" for e in read_events(run.events_path) if isinstance(e, Warned)]


# packing


def test_packed_rows_hold_all_examples_in_fewer_rows(tiny_folder: Path, rows: Path) -> None:
    plain = train(tiny_folder, rows, num_train_epochs=1)
    packed = train(tiny_folder, rows, num_train_epochs=1, packing=True, cutoff_len=128)
    assert facts(packed)["tokens"] == facts(plain)["tokens"] == finished(packed).tokens
    assert facts(packed)["packed_rows"] < facts(packed)["train_rows"]
    assert finished(packed).step == -(-facts(packed)["packed_rows"] // 4)
    assert "packed_rows" not in facts(plain)


@pytest.mark.parametrize("padded", [False, True])
def test_packing_changes_no_loss(
    tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch, padded: bool
) -> None:
    """One batch of all examples: packed into rows, or each by itself, or padded and taken apart again."""
    settings = {"num_train_epochs": 3, "per_device_train_batch_size": 12}
    plain = train(tiny_folder, rows, **settings)
    if padded:
        read_padded_rows(monkeypatch)
    packed = train(tiny_folder, rows, **settings, packing=True, cutoff_len=128)
    assert facts(packed)["packed_rows"] < 12
    assert len(losses(plain)) == 3
    assert losses(packed) == pytest.approx(losses(plain), rel=1e-4)
    assert finished(packed).tokens == finished(plain).tokens


def test_neat_packing_is_packing(tiny_folder: Path, rows: Path) -> None:
    runs = [
        train(tiny_folder, rows, num_train_epochs=1, cutoff_len=128, **{key: True})
        for key in ("packing", "neat_packing")
    ]
    assert losses(runs[0]) == losses(runs[1])


@pytest.mark.parametrize(
    "settings",
    [
        {"packing": True, "cutoff_len": 96},
        {"streaming": True, "buffer_size": 5, "max_steps": 8},
        {"streaming": True, "buffer_size": 5, "max_steps": 8, "packing": True, "cutoff_len": 96},
        {"streaming": True, "max_steps": 6, "gradient_accumulation_steps": 2, "lora_dropout": 0.3},
    ],
    ids=["packing", "streaming", "both", "accumulated"],
)
@pytest.mark.parametrize("at", [1, 4])
def test_resumed_equals_uninterrupted_bit_for_bit(
    tiny_folder: Path, rows: Path, settings: dict[str, Any], at: int
) -> None:
    settings = {"save_steps": 1, "per_device_train_batch_size": 2, **settings}
    whole = train(tiny_folder, rows, **settings)
    assert finished(whole).step > at
    again = new_run(tiny_folder, rows, **settings)
    assert execute(again, resume=whole.output / f"checkpoint-{at}")
    assert same(weights(whole.output), weights(again.output))
    assert losses(again) == losses(whole)[at:]
    assert finished(again).tokens == finished(whole).tokens


# streaming


def test_a_streamed_run_goes_its_steps_and_learns(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, streaming=True, max_steps=12, val_size=3, eval_steps=6)
    assert finished(run).step == 12
    assert finished(run).eval_loss is not None
    assert losses(run)[-1] < losses(run)[0]


def test_rows_of_a_stream_that_are_cut_are_counted_in_the_end(tiny_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps([{"instruction": "hi", "output": "word " * 100}] * 6))
    run = train(tiny_folder, file, streaming=True, max_steps=2, cutoff_len=50)
    assert warned(run) == ["training.truncated_stream"]


def test_a_bad_row_in_the_middle_of_a_stream_fails_with_its_place(tiny_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    good = [json.dumps({"instruction": "Who?", "output": "The magic conch."})] * 20
    file.write_text("\n".join([*good, "{", *good]))
    run = new_run(tiny_folder, file, streaming=True, buffer_size=2, max_steps=30)
    assert not execute(run)
    failed = read_events(run.events_path)[-1]
    assert isinstance(failed, Failed)
    assert "21" in failed.message
    assert str(file) in failed.message


# plain text


def test_pretraining_trains_every_token(tiny_folder: Path, texts: Path) -> None:
    run = train(tiny_folder, texts, stage="pt", cutoff_len=64, num_train_epochs=4)
    told = facts(run)
    pieces = told["train_rows"]
    assert told["trained_tokens"] == told["tokens"] - pieces, "all but the first of each piece"
    assert told["packed_rows"] == -(-told["tokens"] // 64)
    assert finished(run).tokens == 4 * told["tokens"]
    assert losses(run)[-1] < losses(run)[0]


def test_pretraining_without_packing_cuts_long_texts_and_says_so(tiny_folder: Path, texts: Path) -> None:
    run = train(tiny_folder, texts, stage="pt", cutoff_len=40, packing=False, num_train_epochs=1)
    assert facts(run)["truncated_rows"] > 0
    assert facts(run)["train_rows"] == 12
    assert "training.truncated" in warned(run)


def test_a_last_block_of_one_token_does_no_harm(tiny_folder: Path, tmp_path: Path) -> None:
    """It has no label: nothing predicts the first token of a row."""
    import torch

    from conch.config.data import DataConfig
    from conch.data.prepare import prepare
    from conch.training.methods.pretrain import Pretraining
    from tests.tiny import tiny_tokenizer

    file = tmp_path / "text.txt"
    file.write_text("The magic conch answers.")
    config = DataConfig(dataset=(str(file),))
    template = Pretraining(config).template(tiny_tokenizer())
    length = len(prepare(config, template, 0, stage="pt").train[0])
    settings: dict[str, Any] = {"stage": "pt", "per_device_train_batch_size": 1, "weight_decay": 0.0}
    run = train(tiny_folder, file, cutoff_len=length - 1, **settings)
    assert facts(run)["packed_rows"] == 2
    assert all(torch.isfinite(tensor).all() for tensor in weights(run.output).values())


def test_pretraining_needs_no_chat_template(tmp_path: Path, texts: Path) -> None:
    model = save_tiny(tmp_path / "base", template=None)
    run = train(model, texts, stage="pt", num_train_epochs=1)
    assert not (run.output / "chat_template.jinja").exists()


def test_settings_about_chats_are_told_to_change_nothing(tiny_folder: Path, texts: Path) -> None:
    run = train(tiny_folder, texts, stage="pt", template="llama3", mask_history=True, num_train_epochs=1)
    assert warned(run) == ["training.not_for_text"]
    (told,) = [e.message for e in read_events(run.events_path) if isinstance(e, Warned)]
    assert "template, mask_history" in told


def test_the_end_of_text_is_appended(tiny_folder: Path, texts: Path) -> None:
    from conch.config.data import DataConfig
    from conch.data.prepare import prepare
    from conch.training.methods.pretrain import Pretraining
    from tests.tiny import tiny_tokenizer

    tokenizer = tiny_tokenizer()
    config = DataConfig(dataset=(str(texts),))
    found = prepare(config, Pretraining(config).template(tokenizer), 0, stage="pt")
    first = found.train[0]
    assert first.labels == first.input_ids
    assert first.input_ids[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(first.input_ids[:-1]) == "The magic conch answers question 0. "


# several datasets


def test_each_dataset_is_evaluated_by_itself(tiny_folder: Path, rows: Path, tmp_path: Path) -> None:
    other = write_rows(tmp_path / "other set.json", 3)
    settings: dict[str, Any] = {
        "eval_dataset": f"{rows},{other}",
        "eval_on_start": True,
        "num_train_epochs": 1,
    }
    each = train(tiny_folder, rows, eval_on_each_dataset=True, **settings)
    together = train(tiny_folder, rows, **settings)
    told = [e for e in read_events(each.events_path) if isinstance(e, Metrics) and e.eval_losses]
    assert [set(event.eval_losses or {}) for event in told] == [{"rows", "other_set"}] * 2
    means = [e.eval_loss for e in read_events(together.events_path) if isinstance(e, Metrics) and e.eval_loss]
    assert [event.eval_loss for event in told] == pytest.approx(means, rel=1e-5)
    results = json.loads((each.output / "all_results.json").read_text())
    assert results["eval_rows_loss"] == pytest.approx((told[-1].eval_losses or {})["rows"])
    assert results["eval_loss"] == told[-1].eval_loss


def test_the_best_model_may_be_that_of_one_dataset(tiny_folder: Path, rows: Path, tmp_path: Path) -> None:
    other = write_rows(tmp_path / "other.json", 3)
    run = train(
        tiny_folder,
        rows,
        eval_dataset=f"{rows},{other}",
        eval_on_each_dataset=True,
        load_best_model_at_end=True,
        metric_for_best_model="eval_other_loss",
        save_strategy="epoch",
    )
    assert finished(run).eval_loss is not None


def test_datasets_are_interleaved(tiny_folder: Path, rows: Path, tmp_path: Path) -> None:
    other = write_rows(tmp_path / "other.json", 3)
    under = train(tiny_folder, rows, dataset=f"{rows},{other}", mix_strategy="interleave_under")
    assert facts(under)["train_rows"] == 6
    over = train(tiny_folder, rows, dataset=f"{rows},{other}", mix_strategy="interleave_over")
    assert facts(over)["train_rows"] == 24


# templates


def test_a_template_that_was_given_goes_with_the_model(tmp_path: Path, rows: Path) -> None:
    from conch.models.load import load_tokenizer

    model = save_tiny(tmp_path / "base", template=None)
    run = train(model, rows, template="chatml", num_train_epochs=1)
    kept = load_tokenizer(run.output, run.config().model)
    assert "<|im_start|>" in kept.chat_template
    assert warned(run) == []


def test_a_template_that_loses_to_the_models_own_is_told(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, template="vicuna", num_train_epochs=1)
    assert warned(run) == ["template.own_wins"]


def test_a_model_with_several_templates_keeps_them(tiny_folder: Path, rows: Path) -> None:
    from conch.data.template import ChatTemplate
    from conch.training.ground import keep_template
    from tests.tiny import CHATML, tiny_tokenizer

    tokenizer = tiny_tokenizer()
    several = {"default": CHATML, "tool_use": "{{ tools }}"}
    tokenizer.chat_template = several
    keep_template(tokenizer, ChatTemplate.of(tokenizer), None)
    assert tokenizer.chat_template == several
    keep_template(tokenizer, ChatTemplate.of(tokenizer), "Be brief.")
    assert "Be brief." in tokenizer.chat_template


@pytest.mark.parametrize("template", ["no_such", None])
def test_a_template_that_cannot_be_had_fails_the_run(
    tmp_path: Path, rows: Path, template: str | None
) -> None:
    model = save_tiny(tmp_path / "base", template=None)
    run = new_run(model, rows, template=template)
    assert not execute(run)
    failed = read_events(run.events_path)[-1]
    assert isinstance(failed, Failed)
    assert failed.error == "ModelError"
    assert "chatml" in failed.hint


def test_the_wish_about_thoughts_goes_with_the_model(tmp_path: Path, rows: Path) -> None:
    from conch.models.load import load_tokenizer
    from tests.data.families import QWEN3

    model = save_tiny(tmp_path / "qwen", template=QWEN3)
    run = train(model, rows, enable_thinking=False, num_train_epochs=1)
    kept = load_tokenizer(run.output, run.config().model)
    prompt = kept.apply_chat_template(
        [{"role": "user", "content": "?"}], tokenize=False, add_generation_prompt=True
    )
    assert prompt.endswith("assistant\n<think>\n\n</think>\n\n")


# the plan


def plan_of(run: Run) -> dict[str, Any]:
    from conch.training.plan import make_plan

    return make_plan(run.config()).to_dict()


def test_the_plan_of_a_packed_run_is_what_comes(tiny_folder: Path, rows: Path) -> None:
    run = new_run(tiny_folder, rows, packing=True, cutoff_len=128, template="vicuna")
    plan = plan_of(run)
    assert execute(run)
    assert plan["packed_rows"] == facts(run)["packed_rows"]
    assert plan["steps"] == finished(run).step
    assert plan["tokens"] == facts(run)["tokens"]
    assert "vicuna" in plan["warnings"][0]


def test_the_plan_warns_of_adapters_as_the_run_does(tiny_folder: Path, rows: Path) -> None:
    first = new_run(tiny_folder, rows)
    assert execute(first)
    twice = f"{first.output},{first.output}"
    run = new_run(tiny_folder, rows, adapter_name_or_path=twice)
    plan = plan_of(run)
    assert execute(run)
    warned = [event.message for event in read_events(run.events_path) if isinstance(event, Warned)]
    assert [message for message in plan["warnings"] if message in warned] != []


def test_the_plan_of_a_stream_tells_what_can_be_known(tiny_folder: Path, rows: Path) -> None:
    plan = plan_of(new_run(tiny_folder, rows, streaming=True, max_steps=5, val_size=2))
    assert (plan["train_rows"], plan["tokens"], plan["eval_rows"], plan["steps"]) == (None, None, 2, 5)
    assert plan["memory"]["total"] > 0


@pytest.mark.parametrize("settings", [{"packing": True}, {"streaming": True, "max_steps": 3}])
def test_a_dry_run_is_shown(
    tiny_folder: Path, rows: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, Any]
) -> None:
    from conch.cli.plan import show_plan
    from conch.config import load_train

    values = {"model_name_or_path": str(tiny_folder), "dataset": str(rows), "template": "vicuna", **settings}
    show_plan(load_train(values=values), as_json=False)
    told = capsys.readouterr()
    assert "vicuna" in told.err
    assert ("packed into" if "packing" in settings else "read while training") in told.out


# tokens that are kept


def test_kept_tokens_train_the_same(tiny_folder: Path, rows: Path, tmp_path: Path) -> None:
    first = train(tiny_folder, rows, tokenized_path=str(tmp_path / "tokens"), val_size=2)
    again = train(tiny_folder, rows, tokenized_path=str(tmp_path / "tokens"), val_size=2)
    assert losses(first) == losses(again)
    assert facts(first) == facts(again)


def test_tokens_of_another_model_are_refused(tiny_folder: Path, rows: Path, tmp_path: Path) -> None:
    train(tiny_folder, rows, tokenized_path=str(tmp_path / "tokens"), num_train_epochs=1)
    other = save_tiny(
        tmp_path / "other", template="{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}"
    )
    run = new_run(other, rows, tokenized_path=str(tmp_path / "tokens"))
    assert not execute(run)
    failed = read_events(run.events_path)[-1]
    assert isinstance(failed, Failed)
    assert "template" in failed.message
