"""Whether a run fits on a device beside those that are at work there. No torch.

Counted is what can't be made smaller: weights, gradients, optimiser, libraries. A micro batch that
does not fit is computed in parts (`conch.training.fitting`).
"""

from __future__ import annotations

from collections.abc import Sequence

from conch.config.train import TrainConfig
from conch.core.errors import ConchError
from conch.core.events import Metrics, Started
from conch.models.hardware import Device, choose_precision, cpu_device, free_on_gpu
from conch.models.headers import read_model_files
from conch.models.locate import Request, find
from conch.models.memory import estimate
from conch.models.quantization import choose_quantization
from conch.runs.machine import memory_available
from conch.runs.run import Run
from conch.runs.summary import open_log

GPU = Device("cuda", True, "")
"""A GPU as it is guessed without torch, which alone knows more."""


def fits_beside(run: Run, device: str, others: Sequence[Run]) -> bool:
    """Whether what is free on `device` holds `run`, and those of `others` that have yet to take theirs.

    Where that is not known, as of a model that is still to be fetched, it does not.
    """
    kind = device.partition(":")[0]
    needs = [bytes_needed(each, kind) for each in (run, *others) if each == run or not _is_training(each)]
    free = memory_available() if device == "cpu" else free_on_gpu(device.partition(":")[2])
    return free is not None and None not in needs and sum(filter(None, needs)) <= free


def _is_training(run: Run) -> bool:
    """Whether it has done a step in this attempt, so that its memory is taken."""
    with open_log(run.events_path) as log:
        return next(log.all(Metrics, since=Started), None) is not None


def bytes_needed(run: Run, kind: str) -> int | None:
    """What the run takes on a `cpu` or `cuda` before its first row; None where its model is not here."""
    try:
        config = run.config()
        located = find(Request.of(config.model))
        if located is None:
            return None
        files = read_model_files(located.folder)
        return estimate(files, config, _dtype(config, kind), tokens=0, trained=0, device=kind).total
    except ConchError:
        return None


def _dtype(config: TrainConfig, kind: str) -> str:
    """The format that it will compute in."""
    device = cpu_device() if kind == "cpu" else GPU
    int8 = choose_quantization(device, config.quantization) == "int8"
    return choose_precision(device, config.precision, int8=int8).dtype
