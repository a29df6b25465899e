"""A run's events as a person follows them."""

from __future__ import annotations

import io
from dataclasses import MISSING, fields
from typing import Any

import pytest
from rich.console import Console

from conch.cli.progress import Follower
from conch.core.events import (
    KINDS,
    Checkpoint,
    Continued,
    Diagnosis,
    Event,
    Failed,
    Finished,
    Metrics,
    Paused,
    Phase,
    Queued,
    Removed,
    Sample,
    Started,
    Stopped,
    Warned,
)
from conch.core.text import set_language

FACTS = {
    "train_rows": 10,
    "eval_rows": 2,
    "tokens": 100,
    "trained_tokens": 50,
    "truncated_rows": 1,
    "longest": 20,
}
SETTING = {
    "device": "cpu",
    "dtype": "float32",
    "reason": "so",
    "trainable_parameters": 1234567,
    "packed": True,
}
FULL = Metrics(
    t=1.0,
    step=5,
    total_steps=10,
    loss=2.5,
    eval_loss=2.75,
    tokens_per_second=99.6,
    eta_seconds=61.0,
    memory_bytes=2_000_000_000,
)

EVENTS: list[tuple[Event, str]] = [
    (Queued(0.0), ""),
    (Started(0.0, 1), ""),
    (Started(0.0, 1, "out/checkpoint-3"), "out/checkpoint-3"),
    (Phase(0.0, "locating"), "Looking for the model"),
    (Phase(0.0, "loading"), "Loading the model"),
    (Phase(0.0, "loading", {"doing": "Converting x.gguf …"}), "Converting x.gguf"),
    (Phase(0.0, "tokenising"), "Tokenising"),
    (Phase(0.0, "tokenising", {"done": 500, "of": 1000}), "Tokenising"),
    (Phase(0.0, "tokenised", FACTS), "10 rows to train on, 2 to evaluate on; 100 tokens, 50 of them"),
    (Phase(0.0, "tokenised"), ""),
    (Phase(0.0, "training", SETTING), "1,234,567 parameters on cpu in float32: so"),
    (Phase(0.0, "training"), ""),
    (Phase(0.0, "saving"), "Saving"),
    (Phase(0.0, "of a later version", {"x": 1}), ""),
    (Metrics(0.0, 1), "step 1/?"),
    (FULL, "step 5/10  loss 2.500  eval 2.750  100 tokens/s  1:01 left  2.00 GB"),
    (Checkpoint(0.0, 5, "out/checkpoint-5"), "out/checkpoint-5"),
    (Sample(0.0, 5, "Who?", "Me."), "step 5  Who? → Me."),
    (Warned(0.0, "Careful [bold] :cat: {x}"), "Careful [bold] :cat: {x}"),
    (Removed(0.0, 5, "out/checkpoint-5", 1000), "save_disk_budget: out/checkpoint-5"),
    (Removed(0.0, 5, "out/checkpoint-5"), "save_total_limit: out/checkpoint-5"),
    (Paused(0.0, "checkpoint-6", "out", "No room.", "Make [some]."), "Note: No room.\n  → Make [some]."),
    (Continued(0.0, "checkpoint-6", 61.0), "checkpoint-6 is written, the run goes on after 1:01."),
    (Diagnosis(0.0, "It fell."), "It fell."),
    (
        Finished(0.0, 10, 61.0, 5000, 81.9, 1.5, 1.75),
        "in 1:01: 5,000 tokens at 82 tokens/s, loss 1.500, eval loss 1.750",
    ),
    (Finished(0.0, 10, 61.0, 5000, 81.9), "loss -, eval loss -"),
    (Failed(0.0, "DataError", "It [broke].", "Mend it."), "Error: It [broke].\n  → Mend it."),
    (Stopped(0.0, 5, "out/checkpoint-5"), "step 5; saved: out/checkpoint-5"),
    (Stopped(0.0, 5), "nothing is saved"),
]


def shown(*events: Event, terminal: bool = False) -> str:
    console = Console(file=io.StringIO(), width=200, force_terminal=terminal, highlight=False)
    with Follower(console) as follower:
        for event in events:
            follower.show(event)
    told: Any = console.file
    return str(told.getvalue())


@pytest.mark.parametrize(
    ("event", "said"), EVENTS, ids=lambda value: value.kind if isinstance(value, Event) else ""
)
def test_each_event_is_shown(event: Event, said: str) -> None:
    told = shown(event)
    assert said in told
    assert len(told.splitlines()) == len(said.splitlines())


@pytest.mark.parametrize("terminal", [True, False])
def test_each_event_is_shown_in_chinese_as_well(terminal: bool) -> None:
    set_language("zh")
    told = shown(*(event for event, _ in EVENTS), terminal=terminal)
    for words in (
        "正在加载模型",
        "1,234,567 个参数",
        "损失 2.500",
        "评估损失 2.750",
        "100 词元/秒",
        "错误：It [broke].",
    ):
        assert words in told


def test_no_kind_of_event_was_left_out() -> None:
    assert {type(event) for event, _ in EVENTS} == set(KINDS.values())


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_an_event_with_nothing_but_what_it_needs(kind: type[Event]) -> None:
    fillers: dict[str, Any] = {"int": 1, "float": 1.0, "str": "x"}
    needed = {f.name: fillers[str(f.type)] for f in fields(kind) if f.default is MISSING}
    shown(kind(**needed))


def test_speed_time_left_and_memory_outlive_an_evaluation() -> None:
    told = shown(FULL, Metrics(1.0, 6, 10, eval_loss=2.5))
    assert "step 6/10  loss 2.500  eval 2.500  100 tokens/s  1:01 left  2.00 GB" in told


def test_the_lowest_eval_loss_is_told_where_it_is_not_the_last() -> None:
    finished = Finished(9.0, 10, 61.0, 5000, 81.9, 1.5, 2.5)
    evals = [Metrics(1.0, step, 10, eval_loss=loss) for step, loss in ((2, 3.0), (4, 2.0), (6, 2.5))]
    assert "Lowest eval loss 2.000, at step 4" in shown(*evals, finished)
    assert "Lowest" not in shown(*evals[:2], finished)


def test_the_length_of_a_phase_is_told_once_it_is_over() -> None:
    events = (Phase(1.0, "locating"), Phase(2.0, "locating"), Phase(4.5, "tokenising"), Phase(4.6, "loading"))
    lines = shown(*events).splitlines()
    assert lines == [
        "Looking for the model …",
        "  took 3.5 s",
        "Tokenising the data …",
        "Loading the model …",
    ]


def test_an_evaluation_in_hand_is_shown_in_a_terminal() -> None:
    assert "evaluating" in shown(FULL, Phase(2.0, "evaluating"), terminal=True)
    assert "evaluating" not in shown(FULL, Phase(2.0, "evaluating"))


def test_a_whole_run_in_a_terminal() -> None:
    told = shown(*(event for event, _ in EVENTS), terminal=True)
    assert "step 5/10" in told


def test_without_a_terminal_about_twenty_steps_are_told() -> None:
    steps = [Metrics(0.0, step, 1000, loss=1.0) for step in range(1, 1001)]
    assert len(shown(*steps).splitlines()) in range(15, 30)
