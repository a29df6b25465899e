"""What belongs to a model beside its weights: for engines that read the weights themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from conch.config.model import ModelConfig
from conch.core.errors import ModelError, first_line
from conch.core.notice import Notice
from conch.data.template import ChatTemplate
from conch.models.load import (
    adapter_folder,
    generation_config,
    load_tokenizer,
    mend_generation_config,
    tokenizer_folder,
)
from conch.models.locate import Located, Notify, Request, locate, silent
from conch.models.pairing import strangers


@dataclass(frozen=True)
class Outline:
    """A model on disk, as `LoadedModel` is one in memory."""

    located: Located
    tokenizer: Any
    generation: Any
    config: Any
    """The text model's config, of transformers."""
    template_name: str | None = None
    notices: tuple[Notice, ...] = ()

    @property
    def name(self) -> str:
        return self.located.name

    def template(self) -> ChatTemplate:
        """The chat template. Raises ModelError where the model has none and none was given."""
        return ChatTemplate.of(self.tokenizer, self.template_name)

    def stop_ids(self) -> frozenset[int]:
        """Every token that ends an answer: the template's, the tokenizer's and the generation config's."""
        return self.template().stop_ids(ends_of(self.generation))


def ends_of(generation: Any) -> Sequence[int]:
    own = generation.eos_token_id
    return [own] if isinstance(own, int) else list(own or [])


def find(config: ModelConfig, notify: Notify = silent) -> tuple[Located, tuple[Notice, ...]]:
    """The model and its adapters on this machine, and what is odd about them."""
    located = locate(Request.of(config, notify))
    extra = tuple(adapter_folder(name, config) for name in config.adapter_name_or_path)
    notices = strangers(located.folder, located.adapters, extra)
    return replace(located, adapters=(*located.adapters, *extra)), notices


def outline(
    located: Located, config: ModelConfig, template: str | None, notices: tuple[Notice, ...] = ()
) -> Outline:
    """Read all but the weights. Raises ModelError."""
    from transformers import AutoConfig, GenerationConfig

    folder = located.folder
    try:
        read = AutoConfig.from_pretrained(folder)
    except Exception as error:  # an unknown architecture, a broken file
        raise ModelError("models.cannot_load", folder=folder, reason=first_line(error)) from error
    generation = generation_config(folder) or GenerationConfig.from_model_config(read)
    mend_generation_config(generation)
    tokenizer = load_tokenizer(tokenizer_folder(located), config)
    return Outline(located, tokenizer, generation, read.get_text_config(), template, notices)


def cache_bytes(config: Any) -> int:
    """What one token of context takes in memory, in fp16."""
    heads = int(getattr(config, "num_key_value_heads", None) or config.num_attention_heads)
    size = int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
    return 2 * 2 * int(config.num_hidden_layers) * heads * size
