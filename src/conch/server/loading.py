"""A serve config → the models in memory, under their public names."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from conch.config import build
from conch.config.key_file import read_key
from conch.config.model import ModelConfig
from conch.config.output import GenerationConfig
from conch.config.serve import ServeConfig
from conch.core import env
from conch.core.errors import ConchError, ExportError, ServeError
from conch.core.files import expanded
from conch.core.notice import Notice
from conch.core.text import tr
from conch.inference.chat import Chat
from conch.inference.engine import Sampling
from conch.inference.open import (
    EngineWish,
    LlamaCppWish,
    VllmWish,
    adapter_chat,
    choose_engine,
    open_chat,
    open_llamacpp,
    open_vllm,
    probe,
    sampling_of,
)
from conch.inference.vllm import environment
from conch.models import outline
from conch.models.adapter_set import may_share
from conch.models.fused import fuse
from conch.models.load import adapter_folder, load
from conch.models.locate import Located
from conch.models.packed import pack
from conch.runs import store
from conch.server.errors import RequestError
from conch.server.service import Served, Service, close_engines, empty_service

Notify = Callable[[str], None]
_log = logging.getLogger(__name__)
LEAST_CHANGE = 1e-6
"""An adapter that moves no log-probability by more than this does nothing."""


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to answer."""

    located: Located
    chat: Chat
    sampling: Sampling
    notices: tuple[Notice, ...]

    @property
    def name(self) -> str:
        return self.located.name

    def served(self, name: str) -> Served:
        return Served(name, self.chat, self.sampling)


class Opener:
    """Loads models as a serve config wants them, all with the engine that was chosen for the first."""

    def __init__(self, config: ServeConfig, notify: Notify) -> None:
        self.config = config
        self.notify = notify
        self.engine: str | None = None
        """What was chosen, once the first model is loaded."""

    def load(self, adapters: tuple[str, ...] = ()) -> Loaded:
        """The config's model with `adapters` on it."""
        self.notify(tr("serving.loading", name=" + ".join((self.config.model, *adapters))))
        settings = self.model_config(adapters)
        located, notices = outline.find(settings, self.notify)
        for notice in notices:
            self.notify(tr("cli.warning", message=notice.message))
        if self.engine is None:
            self.engine = self._choose(located)
        generation = GenerationConfig(max_new_tokens=self.config.max_new_tokens)
        if self.engine == "transformers":
            whole = load(settings, template=self.config.template, notify=self.notify)
            pack(whole.model)
            fuse(whole.model)
            chat = open_chat(whole, self.config.enable_thinking)
            return Loaded(located, chat, sampling_of(whole, generation), notices)
        model = outline.outline(located, settings, self.config.template, notices)
        config = self.config
        if self.engine == "vllm":
            if adapters:
                raise ServeError("serving.vllm_merge", name=adapters[-1])
            trusted = config.trust_remote_code
            chat = open_vllm(model, self._vllm_wish(), config.enable_thinking, trusted, self.notify)
            return Loaded(located, chat, sampling_of(model, generation), notices)
        wish = LlamaCppWish(config.answers_at_once(self.engine), config.context_length, config.gguf_type)
        chat = open_llamacpp(model, wish, config.enable_thinking, self.notify)
        return Loaded(located, chat, sampling_of(model, generation), notices)

    def _choose(self, located: Located) -> str:
        config = self.config
        wish = EngineWish(
            "vllm" if config.vllm_url else config.engine,
            remote_code=config.trust_remote_code,
            vllm=environment.is_ready(),
            answers=config.max_parallel_answers,
        )
        choice = choose_engine(located, wish)
        self.notify(tr("serving.engine.chosen", engine=choice.engine, reason=choice.reason))
        return choice.engine

    def _vllm_wish(self) -> VllmWish:
        config = self.config
        key = read_key(config.vllm_key_file) if config.vllm_key_file else env.vllm_key()
        named = [adapter_folder(name, self.model_config()) for name in config.adapters.values()]
        return VllmWish(
            url=config.vllm_url,
            key=key,
            context=config.context_length,
            adapters=tuple(named),
            more_adapters=config.adapter_dir is not None,
            extra=tuple(shlex.split(config.vllm_args)),
        )

    def model_config(self, adapters: tuple[str, ...] = ()) -> ModelConfig:
        settings = {"model_name_or_path": self.config.model, "adapter_name_or_path": adapters}
        return build(ModelConfig, {**settings, "trust_remote_code": self.config.trust_remote_code})


def open_service(config: ServeConfig, notify: Notify) -> Service:
    """Load the base and every adapter. Raises ModelError, or ServeError where two names are the same."""
    service = empty_service(config)
    fill(service, config, notify)
    return service


def fill(service: Service, config: ServeConfig, notify: Notify) -> AdapterShelf:
    """Load what `config` names into `service`, which serves nothing before all of it is there."""

    def told(line: str) -> None:
        service.progress = line
        notify(line)

    opener = Opener(config, told)
    base = opener.load()
    assert opener.engine is not None
    service.make_at_once(config.answers_at_once(opener.engine))
    name = config.name or base.name
    served = replace(base.served(name), aliases=(config.model, base.name))
    shelf = AdapterShelf(opener, base, served)
    models = [served]
    try:
        if name in config.adapters:
            raise ServeError("serving.same_name", name=name)
        models += (shelf.first(public, reference) for public, reference in config.adapters.items())
    except BaseException:
        close_engines(models)
        raise
    for notice in served.chat.template.notices:
        notify(tr("cli.warning", message=notice.message))
    for model in models:
        service.add(model)
    return shelf


class AdapterShelf:
    """Puts adapters on one base, whose weights they share where they can."""

    def __init__(self, opener: Opener, loaded: Loaded, base: Served) -> None:
        self._opener = opener
        self._config = opener.config
        self._loaded = loaded
        self._base = base

    def first(self, name: str, reference: str) -> Served:
        """An adapter of the config. One that can't share the base gets a copy of it."""
        folder = self._folder(reference)
        notify = self._opener.notify
        if self._shares(folder):
            notify(tr("serving.loading", name=f"{self._config.model} + {reference}"))
            try:
                served, moved = self._put_on(name, folder)
            except ExportError:  # more than llama.cpp takes as an adapter
                return self._copy(name, reference)
            notify(tr("serving.adapter_live", name=name, moved=f"{moved:.3g}"))
            return served
        return self._copy(name, reference)

    def _copy(self, name: str, reference: str) -> Served:
        return replace(self._opener.load((reference,)).served(name), parent=self._base.name)

    def put_on(self, name: str, reference: str) -> tuple[Served, float]:
        """An adapter of a client. Its name is looked up, never opened."""
        folder = self._known(reference)
        try:
            return self._put_on(name, folder)
        except ConchError as error:
            _log.warning("%s %s", error.message, error.hint)
            raise

    def take_off(self, served: Served) -> None:
        if served.chat.engine is self._base.chat.engine:
            served.chat.engine.unload_adapter(served.name)
        else:
            served.chat.engine.close()

    def _put_on(self, name: str, folder: Path) -> tuple[Served, float]:
        engine = self._base.chat.engine
        engine.load_adapter(name, folder)
        try:
            own = self._config.template
            chat = adapter_chat(self._base.chat, name, folder, own, self._config.trust_remote_code)
            moved = probe(self._base.chat, chat)
            if moved <= LEAST_CHANGE:
                raise ServeError("serving.adapter_idle")
        except BaseException:
            engine.unload_adapter(name)
            raise
        return Served(name, chat, self._base.sampling, parent=self._base.name), moved

    def _shares(self, folder: Path) -> bool:
        return not self._loaded.located.adapters and may_share(folder)

    def _folder(self, reference: str) -> Path:
        return adapter_folder(reference, self._opener.model_config())

    def _known(self, name: str) -> Path:
        """The folder of an adapter that this server knows by `name`: looked up, never opened."""
        own = self._config.adapter_dir
        if own is not None:
            for folder in sorted(expanded(own).iterdir()):
                if folder.name == name and (folder / "adapter_config.json").is_file():
                    return folder
        if any(run.id == name for run in store.list_runs()):
            return self._folder(name)
        raise RequestError("serving.no_such_adapter", param="lora_path", name=name[:200])
