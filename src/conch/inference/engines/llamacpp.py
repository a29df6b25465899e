"""llama.cpp (through xllamacpp) on a GGUF file whose tokens are numbers (`conch.models.gguf.bare`).

llama.cpp decodes the answers of all threads in one batch, and keeps the cache of a slot for the next
prompt that begins alike. It works in a process of its own (`conch.inference.llama`).
What it can't do is done around it: grammars hold the answer token by token, each step one question,
and the likelihood of a given text is that of an answer which is forced to be it.
"""

from __future__ import annotations

import math
import secrets
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from conch.core.errors import ServeError, first_line
from conch.inference.engine import Alternatives, Completion, Piece, Request, Sampling, Scored
from conch.inference.llama.process import LlamaEndedError, LlamaProcess, LlamaSettings
from conch.inference.llama.talk import LlamaError
from conch.inference.sampling import COLDEST, Constrain, Constraint, Sampler

BATCH = 256
"""Tokens of prompts computed between two looks at whether anybody still waits."""
CANDIDATES = 256
"""How many of the likeliest tokens a grammar chooses from, before it looks at all of them."""
SEGMENT = 64
"""Tokens of a given text that are weighed one after another; longer texts are cut up."""

Told = tuple[int, float, Alternatives]
"""A token, its natural-log probability, and the likeliest beside it."""
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
        self._closed = False
        self._counting = threading.Lock()
        self._running = 0
        self.context_length = settings.context
        self._loaded = _Loaded(file, settings, {})
        self._retired: list[_Loaded] = []

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
        """Answers on hand end with an error."""
        self._closed = True
        with self._turn:
            for loaded in (*self._retired, self._loaded):
                loaded.close()

    def _reload(self, adapters: dict[str, Path]) -> None:
        """Take what is loaded for another, which has `adapters`. Needs the turn."""
        if self._closed:
            raise ServeError("serving.closing")
        old, self._loaded = self._loaded, _Loaded(self._file, self._settings, adapters)
        self._retired = [*(loaded for loaded in self._retired if not loaded.ended), old]
        old.retire()

    @contextmanager
    def _live(self) -> Iterator[_Loaded]:
        """The model to ask, which a reload does not end meanwhile."""
        loaded = self._entered()
        try:
            yield loaded
        finally:
            loaded.leave()

    def _entered(self) -> _Loaded:
        """A process of llama.cpp that crashed is followed by another."""
        while not ((loaded := self._loaded).enter()):
            with self._turn:
                if self._loaded.ended:
                    self._reload(self._loaded.adapters)
        return loaded

    def _count(self, change: int) -> None:
        with self._counting:
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
        with self._live() as loaded, closing(loaded.ask(request.prompt, asked, request.adapter)) as answer:
            for told in answer:
                if told is None:
                    yield Piece()
                    continue
                token, logprob, top = told
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
        with self._live() as loaded:
            candidates = loaded.likeliest(tokens, min(CANDIDATES, size), request.adapter)
            if favoured or not any(bool(allowed[token]) for token, _ in candidates):
                candidates = loaded.likeliest(tokens, size, request.adapter)
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
        with self._places, self._live() as loaded:
            answer = loaded.answer(tokens[:start], asked, adapter)
        return [Scored(token, logprob, best[:top]) for token, logprob, best in answer]


class _Loaded:
    """One model in llama.cpp with the adapters that it was loaded with. Raises ServeError."""

    def __init__(self, file: Path, settings: Settings, adapters: dict[str, Path]) -> None:
        self.adapters = adapters
        self._turn = threading.Lock()
        self._users = 0
        self._retired = False
        held = LlamaSettings(
            file, settings.context, settings.slots, settings.threads, BATCH, tuple(adapters.values())
        )
        try:
            self._process = LlamaProcess(held)
        except LlamaError as error:
            raise ServeError("serving.llamacpp_failed", reason=first_line(error)) from error

    @property
    def ended(self) -> bool:
        return self._process.ended

    def ask(
        self, prompt: Sequence[int], asked: dict[str, Any], adapter: str | None
    ) -> Generator[Told | None, None, None]:
        """Tokens as they are made, and None for each part of the prompt that was read.

        Closing the iterator ends the work, within one step of it.
        """
        if adapter is not None and adapter not in self.adapters:
            raise ServeError("serving.adapter_gone", name=adapter)
        # every adapter is named: llama.cpp puts those on that a request says nothing of
        lora = [{"id": place, "scale": float(name == adapter)} for place, name in enumerate(self.adapters)]
        whole = {
            **asked,
            "prompt": list(prompt),
            "lora": lora,
            "repeat_last_n": len(prompt) + asked["n_predict"],  # penalties look at all of the text
            "cache_prompt": True,
            "return_progress": True,
        }
        try:
            with closing(self._process.ask(whole)) as answer:
                for told in answer:
                    yield None if told is None else _told(*told)
        except LlamaEndedError as error:
            raise ServeError("serving.llamacpp_ended") from error
        except LlamaError as error:
            raise RuntimeError(first_line(error)) from error

    def answer(self, prompt: Sequence[int], asked: dict[str, Any], adapter: str | None) -> list[Told]:
        """All tokens."""
        return [told for told in self.ask(prompt, asked, adapter) if told is not None]

    def likeliest(self, prompt: Sequence[int], count: int, adapter: str | None) -> Alternatives:
        """The `count` likeliest next tokens."""
        asked = {**_drawn(Sampling()), "n_predict": 1, "n_probs": count}
        ((_, _, top),) = self.answer(prompt, asked, adapter)
        return top

    def retire(self) -> None:
        """No more questions; it ends with the last answer."""
        with self._turn:
            self._retired = True
            idle = not self._users
        if idle:
            self.close()

    def close(self) -> None:
        self._process.close()

    def enter(self) -> bool:
        """Whether it can be asked; then it is not ended before `leave`, unless it is closed."""
        with self._turn:
            if self._retired or self.ended:
                return False
            self._users += 1
            return True

    def leave(self) -> None:
        with self._turn:
            self._users -= 1
            last = self._retired and not self._users
        if last:
            self.close()


def _told(token: int, logprob: float | None, top: Sequence[tuple[int, float | None]]) -> Told:
    return token, _number(logprob), tuple((other, _number(value)) for other, value in top)


def _number(told: float | None) -> float:
    """JSON knows no infinity."""
    return -math.inf if told is None else float(told)


def _drawn(sampling: Sampling) -> dict[str, Any]:
    """Our sampling in llama.cpp's words.

    The top-k are the same at any temperature, and llama.cpp computes the more for each token the more
    candidates are left: so they come before it, and are one where the likeliest is wanted.
    """
    seed = secrets.randbits(31) if sampling.seed is None else sampling.seed
    return {
        "samplers": ["penalties", "top_k", "temperature", "top_p", "min_p"],
        "temperature": max(sampling.temperature, 0.0),
        "top_k": 1 if sampling.temperature < COLDEST else sampling.top_k,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "repeat_penalty": sampling.repetition_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "logit_bias": [[token, bias] for token, bias in sampling.logit_bias],
        "seed": seed % (2**32 - 1),
    }
