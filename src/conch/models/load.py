"""A located model → weights, tokenizer and chat template that belong together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conch.config.model import ModelConfig
from conch.config.quantization import QuantizationConfig
from conch.core import env
from conch.core.errors import ModelError, first_line
from conch.core.files import expanded, is_file
from conch.core.notice import Notice
from conch.data.template import ChatTemplate
from conch.models.hardware import Device, fast_dtype, find_device
from conch.models.headers import read_model_files
from conch.models.locate import Located, Notify, Request, locate, silent
from conch.models.pairing import strangers

env.quiet_libraries()

import torch  # noqa: E402 - the libraries read their environment when imported
from transformers import (  # noqa: E402
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    logging,
)

logging.disable_progress_bar()

ATTENTION = {
    "auto": None,
    "disabled": "eager",
    "sdpa": "sdpa",
    "fa2": "flash_attention_2",
    "fa3": "flash_attention_3",
}


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory with what belongs to it. `located` says where it came from."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    located: Located
    template_name: str | None = None
    notices: tuple[Notice, ...] = ()
    """What the user should know of how its parts fit."""

    @property
    def name(self) -> str:
        return self.located.name

    def template(self) -> ChatTemplate:
        """The chat template. Raises ModelError where the model has none and none was given."""
        return ChatTemplate.of(self.tokenizer, self.template_name)

    def has_template(self) -> bool:
        return bool(self.tokenizer.chat_template or self.template_name)

    def stop_ids(self) -> frozenset[int]:
        """Every token that ends an answer: the template's, the tokenizer's and the generation config's."""
        own = self.model.generation_config.eos_token_id
        also = [own] if isinstance(own, int) else list(own or [])
        return self.template().stop_ids(also)


def load_tokenizer(folder: Path, config: ModelConfig) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder, padding token ensured, tokens of the config added."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=config.trust_remote_code)
    except Exception as error:  # the library raises all kinds for a broken or missing tokenizer
        key = "models.remote_code" if "trust_remote_code" in str(error) else "models.no_tokenizer"
        raise ModelError(key, folder=folder) from error
    if config.add_tokens:
        tokenizer.add_tokens(list(config.add_tokens))
    if config.add_special_tokens:
        # by this road they also count as special where the end of a turn is looked for
        special = {"additional_special_tokens": list(config.add_special_tokens)}
        tokenizer.add_special_tokens(special, replace_extra_special_tokens=False)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_base(
    located: Located, config: ModelConfig, dtype: torch.dtype | str, bits: BitsAndBytesConfig | None = None
) -> PreTrainedModel:
    """The weights in `located.folder`, in `dtype` or in `bits`, without adapters. Only safetensors are read.

    The dtype `auto` is that which they are stored in.

    Raises ModelError with what is wrong with the folder.
    """
    files = read_model_files(located.folder)
    if files.config.get("auto_map") and not config.trust_remote_code:
        raise ModelError("models.remote_code", folder=located.folder)
    options: dict[str, Any] = {"trust_remote_code": config.trust_remote_code}
    try:
        model_config = AutoConfig.from_pretrained(located.folder, **options)
        if bits is not None:
            options["quantization_config"] = bits
        _scale_rope(model_config, config)
        attention = ATTENTION[config.flash_attn]
        if attention:
            options["attn_implementation"] = attention
        if config.train_from_scratch:
            return AutoModelForCausalLM.from_config(model_config, dtype=dtype, **options)
        model, facts = AutoModelForCausalLM.from_pretrained(
            located.folder,
            config=model_config,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
            **options,
        )
    except Exception as error:  # an unknown architecture, other shapes, a library not installed
        reason = first_line(error)
        raise ModelError("models.cannot_load", folder=located.folder, reason=reason) from error
    missing = sorted(facts["missing_keys"])  # the library would leave them at random
    if missing:
        raise ModelError("models.missing_weights", folder=located.folder, count=len(missing), name=missing[0])
    mend_generation_config(model.generation_config)
    return model


def bitsandbytes_config(asked: QuantizationConfig, dtype: str) -> BitsAndBytesConfig:
    """As asked, computing in `dtype`."""
    if asked.quantization_bit == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=asked.quantization_type,
        bnb_4bit_use_double_quant=asked.double_quantization,
        bnb_4bit_compute_dtype=dtype,
        bnb_4bit_quant_storage=dtype,
    )


def mend_generation_config(own: GenerationConfig | None) -> None:
    """Sampling values say that sampling is meant. Without it transformers refuses to save such a config."""
    if own is not None and not own.do_sample:
        neutral = {"temperature": 1.0, "top_p": 1.0, "top_k": 50}
        own.do_sample = any(getattr(own, key, None) not in {None, value} for key, value in neutral.items())


def _scale_rope(model_config: Any, config: ModelConfig) -> None:
    """Longer contexts by scaled rotary embeddings: twice the trained length (LLaMA-Factory's rule)."""
    if config.rope_scaling is None:
        return
    parameters = dict(model_config.rope_parameters or {})
    parameters |= {"rope_type": config.rope_scaling, "factor": 2.0}
    parameters.setdefault("original_max_position_embeddings", model_config.max_position_embeddings)
    model_config.rope_parameters = parameters
    model_config.max_position_embeddings *= 2


def fit_vocabulary(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    config: ModelConfig,
    *,
    tokens_added: bool = False,
) -> None:
    """Grow the embeddings to the tokenizer's size where tokens were added, now or in an adapter."""
    wanted = tokens_added or config.resize_vocab or config.add_tokens or config.add_special_tokens
    if wanted and len(tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(tokenizer), pad_to_multiple_of=64)


def load(
    config: ModelConfig,
    *,
    dtype: str | None = None,
    device: Device | None = None,
    template: str | None = None,
    notify: Notify = silent,
) -> LoadedModel:
    """Locate and load a model with its adapters on top, for inference.

    `dtype` is a torch dtype's name; unless given, the config's `infer_dtype`, and where that is
    `auto`, the format that the weights are stored in if the device computes fast in it.
    `device` is the best one here unless given.
    """
    from conch.models.adapters import attach

    located = locate(Request.of(config, notify))
    extra = tuple(adapter_folder(name, config) for name in config.adapter_name_or_path)
    notices = strangers(located.folder, located.adapters, extra)
    located = Located(located.name, located.folder, (*located.adapters, *extra))
    device = device or find_device()
    asked = None if config.infer_dtype == "auto" else config.infer_dtype
    chosen = dtype or asked or fast_dtype(stored_dtype(located.folder), device)
    words = tokenizer_folder(located)
    tokenizer = load_tokenizer(words, config)
    model = load_base(located, config, getattr(torch, chosen))
    fit_vocabulary(model, tokenizer, config, tokens_added=words != located.folder)
    model = attach(model, located.adapters)
    return LoadedModel(model.eval().to(device.kind), tokenizer, located, template, notices)


def tokenizer_folder(located: Located) -> Path:
    """The last adapter's own tokenizer, which may have added tokens; else the base's."""
    for folder in reversed(located.adapters):
        if (folder / "tokenizer.json").is_file():
            return folder
    return located.folder


def adapter_folder(name: str, config: ModelConfig) -> Path:
    """The folder of an adapter. One that is named by its folder needs no base but the one it is put on."""
    folder = expanded(name).absolute()
    if is_file(folder / "adapter_config.json"):
        return folder
    found = locate(replace(Request.of(config), reference=name))
    if not found.adapters:
        raise ModelError("models.bad_adapter", folder=name, reason="adapter_config.json")
    return found.adapters[-1]


def stored_dtype(folder: Path) -> str:
    """The torch name of the format that most weights in `folder` are stored in."""
    names = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
    return names.get(read_model_files(folder).dtype, "float32")


def generation_config(folder: Path) -> GenerationConfig | None:
    """The folder's generation config, where it has one."""
    return GenerationConfig.from_pretrained(folder) if (folder / "generation_config.json").is_file() else None
