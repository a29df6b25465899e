"""llama.cpp (through xllamacpp) on a GGUF file whose tokens are numbers (`conch.models.gguf.bare`).

llama.cpp decodes the answers of all threads in one batch, keeps the cache of a slot for the next
prompt that begins alike, and is asked in this process: nothing listens for others.
What it can't do is done around it: grammars hold the answer token by token, each step one question,
and the likelihood of a given text is that of an answer which is forced to be it.
"""

from __future__ import annotations

import math
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import torch

from conch.core.errors import ServeError, first_line
from conch.inference.engine import Alternatives, Completion, Piece, Request, Sampling, Scored
from conch.inference.sampling import Constrain, Constraint, Sampler

BATCH = 256
"""Tokens of prompts computed between two looks at whether anybody still waits."""
CANDIDATES = 256
"""How many of the likeliest tokens a grammar chooses from, before it looks at all of them."""
SEGMENT = 64
"""Tokens of a given text that are weighed one after another; longer texts are cut up."""

MakeLora = Callable[[Path], Path]
"""An adapter's folder → its GGUF file."""


@dataclass(frozen=True)
class Settings:
    """How much one engine does at once. `context` is for each slot."""

    context: int
    vocabulary: int
    slots: int = 8
    threads: int | None = None


class LlamaCppEngine:
    """Decodes with llama.cpp. `constrain` is needed for requests with a grammar."""

    name = "llamacpp"

    def __init__(
        self,
        file: Path,
        settings: Settings,
        constrain: Constrain | None = None,
        make_lora: MakeLora | None = None,
    ) -> None:
        """Raises ServeError where llama.cpp can't read the file."""
        self._file = file
        self._settings = settings
        self._constrain = constrain
        self._make_lora = make_lora
        self._places = threading.Semaphore(settings.slots)
        self._turn = threading.Lock()
        self._running = 0
        self.context_length = settings.context
        self._loaded = _Loaded(file, settings, {})

    @property
    def running(self) -> int:
        """How many answers llama.cpp is at work on."""
        return self._running

    def stream(self, request: Request) -> Iterator[Piece]:
        with self._places:
            self._count(1)
            try:
                if request.grammar is None:
                    yield from self._free(request)
                else:
                    yield from self._constrained(request, self._constraint(request))
            finally:
                self._count(-1)

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        if not requests:
            return []
        with ThreadPoolExecutor(self._settings.slots) as pool:
            return list(pool.map(self._whole, requests))

    def _whole(self, request: Request) -> Completion:
        pieces = list(self.stream(request))
        tokens = tuple(piece.token for piece in pieces if piece.token is not None)
        return Completion(tokens, pieces[-1].finish or "stop")

    def score(self, tokens: Sequence[int]) -> list[float]:
        return [scored.logprob for scored in self.weigh(tokens)]

    def weigh(self, tokens: Sequence[int], top: int = 0, adapter: str | None = None) -> list[Scored]:
        starts = range(1, len(tokens), SEGMENT)
        if len(starts) < 2:
            return self._forced(tokens, 1, len(tokens), top, adapter) if starts else []
        with ThreadPoolExecutor(self._settings.slots) as pool:
            parts = pool.map(
                lambda start: self._forced(tokens, start, min(start + SEGMENT, len(tokens)), top, adapter),
                starts,
            )
            return [scored for part in parts for scored in part]

    def load_adapter(self, name: str, folder: Path) -> None:
        """llama.cpp takes adapters when it loads a model: it is loaded again, and answers on hand go on."""
        if self._make_lora is None:
            raise ServeError("serving.no_adapters")
        file = self._make_lora(folder)
        with self._turn:
            self._reload({**self._loaded.adapters, name: file})

    def unload_adapter(self, name: str) -> None:
        with self._turn:
            if name in self._loaded.adapters:
                left = {key: file for key, file in self._loaded.adapters.items() if key != name}
                self._reload(left)

    def close(self) -> None:
        with self._turn:
            self._loaded = _Closed()

    def _reload(self, adapters: dict[str, Path]) -> None:
        self._loaded = _Loaded(self._file, self._settings, adapters)

    def _count(self, change: int) -> None:
        with self._turn:
            self._running += change

    def _constraint(self, request: Request) -> Constraint:
        if self._constrain is None:
            raise ServeError("serving.no_grammar")
        return self._constrain(request.grammar or "", request.stop_ids)

    def _free(self, request: Request) -> Iterator[Piece]:
        """An answer as the model would give it."""
        asked = {**_drawn(request.sampling), "n_predict": request.sampling.max_new_tokens}
        if request.top is not None:
            asked["n_probs"] = max(request.top, 1)
        for token, logprob, top in self._loaded.ask(request.prompt, asked, request.adapter):
            if token in request.stop_ids:
                yield Piece(finish="stop")
                return
            if request.top is None:
                yield Piece(token)
            else:
                yield Piece(token, logprob=logprob, top=top[: request.top])
        yield Piece(finish="length")

    def _constrained(self, request: Request, constraint: Constraint) -> Iterator[Piece]:
        """An answer that a grammar holds: drawn from what is likeliest and may be."""
        device = torch.device("cpu")
        sampler = Sampler(request.sampling, request.prompt, device, constraint)
        tokens = list(request.prompt)
        for _ in range(request.sampling.max_new_tokens):
            token, piece = self._step(tokens, request, sampler, constraint)
            if token in request.stop_ids:
                yield Piece(finish="stop")
                return
            sampler.push(token)
            tokens.append(token)
            yield piece
            if sampler.finished:
                yield Piece(finish="stop")
                return
        yield Piece(finish="length")

    def _step(
        self, tokens: Sequence[int], request: Request, sampler: Sampler, constraint: Constraint
    ) -> tuple[int, Piece]:
        size = self._settings.vocabulary
        allowed = constraint.allowed(size)
        if request.top is None and int(allowed.sum()) == 1:  # nothing to choose: nothing is computed
            token = int(allowed.nonzero()[0])
            return token, Piece(token)
        favoured = [token for token, bias in request.sampling.logit_bias if bias > 0]
        candidates = self._loaded.likeliest(tokens, min(CANDIDATES, size), request.adapter)
        if favoured or not any(bool(allowed[token]) for token, _ in candidates):
            candidates = self._loaded.likeliest(tokens, size, request.adapter)
        logits = torch.full((size,), -torch.inf)
        logits[[token for token, _ in candidates]] = torch.tensor([value for _, value in candidates])
        token = sampler.pick(logits)
        if request.top is None:
            return token, Piece(token)
        return token, Piece(token, logprob=float(logits[token]), top=candidates[: request.top])

    def _forced(
        self, tokens: Sequence[int], start: int, end: int, top: int, adapter: str | None
    ) -> list[Scored]:
        """How likely the tokens from `start` to `end` are: an answer is forced to be them."""
        rule = " ".join(f"<[{token}]>" for token in tokens[start:end])
        asked = {**_drawn(Sampling()), "n_predict": end - start, "grammar": f"root ::= {rule}"}
        asked["n_probs"] = max(top, 1)
        with self._places:
            answer = list(self._loaded.ask(tokens[:start], asked, adapter))
        return [Scored(token, logprob, best[:top]) for token, logprob, best in answer]


class _Loaded:
    """One model in llama.cpp with the adapters that it was loaded with."""

    def __init__(self, file: Path, settings: Settings, adapters: dict[str, Path]) -> None:
        import xllamacpp

        self.adapters = adapters
        try:
            self._server: Any = xllamacpp.Server(_parameters(xllamacpp, file, settings, adapters))
        except Exception as error:  # llama.cpp tells the reason on stderr, and here that there is one
            raise ServeError("serving.llamacpp_failed", reason=first_line(error)) from error
        # One that is let go before its loop runs waits for that loop for ever, and all of Python with it.
        self.likeliest((0,), 1, None)

    def ask(
        self, prompt: Sequence[int], asked: dict[str, Any], adapter: str | None
    ) -> Iterator[tuple[int, float, Alternatives]]:
        """Tokens as they are made. Closing the iterator ends the work, within one step of it."""
        if adapter is not None and adapter not in self.adapters:
            raise ServeError("serving.adapter_gone", name=adapter)
        # every adapter is named: llama.cpp puts those on that a request says nothing of
        lora = [{"id": place, "scale": float(name == adapter)} for place, name in enumerate(self.adapters)]
        whole = {
            **asked,
            "prompt": list(prompt),
            "lora": lora,
            "repeat_last_n": len(prompt) + asked["n_predict"],  # penalties look at all of the text
            "stream": True,
            "cache_prompt": True,
            "return_progress": True,
        }
        yield from _Talk(self._server, whole).tokens()

    def likeliest(self, prompt: Sequence[int], count: int, adapter: str | None) -> Alternatives:
        """The `count` likeliest next tokens."""
        asked = {**_drawn(Sampling()), "n_predict": 1, "n_probs": count}
        ((_, _, top),) = self.ask(prompt, asked, adapter)
        return top


class _Closed(_Loaded):
    """What is left of an engine that was closed."""

    def __init__(self) -> None:
        self.adapters = {}

    def ask(self, *_: Any) -> Iterator[tuple[int, float, Alternatives]]:
        raise ServeError("serving.closing")


class _Talk:
    """One question to llama.cpp, which calls back from a thread of its own."""

    def __init__(self, server: Any, asked: dict[str, Any]) -> None:
        self._server = server
        self._asked = asked
        self._heard: SimpleQueue[dict[str, Any] | Exception | None] = SimpleQueue()
        self._left = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def tokens(self) -> Iterator[tuple[int, float, Alternatives]]:
        self._thread.start()
        try:
            while (heard := self._heard.get()) is not None:
                if isinstance(heard, Exception):
                    raise heard
                yield from _read(heard)
        finally:
            self._left = True
            self._thread.join()

    def _run(self) -> None:
        try:
            self._server.handle_completions(self._asked, self._hear)
        except Exception as error:
            self._heard.put(error)
        self._heard.put(None)

    def _hear(self, told: dict[str, Any]) -> bool:
        """Called with every piece; what it returns says whether to stop."""
        self._heard.put(told)
        return self._left


def _read(told: dict[str, Any]) -> Iterator[tuple[int, float, Alternatives]]:
    """The token in a piece of llama.cpp's answer, if there is one."""
    if "error" in told:
        raise RuntimeError(str(told["error"].get("message")))
    choice = told["choices"][0]
    for text in filter(None, choice["text"].split(",")):
        yield int(text), *_likelihood(choice["logprobs"])


def _likelihood(logprobs: dict[str, Any] | None) -> tuple[float, Alternatives]:
    if not logprobs or not logprobs["content"]:
        return 0.0, ()
    entry = logprobs["content"][0]
    top = tuple((int(other["id"]), _number(other["logprob"])) for other in entry["top_logprobs"])
    return _number(entry["logprob"]), top


def _number(told: float | None) -> float:
    """JSON knows no infinity."""
    return -math.inf if told is None else float(told)


def _drawn(sampling: Sampling) -> dict[str, Any]:
    """Our sampling in llama.cpp's words, in our order."""
    seed = secrets.randbits(31) if sampling.seed is None else sampling.seed
    return {
        "samplers": ["penalties", "temperature", "top_k", "top_p", "min_p"],
        "temperature": max(sampling.temperature, 0.0),
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "repeat_penalty": sampling.repetition_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "logit_bias": [[token, bias] for token, bias in sampling.logit_bias],
        "seed": seed % (2**32 - 1),
    }


def _parameters(library: Any, file: Path, settings: Settings, adapters: dict[str, Path]) -> Any:
    made = library.CommonParams()
    made.model.path = str(file)
    made.n_parallel = settings.slots
    made.n_ctx = settings.context * settings.slots
    made.n_batch = made.n_ubatch = BATCH
    made.cache_ram_mib = 0  # slots keep their caches; another copy of them would only grow
    made.warmup = False
    made.verbosity = -1
    made.ui = False
    made.endpoint_slots = made.endpoint_props = False
    made.api_keys = [secrets.token_urlsafe(24)]  # it listens on a port of its own, which is for nobody
    if settings.threads:
        made.cpuparams.n_threads = made.cpuparams_batch.n_threads = settings.threads
    made.lora_adapters = [library.CommonAdapterLoraInfo(str(path), 1.0) for path in adapters.values()]
    return made
