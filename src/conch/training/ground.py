"""What a training stands on: device, format, files, and the model that is made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from conch.config.train import TrainConfig
from conch.core.notice import Notice
from conch.data.template import ChatTemplate
from conch.models.adapters import attach, freeze_layers, new_lora
from conch.models.hardware import Device, Precision, choose_precision, find_device
from conch.models.load import (
    adapter_folder,
    bitsandbytes_config,
    fit_vocabulary,
    load_base,
    load_tokenizer,
)
from conch.models.locate import Located, Request, locate
from conch.models.pairing import strangers
from conch.models.quantization import Quantization, choose_quantization
from conch.training.kernels.int8 import hold_in_int8
from conch.training.method import Method
from conch.training.methods import METHODS


@dataclass(frozen=True)
class Ground:
    """What a training stands on: where it computes, in which format, and from which files."""

    device: Device
    precision: Precision
    quantised: Quantization | None
    located: Located
    adapters: tuple[Path, ...]
    """To start from: those that the model is known with, and those named beside it."""
    tokenizer: Any
    method: Method
    template: ChatTemplate


def lay_ground(config: TrainConfig, tell: Callable[[str], None] = lambda doing: None) -> Ground:
    """Choose device and format, find the model, and load its tokenizer with the template to train with.

    `tell` hears what is being done to get the model.
    """
    device = find_device(bool(config.passthrough.get("use_cpu")))
    quantised = choose_quantization(device, config.quantization)
    precision = choose_precision(device, config.precision, int8=quantised == "int8")
    located = locate(Request.of(config.model, tell))
    tokenizer = load_tokenizer(located.folder, config.model)
    method = METHODS[config.method.stage](config.rows())
    template = method.template(tokenizer)
    keep_template(tokenizer, template, config.data.default_system)
    named = (adapter_folder(name, config.model) for name in config.model.adapter_name_or_path)
    return Ground(
        device=device,
        precision=precision,
        quantised=quantised,
        located=located,
        adapters=(*located.adapters, *named),
        tokenizer=tokenizer,
        method=method,
        template=template,
    )


def keep_template(tokenizer: Any, template: ChatTemplate, default_system: str | None) -> None:
    """Let the tokenizer carry the template, so that whoever loads the result talks to it as it was trained.

    A model that has several templates keeps them all where its own default is what was trained with.
    """
    own = tokenizer.chat_template
    trained_with = template.kept_source(default_system)
    if template.source and trained_with != (own.get("default") if isinstance(own, dict) else own):
        tokenizer.chat_template = trained_with


def build_model(config: TrainConfig, ground: Ground) -> Any:
    """The model with the weights that train marked as such.

    Weights that train are held in fp32 (unless `pure_bf16`); a frozen base is held in the format
    that it is multiplied in.
    """
    lora = config.method.finetuning_type == "lora"
    held = ground.precision.dtype if lora or config.precision.pure_bf16 else "float32"
    if held == "float16" and ground.device.kind == "cpu":
        held = "float32"
    bits = bitsandbytes_config(config.quantization, held) if ground.quantised == "bnb" else None
    as_stored = ground.quantised == "int8" and not adapters_below(config, ground)
    dtype = "auto" if as_stored else getattr(torch, held)  # mapped, and read once to be quantised
    model = load_base(ground.located, config.model, dtype, bits)
    fit_vocabulary(model, ground.tokenizer, config.model)
    if lora:
        model = _with_lora(config, ground, model)
    elif config.method.finetuning_type == "freeze":
        freeze_layers(model, config.freeze)
    if config.precision.upcast_layernorm:
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1 and "norm" in name:
                parameter.data = parameter.data.float()
    return model


def adapter_notices(ground: Ground) -> tuple[Notice, ...]:
    """What is odd about the adapters that are named beside the model."""
    own = ground.located.adapters
    return strangers(ground.located.folder, own, ground.adapters[len(own) :])


def adapters_below(config: TrainConfig, ground: Ground) -> tuple[Path, ...]:
    """Those of them that are merged into the base, so that the trained adapter means nothing without them."""
    return ground.adapters if config.lora.create_new_adapter else ground.adapters[:-1]


def _with_lora(config: TrainConfig, ground: Ground, model: Any) -> Any:
    """A new adapter on the model; or its last adapter, to be trained on."""
    below = adapters_below(config, ground)
    above = ground.adapters[len(below) :]
    if below:
        model = attach(model, below).merge_and_unload()
    if ground.quantised == "int8":
        hold_in_int8(model, config.lora.additional_target)
    return attach(model, above, trainable=True) if above else new_lora(model, config.lora)
