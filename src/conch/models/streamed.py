"""A model that is computed block by block: only the weights of one block are in memory at a time, in fp32.

For looking at a model that memory can't hold, slowly: every pass reads all files anew. Between passes the
parameters are single zeros that look like tensors of the right shape, so that all else is as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conch.config.model import ModelConfig
from conch.models.adapters import attach
from conch.models.load import (
    LoadedModel,
    adapter_folder,
    generation_config,
    load_tokenizer,
    mend_generation_config,
    tokenizer_folder,
)
from conch.models.locate import Located, Request, locate
from conch.models.merging import EMBEDDINGS, HEAD, AdapterFiles
from conch.models.pairing import strangers
from conch.models.weights import Stored, folder_tensors

import torch  # isort: skip - the libraries are quiet from `load` on
from accelerate import init_empty_weights
from peft.tuners.tuners_utils import BaseTunerLayer
from transformers import AutoConfig, AutoModelForCausalLM


class NotStreamableError(Exception):
    """Our own signal: the model must be loaded whole."""


@dataclass
class Streamed:
    """A loaded model whose weights come and go. What lies on top of it (LoRA) stays in memory."""

    loaded: LoadedModel
    places: Mapping[torch.nn.Parameter, Stored] = field(repr=False)
    merges: bool = False
    rounds_to: torch.dtype | None = None

    def merge(self) -> None:
        """From now on compute with each block's adapters merged into it, by peft."""
        self.merges = True

    def round(self, dtype: torch.dtype) -> None:
        """From now on compute with what was merged rounded to `dtype`."""
        self.rounds_to = dtype
        for name, parameter in self.loaded.model.named_parameters():
            if parameter not in self.places and ".lora_" not in name:  # weights that were trained whole
                parameter.data = parameter.data.to(dtype).float()

    def fill(self, block: torch.nn.Module) -> None:
        for parameter in self._of(block):
            parameter.data = _read(self.places[parameter])
        if self.merges:
            for layer in _tuned(block):
                layer.merge(safe_merge=True)
        if self.rounds_to is not None:
            for parameter in self._of(block):
                parameter.data = parameter.data.to(self.rounds_to).float()

    def empty(self, block: torch.nn.Module) -> None:
        for parameter in self._of(block):
            parameter.data = _nothing(parameter.shape)
        for layer in _tuned(block):
            layer.merged_adapters = []

    def _of(self, block: torch.nn.Module) -> list[torch.nn.Parameter]:
        return [parameter for parameter in block.parameters() if parameter in self.places]


def load_streamed(config: ModelConfig, template: str | None = None) -> Streamed:
    """As `load` with dtype float32 on the CPU. Raises NotStreamableError, and what `load` raises."""
    located = locate(Request.of(config))
    extra = tuple(adapter_folder(name, config) for name in config.adapter_name_or_path)
    notices = strangers(located.folder, located.adapters, extra)
    located = Located(located.name, located.folder, (*located.adapters, *extra))
    _check_adapters(located)
    words = tokenizer_folder(located)
    tokenizer = load_tokenizer(words, config)
    model = _skeleton(located.folder)
    if words != located.folder and len(tokenizer) > model.get_input_embeddings().num_embeddings:
        raise NotStreamableError("tokens were added")
    places = _places(model, folder_tensors(located.folder))
    adapted = attach(model, located.adapters).eval()
    streamed = Streamed(LoadedModel(adapted, tokenizer, located, template, notices), places)
    for block in _blocks(adapted, places):
        block.register_forward_pre_hook(_before(streamed))
        block.register_forward_hook(_behind(streamed), always_call=True)
    return streamed


def _check_adapters(located: Located) -> None:
    if len(located.adapters) > 1:
        raise NotStreamableError("several adapters")
    for folder in located.adapters:
        files = AdapterFiles.read(folder)
        strange = files.strange() + [name for name in files.whole if not files.saves(name)]
        if strange:
            raise NotStreamableError(", ".join(strange))


def _skeleton(folder: Path) -> Any:
    """The model without weights. Its buffers (rotary frequencies) are there."""
    try:
        config = AutoConfig.from_pretrained(folder)
        with init_empty_weights(include_buffers=False):
            model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        model.tie_weights()
    except Exception as error:  # an unknown family, code of its own: the usual way says what is wrong
        raise NotStreamableError(str(error)) from error
    model.generation_config = generation_config(folder) or model.generation_config
    mend_generation_config(model.generation_config)
    return model


def _places(model: Any, tensors: Mapping[str, Stored]) -> dict[torch.nn.Parameter, Stored]:
    """Where each parameter is stored. Parameters with two names (tied) are one."""
    known = dict(tensors)
    if EMBEDDINGS in known:
        known.setdefault(HEAD, known[EMBEDDINGS])
    places: dict[torch.nn.Parameter, Stored] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        stored = known.get(name)
        if stored is None or stored.shape != tuple(parameter.shape):
            raise NotStreamableError(name)
        if name == HEAD and (HEAD in tensors) is (model.get_input_embeddings().weight is parameter):
            raise NotStreamableError(name)  # config and files differ in whether it is tied
        places.setdefault(parameter, stored)
    real: dict[torch.nn.Parameter, torch.nn.Parameter] = {
        parameter: torch.nn.Parameter(_nothing(parameter.shape), requires_grad=False) for parameter in places
    }
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[name] = real[parameter]
    return {real[parameter]: stored for parameter, stored in places.items()}


def _nothing(shape: torch.Size) -> torch.Tensor:
    with torch.inference_mode(False):
        return torch.zeros(()).expand(shape)


def _read(stored: Stored) -> torch.Tensor:
    with torch.inference_mode(False):
        return torch.from_numpy(stored.values())


def _blocks(model: torch.nn.Module, places: Mapping[torch.nn.Parameter, Stored]) -> Iterator[torch.nn.Module]:
    """The layers, and what has weights of its own beside them; with what peft put around it."""
    for child in model.children():
        if isinstance(child, torch.nn.ModuleList):
            yield from child
        elif isinstance(child, BaseTunerLayer) or any(
            parameter in places for parameter in child.parameters(recurse=False)
        ):
            yield child
        else:
            yield from _blocks(child, places)


def _tuned(block: torch.nn.Module) -> list[Any]:
    return [module for module in block.modules() if isinstance(module, BaseTunerLayer)]


def _before(streamed: Streamed) -> Callable[..., None]:
    return lambda block, _: streamed.fill(block)


def _behind(streamed: Streamed) -> Callable[..., None]:
    return lambda block, _, __: streamed.empty(block)
