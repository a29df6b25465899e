"""vLLM over HTTP: token ids in, token ids and log-probabilities out, by its `/v1/completions`.

Templates, stop rules and text stay ours: vLLM ends an answer at the tokens that it is given, and
at nothing else. Closing a stream closes its connection, upon which vLLM gives the work up.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import httpx

from conch.core.errors import ServeError, first_line
from conch.inference.engine import Alternatives, Completion, Piece, Request, Sampling, Scored

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 600.0
"""A server that says nothing for so long in the middle of an answer is taken for dead."""
AT_ONCE = 64
"""Requests of one `complete` that are sent side by side. vLLM puts them into its batch as they fit."""
ID = "token_id:"
"""What vLLM writes before a token's number where it is asked for numbers."""


class Server(Protocol):
    """Where vLLM is. Not always at the same address: it may have been started anew."""

    @property
    def url(self) -> str:
        """Raises ServeError where it is not there."""
        ...

    @property
    def key(self) -> str | None: ...

    when_restarted: Callable[[], None]

    def close(self) -> None: ...


class VllmEngine:
    """One model of a vLLM server. Its adapters are models of their own there."""

    name = "vllm"

    def __init__(self, server: Server, model: str | None = None) -> None:
        """`model` is what vLLM calls it; its first one, if None. Raises ServeError where it is not there."""
        self._server = server
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=AT_ONCE)
        timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS, pool=None)
        self._client = httpx.Client(limits=limits, timeout=timeout, trust_env=False)
        self._adapters: dict[str, Path] = {}
        self._counting = threading.Lock()
        self._running = 0
        self._model, self.context_length = self._find(model)
        server.when_restarted = self._put_all_on

    def _find(self, model: str | None) -> tuple[str, int]:
        """What a model is called there, and how long its context is."""
        try:
            card = _named(self._get("/v1/models")["data"], model)
            return str(card["id"]), int(card["max_model_len"])
        except (_RefusedError, ValueError, KeyError, TypeError) as error:
            raise ServeError("serving.vllm_odd", url=self._server.url) from error

    @property
    def running(self) -> int:
        """How many answers are being made."""
        return self._running

    def stream(self, request: Request) -> Iterator[Piece]:
        with self._count():
            yield from self._answer(request)

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        if not requests:
            return []
        with ThreadPoolExecutor(min(AT_ONCE, len(requests))) as pool:
            return list(pool.map(self._whole, requests))

    def score(self, tokens: Sequence[int]) -> list[float]:
        return [scored.logprob for scored in self.weigh(tokens)]

    def weigh(self, tokens: Sequence[int], top: int = 0, adapter: str | None = None) -> list[Scored]:
        if len(tokens) < 2:
            return []
        asked = {"model": self._called(adapter), "prompt": list(tokens), "prompt_logprobs": top}
        told = self._post("/v1/completions", {**asked, "max_tokens": 1, "temperature": 0})
        places = told["choices"][0]["prompt_logprobs"]
        return [_scored(token, place, top) for token, place in zip(tokens[1:], places[1:], strict=True)]

    def encode(self, text: str) -> list[int] | None:
        """The tokens that vLLM itself makes of a text; None where it can't be asked."""
        asked = {"model": self._model, "prompt": text, "add_special_tokens": False}
        try:
            return [int(token) for token in self._post("/tokenize", asked)["tokens"]]
        except ServeError:
            return None

    def load_adapter(self, name: str, folder: Path) -> None:
        self._put_on(name, folder)
        self._adapters = {**self._adapters, name: folder}

    def unload_adapter(self, name: str) -> None:
        if name not in self._adapters:
            return
        self._adapters = {key: folder for key, folder in self._adapters.items() if key != name}
        with suppress(_RefusedError):  # started anew by somebody else, it never had it
            self._send("/v1/unload_lora_adapter", {"lora_name": _public(name)})

    def close(self) -> None:
        """Answers on hand end with an error."""
        self._server.close()
        self._client.close()

    def _put_on(self, name: str, folder: Path) -> None:
        asked = {"lora_name": _public(name), "lora_path": str(folder.absolute())}
        try:
            self._send("/v1/load_lora_adapter", asked)
        except _RefusedError as error:
            raise ServeError("serving.vllm_no_adapter", name=name, reason=error) from error

    def _put_all_on(self) -> None:
        """A server that was started anew knows no adapters. Raises the first error, when all were tried."""
        errors = []
        for name, folder in self._adapters.items():
            try:
                self._put_on(name, folder)
            except ServeError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _called(self, adapter: str | None) -> str:
        if adapter is None:
            return self._model
        if adapter not in self._adapters:
            raise ServeError("serving.adapter_gone", name=adapter)
        return _public(adapter)

    def _whole(self, request: Request) -> Completion:
        pieces = list(self.stream(request))
        tokens = tuple(piece.token for piece in pieces if piece.token is not None)
        return Completion(tokens, pieces[-1].finish or "stop")

    def _answer(self, request: Request) -> Iterator[Piece]:
        asked = {"model": self._called(request.adapter), **_asked(request)}
        try:
            for choice in self._choices(asked):
                for piece in _pieces(choice, request):
                    yield piece
                    if piece.finish is not None:
                        return
        except _RefusedError as error:
            if request.grammar is None:
                raise ServeError("serving.vllm_refused", reason=error) from error
            raise ServeError("serving.vllm_no_grammar", param="response_format", reason=error) from error
        raise ServeError("serving.vllm_ended", reason="the stream ended without its last piece")

    def _choices(self, asked: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The choice in each event of a stream."""
        url = f"{self._server.url}/v1/completions"
        with (
            _translated(),
            self._client.stream("POST", url, json=asked, headers=self._headers()) as response,
        ):
            if response.status_code != 200:
                response.read()
                _check(response)
            for line in response.iter_lines():
                told = line.removeprefix("data:").strip() if line.startswith("data:") else ""
                if not told or told == "[DONE]":
                    continue
                event = json.loads(told)
                if "error" in event:
                    raise ServeError("serving.vllm_ended", reason=_message(event))
                yield from event["choices"]

    def _get(self, path: str) -> Any:
        with _translated():
            response = self._client.get(f"{self._server.url}{path}", headers=self._headers())
            _check(response)
            return response.json()

    def _post(self, path: str, asked: Mapping[str, Any]) -> Any:
        try:
            return self._send(path, asked).json()
        except _RefusedError as error:
            raise ServeError("serving.vllm_refused", reason=error) from error

    def _send(self, path: str, asked: Mapping[str, Any]) -> httpx.Response:
        with _translated():
            response = self._client.post(
                f"{self._server.url}{path}", json=dict(asked), headers=self._headers()
            )
            _check(response)
            return response

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._server.key}"} if self._server.key else {}

    @contextmanager
    def _count(self) -> Iterator[None]:
        with self._counting:
            self._running += 1
        try:
            yield
        finally:
            with self._counting:
                self._running -= 1


class _RefusedError(Exception):
    """What vLLM says against a request."""


def _public(adapter: str) -> str:
    """An adapter's name among vLLM's models, where it can't be that of the base."""
    return f"adapter:{adapter}"


def _named(cards: Sequence[Mapping[str, Any]], model: str | None) -> Mapping[str, Any]:
    found = next((card for card in cards if model in {None, card["id"]}), None)
    if found is None:
        known = ", ".join(str(card["id"]) for card in cards)
        raise ServeError("serving.vllm_other_model", name=model, known=known)
    return found


@contextmanager
def _translated() -> Iterator[None]:
    """Foreign errors as ours: a connection that fails is a server that is not there."""
    try:
        yield
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        raise ServeError("serving.vllm_ended", reason=first_line(error)) from error


def _check(response: httpx.Response) -> None:
    """Raises _RefusedError where the request is to blame, ServeError where the server is."""
    if response.status_code < 400:
        return
    try:
        reason = _message(response.json())
    except ValueError:
        reason = response.text[:200]
    if response.status_code in {401, 403}:
        raise ServeError("serving.vllm_key")
    if response.status_code < 500:
        raise _RefusedError(reason)
    raise ServeError("serving.vllm_ended", reason=reason)


def _message(told: Any) -> str:
    """What an error document of vLLM says, in its present form or the older one."""
    error = told.get("error", told) if isinstance(told, dict) else told
    text = error.get("message") if isinstance(error, dict) else error
    return next(iter(str(text).splitlines()), "")[:300]


def _asked(request: Request) -> dict[str, Any]:
    """A request in vLLM's words. Nothing is left to its defaults."""
    asked = {
        "prompt": list(request.prompt),
        "max_tokens": request.sampling.max_new_tokens,
        "stream": True,
        "return_token_ids": True,
        "skip_special_tokens": False,
        "stop_token_ids": sorted(request.stop_ids),
        # a grammar's end is the tokenizer's end of text; without one only our own tokens end an answer
        "ignore_eos": request.grammar is None,
        **_drawn(request.sampling),
    }
    if request.grammar is not None:
        asked["structured_outputs"] = {"grammar": request.grammar}
    if request.top is not None:
        asked |= {"logprobs": request.top, "return_tokens_as_token_ids": True}
    return asked


def _drawn(sampling: Sampling) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "temperature": max(sampling.temperature, 0.0),
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repetition_penalty": sampling.repetition_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
    }
    if sampling.seed is not None:
        drawn["seed"] = sampling.seed
    if sampling.logit_bias:
        drawn["logit_bias"] = {str(token): bias for token, bias in sampling.logit_bias}
    return drawn


def _pieces(choice: Mapping[str, Any], request: Request) -> Iterator[Piece]:
    """The tokens in one event, and the end if it is the last. The token that stopped it is left out."""
    tokens, finish = [int(token) for token in choice.get("token_ids") or ()], choice.get("finish_reason")
    likely = _likely(choice.get("logprobs"), request.top)
    ends_itself = finish == "stop" and choice.get("stop_reason") is None  # by the tokenizer's end of text
    for place, token in enumerate(tokens):
        if token in request.stop_ids or (ends_itself and place == len(tokens) - 1):
            yield Piece(finish="stop")
            return
        logprob, top = likely[place] if likely else (None, ())
        yield Piece(token, logprob=logprob, top=top)
    if finish in {"stop", "length"}:
        yield Piece(finish=finish)
    elif finish is not None:
        raise ServeError("serving.vllm_ended", reason=str(finish))


def _likely(told: Mapping[str, Any] | None, top: int | None) -> list[tuple[float, Alternatives]]:
    """Log-probability and alternatives of each token of an event."""
    if not told or top is None:
        return []
    pairs = zip(told["token_logprobs"], told["top_logprobs"], strict=True)
    return [(float(logprob), _best(others or {}, top)) for logprob, others in pairs]


def _best(others: Mapping[str, float], top: int) -> Alternatives:
    """The `top` likeliest of what vLLM tells, which is one more where the drawn token is not among them."""
    pairs = [(int(name.removeprefix(ID)), float(value)) for name, value in others.items()]
    return tuple(sorted(pairs, key=lambda pair: -pair[1])[:top])


def _scored(token: int, place: Mapping[str, Mapping[str, Any]], top: int) -> Scored:
    others = {name: float(entry["logprob"]) for name, entry in place.items()}
    return Scored(token, others[str(token)], _best(others, top))
