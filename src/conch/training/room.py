"""Whether memory is so ample that nobody need try what fits."""

from __future__ import annotations

from conch.config.train import TrainConfig
from conch.data.prepared import Prepared
from conch.models.headers import read_model_files
from conch.runs.machine import memory_available
from conch.training.ground import Ground
from conch.training.plan import foretold_memory

AMPLE = 2.0
"""Times what the training is estimated to take. Estimates are off by less than a fifth."""


def has_ample_room(config: TrainConfig, ground: Ground, prepared: Prepared) -> bool:
    """Whether this machine has far more memory free than the training will take at its peak.

    Only memory that is the processor's own: what a GPU has left, others may take meanwhile, and it is
    filled to the brim more often.
    """
    if ground.device.kind != "cpu" or prepared.stream is not None:
        return False
    files = read_model_files(ground.located.folder)
    memory = foretold_memory(config, files, ground.precision.dtype, prepared, ground.device.kind)
    return AMPLE * memory.total <= memory_available()
