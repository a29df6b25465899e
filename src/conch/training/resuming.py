"""Whether training can go on from a checkpoint with these settings. No torch.

Where it can't, a library would say so after minutes, in words about tensors and parameter groups.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conch.config.train import TrainConfig
from conch.core.errors import ConchError, TrainingError
from conch.core.files import expanded
from conch.core.text import tr
from conch.runs import store
from conch.runs.run import Run
from conch.training.checkpoint import latest, resumable

SHAPING = (
    *("model_name_or_path", "stage", "finetuning_type", "train_from_scratch", "optim"),
    *("lora_rank", "lora_alpha", "lora_target", "additional_target"),
    *("use_rslora", "use_dora", "pissa_init", "loraplus_lr_ratio"),
    *("freeze_trainable_layers", "freeze_trainable_modules", "freeze_extra_modules"),
)
"""Keys that decide what is trained, and how the optimiser keeps it."""


def check_checkpoint(config: TrainConfig) -> None:
    """Raises TrainingError where `resume_from_checkpoint` names what these settings can't go on from.

    `config` has its paths in place.
    """
    output = config.output.output_dir
    checkpoint = asked_for(config, Path(output) if output else None)
    if checkpoint is None:
        return
    differences = differing(checkpoint, config.to_flat())
    if differences:
        lines = "\n".join(
            "  " + tr("runs.changed.setting", name=name, before=json.dumps(before), now=json.dumps(now))
            for name, (before, now) in differences.items()
        )
        raise TrainingError("training.checkpoint_differs", path=checkpoint, differences=lines)


def asked_for(config: TrainConfig, output: Path | None) -> Path | None:
    """The checkpoint that the settings name, or the newest in `output`; None where there is none."""
    if config.output.resumes_newest():
        return latest(output) if output else None
    asked = config.output.resume_from_checkpoint
    return resumable(expanded(asked)) if isinstance(asked, str) else None


def differing(checkpoint: Path, flat: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The settings that a checkpoint was made with and that are others now, as (then, now)."""
    made = _settings_of(checkpoint)
    return {key: (value, flat.get(key)) for key, value in made.items() if value != flat.get(key)}


def _settings_of(checkpoint: Path) -> dict[str, Any]:
    """What is known of the settings that shaped it: from the run that made it, or from itself."""
    owner = _owner(checkpoint)
    if owner is None:
        return _told_by(checkpoint)
    try:
        flat = owner.config().to_flat()
    except ConchError:  # somebody broke the file
        return _told_by(checkpoint)
    return {key: flat.get(key) for key in SHAPING}


def _owner(checkpoint: Path) -> Run | None:
    """The run that made the checkpoint, where it is known here and lies where that run put it."""
    output = checkpoint.absolute().parent
    return next((run for run in store.list_runs() if run.output == output), None)


def _told_by(checkpoint: Path) -> dict[str, Any]:
    """What an adapter's checkpoint itself says."""
    try:
        adapter = json.loads((checkpoint / "adapter_config.json").read_text(encoding="utf-8"))
        return {"finetuning_type": "lora", "lora_rank": adapter["r"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
