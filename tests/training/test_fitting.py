"""Micro batches that do not fit: an allocator that gives up above so many tokens, and a real bound."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Trainer

from conch.core.events import Failed, Finished, Warned
from conch.runs import Run, read_events
from conch.training import fitting, malloc, room
from conch.training.fitting import is_out_of_memory
from conch.training.plan import make_plan
from conch.training.trainer import ConchTrainer
from conch.training.watch import ShortOfMemoryError
from conch.worker import execute
from tests.tiny import save_tiny, write_rows
from tests.training.helpers import losses, new_run, read_padded_rows, same, train, weights

Fails = Callable[[ConchTrainer, int], bool]
THRIFT, SPLIT, CHECKPOINTING = (f"training.memory_{name}" for name in ("thrift", "split", "checkpointing"))


@pytest.fixture(autouse=True)
def own_malloc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that tests run in keeps its allocator as it is."""
    monkeypatch.setattr(malloc, "keep_little", lambda: True)


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the machine had little memory left, so that trainings try what fits."""
    monkeypatch.setattr(room, "memory_available", lambda: 0)


@pytest.fixture
def give_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fails], list[int]]:
    """Let memory run out where `fails(trainer, tokens)`, at the worst moment: with all gradients made."""

    def arrange(fails: Fails) -> list[int]:
        tried: list[int] = []
        real = Trainer.training_step

        def step(self: Any, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Any:
            tried.append(inputs["input_ids"].numel())
            loss = real(self, model, inputs, num_items_in_batch)
            if fails(self, tried[-1]):
                raise torch.OutOfMemoryError("injected")
            return loss

        monkeypatch.setattr(Trainer, "training_step", step)
        return tried

    return arrange


def warned(run: Run) -> list[str]:
    told = [event.key for event in read_events(run.events_path) if isinstance(event, Warned)]
    return [key for key in told if key and key.startswith("training.memory")]


def tokens_of(run: Run) -> int:
    last = read_events(run.events_path)[-1]
    assert isinstance(last, Finished)
    return last.tokens


def assert_alike(one: Run, other: Run) -> None:
    """Trained on the same, but for the order in which gradients were summed up."""
    torch.testing.assert_close(losses(one), losses(other), rtol=1e-4, atol=1e-5)
    a, b = weights(one.output), weights(other.output)
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=1e-2, atol=2e-4)
    assert tokens_of(one) == tokens_of(other)


# the probe


def test_the_probe_leaves_no_trace(tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probed = train(tiny_folder, rows, lora_dropout=0.1, num_train_epochs=1)
    monkeypatch.setattr(ConchTrainer, "_probe", lambda self: None)
    plain = train(tiny_folder, rows, lora_dropout=0.1, num_train_epochs=1)
    assert same(weights(probed.output), weights(plain.output))
    assert losses(probed) == losses(plain)
    assert tokens_of(probed) == tokens_of(plain)


def test_the_heaviest_batch_is_computed_first(
    tiny_folder: Path, rows: Path, give_up: Callable[[Fails], list[int]]
) -> None:
    tried = give_up(lambda trainer, tokens: False)
    train(tiny_folder, rows, num_train_epochs=2)
    assert tried[0] >= max(tried[1:])


def test_nothing_is_tried_where_memory_is_ample(
    tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice of what the dry run foretells is free, and not a byte less."""
    probed: list[int] = []
    monkeypatch.setattr(ConchTrainer, "_probe", lambda self: probed.append(1))
    run = new_run(tiny_folder, rows, max_steps=1)
    total = make_plan(run.config()).memory.total
    monkeypatch.setattr(room, "memory_available", lambda: 2 * total)
    assert execute(run)
    assert not probed
    monkeypatch.setattr(room, "memory_available", lambda: 2 * total - 1)
    train(tiny_folder, rows, max_steps=1)
    assert probed


@pytest.mark.parametrize("exact", [True, False], ids=["packed", "padded"])
def test_what_does_not_fit_is_split_before_the_first_step(
    tiny_folder: Path,
    rows: Path,
    give_up: Callable[[Fails], list[int]],
    monkeypatch: pytest.MonkeyPatch,
    exact: bool,
) -> None:
    if not exact:
        read_padded_rows(monkeypatch)
    whole = train(tiny_folder, rows)
    begun: list[int] = []
    bound = 100

    def fails(trainer: ConchTrainer, tokens: int) -> bool:
        begun.append(trainer.state.global_step)
        return tokens > bound

    tried = give_up(fails)
    parted = train(tiny_folder, rows)
    assert warned(parted) == [THRIFT, SPLIT]
    over = [step for step, tokens in zip(begun, tried, strict=True) if tokens > bound]
    assert over == [0, 0]
    assert_alike(whole, parted)


@pytest.mark.parametrize("padded", [False, True])
def test_parts_train_as_the_whole(
    tiny_folder: Path,
    rows: Path,
    monkeypatch: pytest.MonkeyPatch,
    give_up: Callable[[Fails], list[int]],
    padded: bool,
) -> None:
    if padded:
        read_padded_rows(monkeypatch)
    whole, parted_tokens = train(tiny_folder, rows), 60
    monkeypatch.setattr(fitting, "PART_TOKENS", parted_tokens)
    tried = give_up(lambda trainer, tokens: False)
    parted = train(tiny_folder, rows)
    assert max(tried) <= parted_tokens
    assert not warned(parted)
    assert_alike(whole, parted)


def test_the_estimate_knows_of_parts(tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = new_run(tiny_folder, rows, per_device_train_batch_size=12).config()
    whole = make_plan(config).memory
    monkeypatch.setattr(fitting, "PART_TOKENS", 60)
    parts = make_plan(config).memory
    assert parts.activations < whole.activations
    assert parts.gradients == whole.gradients


# in the middle


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("x"), ShortOfMemoryError(), MemoryError()], ids=repr
)
def test_a_repeated_step_equals_one_that_never_failed(
    tiny_folder: Path, rows: Path, give_up: Callable[[Fails], list[int]], error: Exception
) -> None:
    """The second micro batch of a step fails, with dropout: the first one must be begun again, too."""
    settings = {"gradient_accumulation_steps": 2, "lora_dropout": 0.1, "per_device_train_batch_size": 3}
    plain = train(tiny_folder, rows, **settings)
    failures: list[int] = []

    def fails(trainer: ConchTrainer, tokens: int) -> bool:
        first = trainer.state.global_step == 2 and len(trainer.fitting._done) == 2 and not failures
        if first:
            failures.append(tokens)
            raise error
        return False

    give_up(fails)
    disturbed = train(tiny_folder, rows, **settings)
    assert failures
    assert warned(disturbed) == [THRIFT]
    assert same(weights(plain.output), weights(disturbed.output))
    assert losses(plain) == losses(disturbed)
    assert tokens_of(plain) == tokens_of(disturbed)


def test_memory_that_gets_short_in_the_middle_splits_from_there(
    tiny_folder: Path, rows: Path, give_up: Callable[[Fails], list[int]]
) -> None:
    settings = {"gradient_accumulation_steps": 2, "per_device_train_batch_size": 3}
    plain = train(tiny_folder, rows, **settings)
    give_up(lambda trainer, tokens: trainer.state.global_step >= 2 and tokens > 60)
    split = train(tiny_folder, rows, **settings)
    assert warned(split)[:2] == [THRIFT, SPLIT]
    assert_alike(plain, split)


# what is left to try


def test_a_row_that_does_not_fit_is_computed_twice(
    tiny_folder: Path, rows: Path, give_up: Callable[[Fails], list[int]]
) -> None:
    plain = train(tiny_folder, rows)
    give_up(lambda trainer, tokens: not trainer.model.is_activation_checkpointing)
    run = train(tiny_folder, rows)
    assert warned(run)[0] == THRIFT
    assert warned(run)[-1] == CHECKPOINTING
    assert SPLIT in warned(run)
    assert_alike(plain, run)


@pytest.mark.parametrize("forbidden", [False, True])
def test_what_never_fits_fails_with_the_keys_to_lower(
    tiny_folder: Path, rows: Path, give_up: Callable[[Fails], list[int]], forbidden: bool
) -> None:
    give_up(lambda trainer, tokens: True)
    run = new_run(tiny_folder, rows, disable_gradient_checkpointing=forbidden)
    assert not execute(run)
    failed = read_events(run.events_path)[-1]
    assert isinstance(failed, Failed)
    assert "does not fit into memory" in failed.message
    assert "cutoff_len" in failed.hint
    assert ("disable_gradient_checkpointing" in failed.hint) is forbidden
    assert (CHECKPOINTING in warned(run)) is not forbidden


def test_other_errors_are_not_taken_for_it(
    tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def step(*_: Any, **__: Any) -> None:
        tried.append(1)
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(Trainer, "training_step", step)
    assert not execute(new_run(tiny_folder, rows))
    assert len(tried) == 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("std::bad_alloc"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (OSError(12, "Cannot allocate memory"), False),
    ],
    ids=str,
)
def test_how_allocators_say_it(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


# a real bound

BOUNDED = """
import resource, sys
import conch.training.job, torch
conch.training.fitting.PART_TOKENS = 1 << 30
from conch.runs import Run
from conch.worker import execute
torch.set_num_threads(1)
torch.nn.functional.linear(torch.ones(64, 64), torch.ones(64, 64))
size = int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1]) * 1024
bound = size + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
sys.exit(0 if execute(Run(__import__("pathlib").Path(sys.argv[1]))) else 1)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address space is bounded so on Linux only")
def test_a_real_bound_of_memory(tmp_path: Path) -> None:
    """Sixteen rows at once, where nothing else parts them, take more than 150 MB and must do with 110."""
    model = save_tiny(tmp_path / "model", hidden_size=128, intermediate_size=512, num_hidden_layers=4)
    rows = write_rows(tmp_path / "rows.json", count=16, times=10)
    run = new_run(model, rows, per_device_train_batch_size=16, max_steps=1, report_to="none")
    child = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED, str(run.folder), "110000000"],
        env=child,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert isinstance(read_events(run.events_path)[-1], Finished)
    assert SPLIT in warned(run)
