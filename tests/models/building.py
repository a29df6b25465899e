"""A model made ready to train, without a run around it."""

from __future__ import annotations

from typing import Any

from conch.config.train import TrainConfig
from conch.data.template import ChatTemplate
from conch.models.hardware import Device, Precision
from conch.models.load import adapter_folder, load_tokenizer
from conch.models.locate import Request, locate
from conch.training.ground import Ground, build_model
from conch.training.methods.sft import SupervisedFineTuning


def ground_of(config: TrainConfig) -> Ground:
    """What a training in fp32 on a CPU stands on."""
    located = locate(Request.of(config.model))
    named = (adapter_folder(name, config.model) for name in config.model.adapter_name_or_path)
    tokenizer = load_tokenizer(located.folder, config.model)
    method, template = SupervisedFineTuning(config.data), ChatTemplate.of(tokenizer)
    return Ground(
        device=Device("cpu", False, ""),
        precision=Precision("float32", ""),
        quantised=None,
        located=located,
        adapters=(*located.adapters, *named),
        tokenizer=tokenizer,
        method=method,
        template=template,
    )


def built(config: TrainConfig) -> Any:
    return build_model(config, ground_of(config))
