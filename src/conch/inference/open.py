"""A model on disk → a chat around the engine that suits it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from conch.config.model import ModelConfig
from conch.config.output import GenerationConfig
from conch.core.conversation import Message
from conch.core.errors import ExportError, ServeError
from conch.core.text import tr
from conch.data.template import ChatTemplate
from conch.inference.chat import Chat
from conch.inference.constraint import Constrainer
from conch.inference.engine import Sampling
from conch.inference.engines.transformers import TransformersEngine
from conch.models.adapter_set import may_share, rank_of
from conch.models.gguf.families import family_of, read_config
from conch.models.gguf.kept import kept_lora, kept_model
from conch.models.hardware import find_device
from conch.models.headers import read_model_files
from conch.models.load import LoadedModel, load_tokenizer, tokenizer_folder
from conch.models.locate import Located
from conch.models.merging import NotMergeableError
from conch.models.outline import Outline, cache_bytes

if TYPE_CHECKING:
    from conch.inference.vllm.process import VllmSettings

Notify = Callable[[str], None]
PROBE = "Who are you, and what can you do for me today?"
"""What an adapter is asked, to see whether it changes anything."""
MEMORY_SHARE = 0.25
"""How much of the free memory the slots of llama.cpp may take for their contexts, or weights in fp32."""
MANY = 16
"""From so many answers at once on, transformers' one batch is taken on CPUs. It is slower than llama.cpp with
8 clients and faster with 32 (seen on a 2-core Xeon with a model of 135M); where they cross is not known."""
LEAST_CONTEXT = 512
OWN = "own"
"""The adapter that belongs to a model, where the engine holds it beside its base."""
USUAL_RANK = 64
"""Adapters that are put on while vLLM serves may have this rank, or that of one that was there at first."""
MOST_ADAPTERS = 4
"""Adapters at work in one step of vLLM; others wait for a step of theirs."""


@dataclass(frozen=True)
class Choice:
    """An engine's name, and why it was chosen, in words."""

    engine: str
    reason: str


@dataclass(frozen=True)
class EngineWish:
    """What an engine is chosen by, beside the model and the machine."""

    engine: str = "auto"
    remote_code: bool = False
    vllm: bool | None = None
    """Whether vLLM is there to be chosen; None where it is no choice."""
    answers: int | None = None
    """How many answers somebody wants made at once."""


def choose_engine(located: Located, wish: EngineWish = EngineWish()) -> Choice:
    """The engine for a model on this machine. Raises ServeError where the one asked for can't be had."""
    hindrance = _no_llamacpp(located, wish.remote_code)
    if wish.engine == "llamacpp" and hindrance:
        raise ServeError("serving.no_llamacpp", reason=hindrance)
    if wish.engine != "auto":
        return Choice(wish.engine, tr("serving.engine.asked"))
    device = find_device()
    if device.kind == "cuda":
        return _on_gpu(located, wish.vllm, device.why)
    if hindrance:
        return Choice("transformers", tr("serving.engine.no_llamacpp", reason=hindrance))
    if (wish.answers or 0) >= MANY and _is_small(located):
        return Choice("transformers", tr("serving.engine.many", answers=wish.answers))
    return Choice("llamacpp", tr("serving.engine.cpu"))


def _on_gpu(located: Located, vllm: bool | None, device: str) -> Choice:
    if vllm and _fits_vllm(located):
        return Choice("vllm", tr("serving.engine.vllm", device=device))
    if vllm is False:
        return Choice("transformers", tr("serving.engine.gpu_no_vllm", device=device))
    return Choice("transformers", tr("serving.engine.gpu", device=device))


def _is_small(located: Located) -> bool:
    """Whether the weights in fp32 take little of the memory."""
    weights = 4 * read_model_files(located.folder).parameters
    return weights <= psutil.virtual_memory().available * MEMORY_SHARE


def _fits_vllm(located: Located) -> bool:
    """Whether vLLM can put the adapters that belong to a model on its base: one, and plain LoRA."""
    return len(located.adapters) < 2 and all(may_share(folder) for folder in located.adapters)


def _no_llamacpp(located: Located, remote_code: bool) -> str:
    """Why llama.cpp can't serve this model here; empty where it can."""
    if importlib.util.find_spec("xllamacpp") is None:
        return tr("serving.engine.not_installed")
    if remote_code:
        return tr("serving.engine.remote_code")
    try:
        family_of(read_config(located.folder))
    except ExportError as error:
        return error.message.rstrip(".。")
    return ""


def open_chat(loaded: LoadedModel, thinking: bool | None = None) -> Chat:
    """A chat with `loaded`, with the template and stop rules that training used.

    `thinking` is what the key `enable_thinking` says; unset, the template does as it does by itself.
    """
    template = replace(loaded.template(), thinking=thinking)
    engine = TransformersEngine(loaded.model, Constrainer(loaded.tokenizer))
    return Chat(engine, template, loaded.stop_ids())


@dataclass(frozen=True)
class LlamaCppWish:
    """How llama.cpp should hold a model. `context` is the most tokens of one slot."""

    slots: int = 8
    context: int | None = None
    kind: str = "q8_0"


def open_llamacpp(model: Outline, wish: LlamaCppWish, thinking: bool | None, notify: Notify) -> Chat:
    """The same by llama.cpp. Raises ServeError, ExportError or ModelError."""
    from conch.inference.engines.llamacpp import LlamaCppEngine, Settings

    try:
        file = kept_model(model.located, wish.kind, tokenizer_folder(model.located), notify)
    except NotMergeableError as error:
        raise ServeError("serving.no_llamacpp", reason=error) from error
    settings = Settings(
        context=_context(model.config, wish.slots, wish.context),
        vocabulary=len(model.tokenizer),
        slots=wish.slots,
        threads=psutil.cpu_count(logical=False),
    )
    make_lora = partial(kept_lora, base=model.located.folder)
    engine = LlamaCppEngine(file, settings, Constrainer(model.tokenizer), make_lora)
    return Chat(engine, replace(model.template(), thinking=thinking), model.stop_ids())


@dataclass(frozen=True)
class VllmWish:
    """How vLLM should hold a model, and with which adapters. With `url`, a server that runs already."""

    url: str | None = None
    key: str | None = field(default=None, repr=False)
    context: int | None = None
    adapters: tuple[Path, ...] = ()
    more_adapters: bool = False
    """Whether others may be put on later."""
    extra: tuple[str, ...] = ()


def open_vllm(
    model: Outline, wish: VllmWish, thinking: bool | None, trust_remote_code: bool, notify: Notify
) -> Chat:
    """The same by vLLM. An adapter that belongs to the model is put on it. Raises ServeError."""
    from conch.inference.engines.vllm import VllmEngine
    from conch.inference.vllm.given import GivenServer
    from conch.inference.vllm.process import MODEL, VllmProcess

    own = model.located.adapters
    if not _fits_vllm(model.located):
        raise ServeError("serving.vllm_merge", name=model.name)
    if wish.url is not None:
        engine = VllmEngine(GivenServer(wish.url.rstrip("/").removesuffix("/v1"), wish.key))
    else:
        settings = _vllm_settings(model, wish, (*own, *wish.adapters), trust_remote_code)
        engine = VllmEngine(VllmProcess(settings, notify), MODEL)
    chat = Chat(engine, replace(model.template(), thinking=thinking), model.stop_ids())
    try:
        if wish.url is not None:
            _check_tokens(engine.encode(PROBE), chat, wish.url)
        if not own:
            return chat
        engine.load_adapter(OWN, own[0])
        return replace(chat, adapter=OWN)
    except BaseException:
        engine.close()
        raise


def _vllm_settings(
    model: Outline, wish: VllmWish, adapters: tuple[Path, ...], trust_remote_code: bool
) -> VllmSettings:
    from conch.inference.vllm.process import VllmSettings, rank_for

    ranks = [rank_of(folder) for folder in adapters]
    if wish.more_adapters:
        ranks.append(USUAL_RANK)
    return VllmSettings(
        model=model.located.folder,
        tokenizer=tokenizer_folder(model.located),
        context=wish.context,
        rank=rank_for(ranks),
        adapters=MOST_ADAPTERS if wish.more_adapters else min(MOST_ADAPTERS, max(1, len(adapters))),
        trust_remote_code=trust_remote_code,
        extra=wish.extra,
    )


def _check_tokens(theirs: list[int] | None, chat: Chat, url: str) -> None:
    """A server with another model would answer nonsense to our tokens. Raises ServeError."""
    if theirs is not None and theirs != chat.template.encode(PROBE):
        raise ServeError("serving.vllm_other_tokens", url=url)


def _context(config: Any, slots: int, asked: int | None) -> int:
    """How long the context of each slot may be: the model's own, as far as memory allows it for all."""
    own = int(getattr(config, "max_position_embeddings", 4096))
    if asked is not None:
        return min(asked, own)
    room = psutil.virtual_memory().available * MEMORY_SHARE / (slots * cache_bytes(config))
    return min(own, max(LEAST_CONTEXT, int(room) // 256 * 256))


def adapter_chat(
    base: Chat, name: str, folder: Path, template_name: str | None, trust_remote_code: bool
) -> Chat:
    """A chat with an adapter that the base's engine holds. A tokenizer of its own brings its own template."""
    if template_name is not None or not (folder / "tokenizer.json").is_file():
        return replace(base, adapter=name)
    settings = ModelConfig(model_name_or_path=str(folder), trust_remote_code=trust_remote_code)
    template = ChatTemplate.of(load_tokenizer(folder, settings), thinking=base.template.thinking)
    return Chat(base.engine, template, template.stop_ids(base.stop_ids), name)


def probe(base: Chat, adapter: Chat) -> float:
    """How far an adapter moves the log-probabilities of a fixed question, at most."""
    tokens = adapter.template.prompt_ids([Message("user", PROBE)])
    before = base.engine.weigh(tokens, adapter=base.adapter)
    after = adapter.engine.weigh(tokens, adapter=adapter.adapter)
    return max(abs(one.logprob - other.logprob) for one, other in zip(before, after, strict=True))


def sampling_of(loaded: LoadedModel | Outline, asked: GenerationConfig) -> Sampling:
    """The sampling asked for; what is unset comes from the model's own generation config."""
    own: Any = loaded.generation if isinstance(loaded, Outline) else loaded.model.generation_config
    asked_to_draw = asked.samples()
    sampled = bool(own.do_sample) if asked_to_draw is None else asked_to_draw
    temperature = asked.temperature if asked.temperature is not None else (own.temperature or 1.0)
    return Sampling(
        max_new_tokens=asked.answer_tokens(),
        temperature=float(temperature) if sampled else 0.0,
        top_p=float(_first(asked.top_p, own.top_p, 1.0)),
        top_k=int(_first(asked.top_k, own.top_k, 0)),
        repetition_penalty=float(_first(asked.repetition_penalty, own.repetition_penalty, 1.0)),
    )


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)
