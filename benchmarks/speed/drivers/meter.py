"""What a training of any tool on transformers' Trainer takes: real tokens, time, loss, and memory.

Runs in the tool's own environment, so it imports nothing but torch and transformers. It looks on from
outside: batches are counted where the Trainer fetches them, and a callback takes the times.
"""

from __future__ import annotations

import json
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from light import peak
from transformers import Trainer, TrainerCallback

VERSIONS = ("torch", "transformers", "peft", "llamafactory", "trl")


class Meter(TrainerCallback):
    """Figures of each step; written to the job's result file when the training ends.

    A training that is longer than `seconds` is stopped behind the step that it is at.
    """

    def __init__(self, result: Path, seconds: float) -> None:
        self.result = result
        self.seconds = seconds
        self.began = 0.0
        self.steps: list[dict[str, float]] = []
        self._fetched = (0, 0)

    def fetch(self, batches: list[dict[str, Any]]) -> None:
        """The batches of the next step."""
        self._fetched = (sum(map(real_tokens, batches)), sum(map(trained_tokens, batches)))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        now = time.perf_counter()
        tokens, labels = self._fetched
        self.steps.append({"at": now - self.began, "tokens": tokens, "labels": labels})
        if self.seconds and now - self.began > self.seconds and len(self.steps) > 1:
            control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if self.steps and "loss" in (logs or {}):
            self.steps[-1]["loss"] = float(logs["loss"])

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        found = {
            "seconds": time.perf_counter() - self.began,
            "steps": self.steps,
            "peak": peak(),
            "threads": torch.get_num_threads(),
            "versions": versions(),
        }
        self.result.write_text(json.dumps(found), encoding="utf-8")


def look_on(job: dict[str, Any]) -> None:
    """Measure every training of this process from now on."""
    meter = Meter(Path(job["result"]), job["seconds"])
    count, train = Trainer._get_num_items_in_batch, Trainer.train

    def counted(self: Trainer, batches: list[dict[str, Any]], *args: Any, **options: Any) -> Any:
        for batch in batches:
            leave_tail(batch, *job["tail"])
        meter.fetch(batches)
        return count(self, batches, *args, **options)

    def trained(self: Trainer, *args: Any, **options: Any) -> Any:
        self.add_callback(meter)
        meter.began = time.perf_counter()
        return train(self, *args, **options)

    Trainer._get_num_items_in_batch, Trainer.train = counted, trained


def leave_tail(batch: dict[str, Any], end: int, tail: int | None) -> None:
    """Train nothing behind an end-of-turn token.

    Some tools train the line break that the template puts there, others don't. It is certain, so it
    would make the former's loss look lower.
    """
    ids, labels = batch["input_ids"], batch["labels"]
    behind = (ids[..., 1:] == tail) & (ids[..., :-1] == end) if tail is not None else None
    if behind is not None:
        labels[..., 1:][behind] = -100


def real_tokens(batch: dict[str, Any]) -> int:
    """Tokens that are no padding.

    A mask of four dimensions says which positions see which; one that is no padding sees itself.
    """
    mask = batch.get("attention_mask")
    if mask is None:
        return int(batch["input_ids"].numel())
    if mask.ndim == 4:
        return int((torch.diagonal(mask[:, 0], dim1=1, dim2=2) == 0).sum())
    return int((mask != 0).sum())


def trained_tokens(batch: dict[str, Any]) -> int:
    """Labels that a loss is taken of: the first token of a row has no predecessor."""
    return int((batch["labels"][..., 1:] != -100).sum())


def versions() -> dict[str, str]:
    found = {}
    for name in VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
