"""Does a running server answer as the model that it should serve?

It is asked over HTTP as any client asks, in the forms of OpenAI and vLLM: how it reads the fixed prompts
(`/tokenize`), how likely it holds each token of prompts and answers (`/v1/completions` with `echo`),
and what it answers. So template, weights, adapter and number format of what is served are held against the
source, whoever serves it and on whatever machine.
"""

from __future__ import annotations

import http.client
import json
import math
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from conch.core.errors import ExportError, first_line
from conch.exporting.checks import Check, Share, at_least, at_most, share_of
from conch.exporting.gguf_proof import BOUNDS, SURE
from conch.exporting.proof import GREEDY_TOKENS, Answer, Source, ask, logits_of
from conch.models.load import LoadedModel

SECONDS = 600
"""How long one answer may take."""
LIKELIEST = 5
Send = Callable[[str, "dict[str, Any] | None"], "dict[str, Any]"]


class Server:
    """A server by its address, such as http://127.0.0.1:8000. Raises ExportError where it does not answer.

    `send` takes a path and what is asked there: tests need no server.
    """

    def __init__(
        self, url: str, model: str | None = None, api_key: str | None = None, send: Send | None = None
    ) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        self._key = api_key
        self._send = send or self._fetch
        self.model = model or self._only()

    def _only(self) -> str:
        told = self._send("/v1/models", None)
        with _understood(self.url):
            names = [str(entry["id"]) for entry in told["data"]]
        if len(names) != 1:
            raise ExportError("export.served_which", url=self.url, names=", ".join(names) or "-")
        return names[0]

    def tokens(self, prompt: str, *, chat: bool) -> list[int]:
        """How the server reads a question, or where there is no chat template a text."""
        asked: dict[str, Any] = {"prompt": prompt}
        if chat:
            asked = {"messages": [{"role": "user", "content": prompt}]}
        told = self._ask("/tokenize", asked)
        with _understood(self.url):
            return list(told["tokens"])

    def weigh(self, tokens: Sequence[int]) -> tuple[list[float], list[str]]:
        """The log-probability of each token but the first, and the text that is likeliest in its place."""
        asked = {
            "prompt": list(tokens),
            "max_tokens": 1,
            "temperature": 0,
            "echo": True,
            "logprobs": LIKELIEST,
        }
        told = self._ask("/v1/completions", asked)
        with _understood(self.url):
            places = told["choices"][0]["logprobs"]
            found = [_number(places["token_logprobs"][at]) for at in range(1, len(tokens))]
            tops = [places["top_logprobs"][at] for at in range(1, len(tokens))]
            return found, [max(top, key=top.get) for top in tops]

    def answer(self, tokens: Sequence[int]) -> str:
        """The likeliest answer."""
        asked = {"prompt": list(tokens), "max_tokens": GREEDY_TOKENS, "temperature": 0}
        told = self._ask("/v1/completions", asked)
        with _understood(self.url):
            return str(told["choices"][0]["text"])

    def _ask(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        return self._send(path, {**asked, "model": self.model})

    def _fetch(self, path: str, asked: dict[str, Any] | None) -> dict[str, Any]:
        body = None if asked is None else json.dumps(asked).encode()
        address = self.url + path
        try:
            request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
            if self._key:  # not for where an answer may lead to
                request.add_unredirected_header("Authorization", f"Bearer {self._key}")
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            raise ExportError("export.served_refused", url=address, status=error.code) from error
        except (OSError, http.client.HTTPException, ValueError, TypeError) as error:
            raise ExportError("export.served_silent", url=address, reason=first_line(error)) from error


@contextmanager
def _understood(url: str) -> Iterator[None]:
    """Raises ExportError where a document is not what OpenAI's and vLLM's servers say there."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ExportError("export.served_odd", url=url) from error


@dataclass(frozen=True)
class ServedProof:
    """What the comparison found."""

    url: str
    model: str
    kind: str
    checks: tuple[Check, ...]
    prompts: int
    positions: int
    same_answers: int
    max_logprob_difference: float
    mean_logprob_difference: float
    answers: list[dict[str, Any]]

    @property
    def holds(self) -> bool:
        return all(check.holds for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        own = {name: value for name, value in vars(self).items() if name != "checks"}
        finite = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in own.items()
        }
        return {"holds": self.holds, **finite, "checks": [check.to_dict() for check in self.checks]}


@dataclass
class _Compared:
    """Log-probabilities of the same tokens by the source, its base, and the server."""

    source: list[float]
    base: list[float]
    served: list[float]
    same: list[bool]
    """Whether the server, too, finds likeliest what the source is sure of."""


def prove_served(source: Source, server: Server, kind: str) -> ServedProof:
    """Hold what `server` says against `source`. `kind` is the number format that it computes in."""
    loaded = source.loaded
    wanted = ask(loaded)
    read = [server.tokens(answer.prompt, chat=loaded.has_template()) for answer in wanted]
    prompts = [own == answer.prompt_ids for own, answer in zip(read, wanted, strict=True)]
    compared = _compare(loaded, wanted, server)
    differences = np.abs(np.array(compared.source) - np.array(compared.served))
    finite = bool(np.isfinite(differences).all())
    largest, mean = (float(differences.max()), float(differences.mean())) if finite else (math.inf, math.inf)
    said = [(answer, server.answer(answer.prompt_ids)) for answer in wanted]
    answers = [{"prompt": one.prompt, "source": _text(loaded, one), "served": other} for one, other in said]
    bounds, share = BOUNDS[kind], _share(compared)
    agreement = sum(compared.same) / len(compared.same) if compared.same else 1.0
    checks = [
        at_least("prompt_tokens", sum(prompts), len(prompts)),
        at_most("largest", largest, bounds.largest),
        at_most("mean", mean, bounds.mean),
        at_least("next_token", agreement, bounds.same),
        share.check() if share else None,
    ]
    return ServedProof(
        server.url,
        server.model,
        kind,
        tuple(check for check in checks if check),
        len(wanted),
        len(compared.source),
        sum(each["source"] == each["served"] for each in answers),
        largest,
        mean,
        answers,
    )


def _compare(loaded: LoadedModel, wanted: Sequence[Answer], server: Server) -> _Compared:
    """Over prompts and the source's own answers to them."""
    rows = [[*answer.prompt_ids, *answer.tokens] for answer in wanted]
    found = _Compared([], [], [], [])
    for row, logits in zip(rows, logits_of(loaded, rows), strict=True):
        own = logits.log_softmax(-1)[:-1]
        told, likeliest = server.weigh(row)
        found.source += [float(own[at, token]) for at, token in enumerate(row[1:])]
        found.served += told
        top = own.topk(2)
        sure = (top.values[:, 0] - top.values[:, 1] > SURE).tolist()
        for at, is_sure in enumerate(sure):
            if is_sure:
                text = str(loaded.tokenizer.decode([int(top.indices[at, 0])], skip_special_tokens=False))
                found.same.append(likeliest[at] == text)
    found.base = _of_base(loaded, rows)
    return found


def _of_base(loaded: LoadedModel, rows: list[list[int]]) -> list[float]:
    """The same of the model without its adapter; nothing where it has none."""
    model: Any = loaded.model
    if not hasattr(model, "disable_adapter"):
        return []
    with model.disable_adapter():
        logits = logits_of(loaded, rows)
    return [
        float(value)
        for row, each in zip(rows, logits, strict=True)
        for value in each.log_softmax(-1)[range(len(row) - 1), row[1:]]
    ]


def _share(compared: _Compared) -> Share | None:
    if not compared.base:
        return None
    source, base, served = (np.array(part) for part in (compared.source, compared.base, compared.served))
    return share_of(source, base, served, len(source))


def _text(loaded: LoadedModel, answer: Answer) -> str:
    return str(loaded.tokenizer.decode(list(answer.tokens), skip_special_tokens=True))


def _number(told: float | None) -> float:
    """JSON knows no infinity."""
    return float("-inf") if told is None else float(told)
