"""Whole tiny runs: what they write, and the equalities that must hold between them."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import torch

from conch.core.errors import ModelError
from conch.core.events import Checkpoint, Failed, Finished, Metrics, Phase, Stopped, Warned
from conch.data.batches import padded
from conch.runs import read_events
from conch.training.checkpoint import is_whole, latest, resumable, rotate
from conch.worker import execute
from tests.tiny import save_tiny, write_rows
from tests.training.helpers import eval_losses, losses, new_run, read_padded_rows, same, train, weights


def kinds(run) -> list[str]:
    return [event.kind for event in read_events(run.events_path)]


def test_a_run_writes_what_it_promises(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, val_size=0.25, plot_loss=True, save_steps=2)
    told = kinds(run)
    assert told[:2] == ["queued", "started"]
    assert told[-1] == "finished"
    finished = read_events(run.events_path)[-1]
    assert isinstance(finished, Finished)
    assert finished.tokens > 0
    assert finished.eval_loss is not None
    assert run.state() == "finished"
    output = run.output
    for name in (
        "adapter_config.json",
        "adapter_model.safetensors",
        "tokenizer.json",
        "trainer_state.json",
        "all_results.json",
        "training_loss.png",
    ):
        assert (output / name).is_file(), name
    assert (output / "training_loss.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((output / "all_results.json").read_text())["tokens"] == finished.tokens
    assert not list(output.glob(".conch-tmp-*"))
    spare = {"training_args.bin", "README.md"}
    assert [path for path in output.rglob("*") if path.name in spare] == []


def test_nothing_is_printed_by_the_libraries(
    tiny_folder: Path, rows: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    train(tiny_folder, rows, val_size=0.25)
    assert capfd.readouterr() == ("", "")


def test_an_evaluation_is_announced(tiny_folder: Path, rows: Path) -> None:
    events = read_events(train(tiny_folder, rows, val_size=0.25).events_path)
    phases = [event.name for event in events if isinstance(event, Phase)]
    assert phases.count("evaluating") == len([e for e in events if getattr(e, "eval_loss", None)]) - 1
    assert phases[0] == "locating"
    assert phases.index("loading") < phases.index("training") < phases.index("evaluating")


def test_training_lowers_the_loss(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, val_size=0.25, num_train_epochs=6, eval_on_start=True)
    assert losses(run)[-1] < 0.7 * losses(run)[0]
    assert eval_losses(run)[-1] < eval_losses(run)[0]


def test_tokens_counted_are_the_real_ones(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, num_train_epochs=3)
    facts = next(
        e.facts for e in read_events(run.events_path) if isinstance(e, Phase) and e.name == "tokenised"
    )
    finished = read_events(run.events_path)[-1]
    assert isinstance(finished, Finished)
    assert finished.tokens == 3 * facts["tokens"]


@pytest.mark.parametrize("kind", ["lora", "full", "freeze"])
def test_each_finetuning_type_moves_only_what_it_should(tiny_folder: Path, rows: Path, kind: str) -> None:
    run = train(tiny_folder, rows, finetuning_type=kind, freeze_trainable_layers=1, num_train_epochs=1)
    if kind == "lora":
        assert all("lora_" in name for name in weights(run.output))
        return
    before, after = weights(tiny_folder), weights(run.output)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved
    if kind == "freeze":
        assert all(".layers.1." in name for name in moved)
    else:
        assert "model.embed_tokens.weight" in moved


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lora_dropout": 0.3},
        {"finetuning_type": "full"},
        {"warmup_ratio": 0.3, "lr_scheduler_type": "cosine"},
    ],
)
@pytest.mark.parametrize("at", [1, 3, 4])
def test_resumed_equals_uninterrupted_bit_for_bit(
    tiny_folder: Path, rows: Path, settings: dict, at: int
) -> None:
    whole = train(tiny_folder, rows, save_steps=1, num_train_epochs=2, **settings)
    again = new_run(tiny_folder, rows, save_steps=1, num_train_epochs=2, **settings)
    assert execute(again, resume=whole.output / f"checkpoint-{at}")
    assert same(weights(whole.output), weights(again.output))
    assert losses(again) == losses(whole)[at:]
    assert read_events(again.events_path)[-1].tokens == read_events(whole.events_path)[-1].tokens


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tiny_folder: Path, rows: Path) -> None:
    first, second, other = (train(tiny_folder, rows, seed=seed) for seed in (1, 1, 2))
    assert same(weights(first.output), weights(second.output))
    assert not same(weights(first.output), weights(other.output))


def test_accumulation_8x1_equals_1x8(tiny_folder: Path, rows: Path) -> None:
    """Rows differ in length, so a mean of means would differ from the mean over all labels."""
    one = train(tiny_folder, rows, per_device_train_batch_size=8, num_train_epochs=3)
    many = train(
        tiny_folder, rows, per_device_train_batch_size=1, gradient_accumulation_steps=8, num_train_epochs=3
    )
    torch.testing.assert_close(losses(one), losses(many), rtol=1e-4, atol=1e-5)
    a, b = weights(one.output), weights(many.output)
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=1e-2, atol=2e-4)


def test_padded_training_equals_packed(
    tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = train(tiny_folder, rows)
    read_padded_rows(monkeypatch)
    plain = train(tiny_folder, rows)
    warned = [e for e in read_events(plain.events_path) if isinstance(e, Warned)]
    assert any(e.key == "training.padded" for e in warned)
    torch.testing.assert_close(losses(fast), losses(plain), rtol=1e-4, atol=1e-5)
    assert read_events(fast.events_path)[-1].tokens == read_events(plain.events_path)[-1].tokens


def test_eval_loss_is_the_mean_over_all_labels(tiny_folder: Path, rows: Path) -> None:
    run = train(
        tiny_folder, rows, val_size=5, per_device_eval_batch_size=2, eval_on_start=True, num_train_epochs=1
    )
    from conch.data.prepare import prepare
    from conch.data.template import ChatTemplate
    from conch.models.load import load_base, load_tokenizer
    from conch.models.locate import Request, locate
    from conch.training.loss import score

    config = run.config()
    tokenizer = load_tokenizer(tiny_folder, config.model)
    held_out = prepare(config.data, ChatTemplate.of(tokenizer), config.optimisation.seed).eval
    model = load_base(locate(Request.of(config.model)), config.model, torch.float32).eval()
    with torch.no_grad():
        scored = score(model, padded(held_out, 0))
    assert eval_losses(run)[0] == pytest.approx(float(scored.nll) / scored.labels, rel=1e-5)


def test_stop_saves_and_resume_goes_on(tiny_folder: Path, rows: Path) -> None:
    whole = train(tiny_folder, rows)
    run = new_run(tiny_folder, rows)
    asked = iter([False, False, True])

    from conch.training.job import Job
    from conch.training.job import train as do

    run.claim(1)
    do(Job(run.config(), run.output, run.events, wants_stop=lambda: next(asked, True)))
    last = read_events(run.events_path)[-1]
    assert isinstance(last, Stopped)
    assert last.step == 3
    assert last.checkpoint == str(run.output / "checkpoint-3")
    assert run.state() == "stopped"
    assert execute(run, resume=latest(run.output))
    assert run.state() == "finished"
    assert same(weights(run.output), weights(whole.output))


def test_save_total_limit_keeps_the_newest_and_the_best(tiny_folder: Path, rows: Path) -> None:
    run = train(
        tiny_folder,
        rows,
        val_size=0.25,
        save_steps=1,
        eval_steps=1,
        eval_strategy="steps",
        save_total_limit=2,
        load_best_model_at_end=True,
        learning_rate=0.5,
        num_train_epochs=4,
    )
    state = json.loads((run.output / "trainer_state.json").read_text())
    kept = [path.name for path in run.checkpoints()]
    assert len(kept) <= 3
    assert Path(state["best_model_checkpoint"]).name in kept
    assert Path(state["best_model_checkpoint"]).parent == run.output
    assert same(weights(run.output), weights(Path(state["best_model_checkpoint"])))


def test_early_stopping_ends_before_the_last_step(tiny_folder: Path, rows: Path) -> None:
    run = train(
        tiny_folder,
        rows,
        val_size=0.25,
        save_steps=1,
        eval_steps=1,
        eval_strategy="steps",
        load_best_model_at_end=True,
        early_stopping_steps=1,
        learning_rate=5.0,
        num_train_epochs=20,
    )
    finished = read_events(run.events_path)[-1]
    assert isinstance(finished, Finished)
    assert finished.step < 60


def test_truncated_rows_are_counted_and_said(tiny_folder: Path, tmp_path: Path) -> None:
    rows = tmp_path / "long.json"
    long = [{"instruction": "hi", "output": "word " * 200}, {"instruction": "hi", "output": "short"}]
    rows.write_text(json.dumps(long))
    run = train(tiny_folder, rows, cutoff_len=64, num_train_epochs=1)
    warned = [e.message for e in read_events(run.events_path) if isinstance(e, Warned)]
    assert any("1 of 2 rows" in message for message in warned)


def test_a_failure_becomes_an_event_with_a_remedy(tiny_folder: Path, rows: Path) -> None:
    run = new_run(tiny_folder, rows, lora_target="no_such_layer")
    assert not execute(run)
    failed = read_events(run.events_path)[-1]
    assert isinstance(failed, Failed)
    assert "no_such_layer" in failed.message
    assert "q_proj" in failed.hint
    assert run.state() == "failed"


def test_an_unexpected_failure_names_the_log(
    tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import conch.training.job as job

    def broken(_):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(job, "train", broken)
    run = new_run(tiny_folder, rows)
    assert not execute(run)
    failed = read_events(run.events_path)[-1]
    assert isinstance(failed, Failed)
    assert "ZeroDivisionError" in failed.message
    assert str(run.log_path) in failed.hint


def test_loraplus_gives_b_a_larger_rate(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, loraplus_lr_ratio=16, num_train_epochs=1)
    plain = train(tiny_folder, rows, num_train_epochs=1)
    assert not same(weights(run.output), weights(plain.output))


@pytest.mark.parametrize(
    "settings",
    [
        {"use_dora": True},
        {"use_rslora": True},
        {"pissa_init": True},
        {"additional_target": "embed_tokens"},
        {"neftune_noise_alpha": 5.0},
        {"gradient_checkpointing": True},
        {"compute_accuracy": True, "val_size": 0.25},
        {"optim": "sgd"},
    ],
)
def test_variants_train(tiny_folder: Path, rows: Path, settings: dict) -> None:
    run = train(tiny_folder, rows, num_train_epochs=1, **settings)
    assert math.isfinite(losses(run)[-1])


def test_an_adapter_is_continued_or_merged_below_a_new_one(tiny_folder: Path, rows: Path) -> None:
    first = train(tiny_folder, rows)
    on = train(tiny_folder, rows, adapter_name_or_path=str(first.output))
    fresh = train(tiny_folder, rows, adapter_name_or_path=str(first.output), create_new_adapter=True)
    assert losses(on)[0] < losses(first)[0]
    assert losses(fresh)[0] == pytest.approx(losses(on)[0], rel=1e-4)


def test_bf16_trains_too(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, bf16=True, num_train_epochs=4)
    assert losses(run)[-1] < losses(run)[0]
    assert all(tensor.dtype == torch.float32 for tensor in weights(run.output).values())


def test_a_base_in_int8_trains_nearly_as_in_fp32(tiny_folder: Path, rows: Path) -> None:
    exact = train(tiny_folder, rows, num_train_epochs=4)
    run = train(tiny_folder, rows, num_train_epochs=4, quantization_bit=8)
    assert losses(run)[-1] < losses(run)[0]
    assert losses(run)[-1] == pytest.approx(losses(exact)[-1], rel=0.02)
    assert all(tensor.dtype == torch.float32 for tensor in weights(run.output).values())
    again = train(tiny_folder, rows, adapter_name_or_path=str(run.output), create_new_adapter=True)
    assert losses(again)[0] == pytest.approx(losses(run)[-1], rel=0.1), "it fits the exact base"


def test_gradient_norm_and_rate_are_told(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows)
    metrics = [e for e in read_events(run.events_path) if isinstance(e, Metrics) and e.loss is not None]
    assert all(e.grad_norm and e.grad_norm > 0 for e in metrics)
    rates = [e.learning_rate for e in metrics]
    assert rates == sorted(rates, reverse=True)
    assert metrics[-1].eta_seconds == 0


def test_checkpoints_are_told_and_whole(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, save_steps=2)
    told = [Path(e.path) for e in read_events(run.events_path) if isinstance(e, Checkpoint)]
    assert told == run.checkpoints()
    assert all(is_whole(path) for path in told)


def test_what_is_cut_short_is_no_checkpoint(tiny_folder: Path, rows: Path) -> None:
    run = train(tiny_folder, rows, save_steps=2)
    newest = run.checkpoints()[-1]
    file = newest / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-5])
    assert not is_whole(newest)
    assert latest(run.output) == run.checkpoints()[-2]
    with pytest.raises(Exception, match="not whole"):
        resumable(newest)


def test_rotation_spares_the_best_and_the_newest(tmp_path: Path) -> None:
    for step in (1, 2, 3, 4, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
    gone = rotate(tmp_path, 2, str(tmp_path / "checkpoint-1"))
    assert [path.name for path in gone] == ["checkpoint-2", "checkpoint-3", "checkpoint-4"]
    assert rotate(tmp_path, None, None) == []


@pytest.mark.parametrize("architecture", ["qwen2", "gemma3_text", "mistral"])
def test_other_architectures_train(tmp_path: Path, architecture: str) -> None:
    model = save_tiny(tmp_path / architecture, architecture)
    run = train(model, write_rows(tmp_path / "rows.json"), num_train_epochs=4)
    assert losses(run)[-1] < losses(run)[0]


def test_an_adapter_on_merged_adapters_is_nothing_without_them(
    tiny_folder: Path, rows: Path, tmp_path: Path
) -> None:
    """Loaded by its folder alone it answers as it did in training: with the adapters below it."""
    from conch.config.model import ModelConfig
    from conch.data.prepare import prepare
    from conch.models.load import load
    from conch.training.loss import score

    first = train(tiny_folder, rows)
    second = train(
        tiny_folder,
        rows,
        adapter_name_or_path=str(first.output),
        create_new_adapter=True,
        save_steps=2,
        val_size=3,
    )
    for folder in (second.output, second.checkpoints()[-1]):
        loaded = load(ModelConfig(model_name_or_path=str(folder)), dtype="float32")
        assert loaded.located.adapters == (first.output, folder)
        config = second.config()
        held_out = prepare(config.data, loaded.template(), config.optimisation.seed).eval
        with torch.no_grad():
            scored = score(loaded.model, padded(list(held_out), 0))
        assert eval_losses(second)[-1] == pytest.approx(float(scored.nll) / scored.labels, rel=1e-4)
    shutil.rmtree(first.output)
    with pytest.raises(ModelError, match="which is gone"):
        load(ModelConfig(model_name_or_path=str(second.output)))


def test_the_system_text_of_training_is_the_default_afterwards(tiny_folder: Path, rows: Path) -> None:
    from conch.config.model import ModelConfig
    from conch.core.conversation import Message
    from conch.models.load import load

    system = 'You are "Conch".\nSay: 你好'
    run = train(tiny_folder, rows, default_system=system, num_train_epochs=1)
    kept = load(ModelConfig(model_name_or_path=str(run.output))).template()
    bare = load(ModelConfig(model_name_or_path=str(tiny_folder))).template()
    asked = Message("user", "hi")
    assert kept.render([asked]) == bare.render([Message("system", system), asked])
    assert kept.render([Message("system", "x"), asked]) == bare.render([Message("system", "x"), asked])


def test_a_model_with_sampling_values_can_be_saved(tiny_folder: Path, rows: Path, tmp_path: Path) -> None:
    """Many models on the hubs say temperature 0.6 without do_sample; transformers refuses to save that."""
    folder = tmp_path / "sampling"
    shutil.copytree(tiny_folder, folder)
    (folder / "generation_config.json").write_text('{"temperature": 0.6, "top_p": 0.95, "eos_token_id": 2}')
    run = train(folder, rows, finetuning_type="full", num_train_epochs=1)
    assert json.loads((run.output / "generation_config.json").read_text())["do_sample"] is True
