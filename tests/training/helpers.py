"""Short tiny runs, in process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from conch.config import load_train
from conch.core.events import Metrics
from conch.runs import Run, read_events, store
from conch.training import job
from conch.training.kernels.choice import PLAIN
from conch.worker import execute

FP32 = {"bf16": False, "fp16": False}
BASIC = {
    "learning_rate": 1e-2,
    "num_train_epochs": 2,
    "per_device_train_batch_size": 4,
    "logging_steps": 1,
    "lora_dropout": 0.0,
    "plot_loss": False,
    **FP32,
}


def new_run(model: Path, rows: Path, **settings: Any) -> Run:
    values = {"model_name_or_path": str(model), "dataset": str(rows), **BASIC, **settings}
    return store.create(load_train(values=values).config)


def train(model: Path, rows: Path, **settings: Any) -> Run:
    run = new_run(model, rows, **settings)
    assert execute(run), run.summary()["error"]
    return run


def read_padded_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on models are such as can't be told of segments."""
    monkeypatch.setattr(job, "find_path", lambda *_, **__: (False, PLAIN))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors that a run or checkpoint folder holds."""
    tensors: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        tensors |= load_file(file)
    return tensors


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def losses(run: Run) -> list[float]:
    return [e.loss for e in read_events(run.events_path) if isinstance(e, Metrics) and e.loss is not None]


def eval_losses(run: Run) -> list[float]:
    events = read_events(run.events_path)
    return [e.eval_loss for e in events if isinstance(e, Metrics) and e.eval_loss is not None]
