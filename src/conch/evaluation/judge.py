"""A model behind an OpenAI-compatible address that says which of two answers is better.

It is asked twice about each pair, with the order swapped: judges prefer what they read first (Zheng et
al. 2023, arXiv:2306.05685). Only where it says the same both times has one won; else it is a tie.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from conch.config.compare import JudgeConfig
from conch.core.errors import ServeError, first_line

Verdict = Literal["a", "b", "tie"]
ASK_SECONDS = 120
AT_ONCE = 4
TRIES = 3
_WORD = re.compile(r"\b(A|B|TIE)\b")
TASK = """Two assistants answered the same question. Say which answer is better: more correct, more helpful, \
in the language of the question. Length alone is no merit.

[Question]
{question}
{wanted}
[Answer A]
{first}

[Answer B]
{second}

Reply with one word only: A, B, or TIE."""


class Judge:
    """Asks for verdicts. `send` takes a request's body and gives the answer's: tests need no server."""

    def __init__(
        self, config: JudgeConfig, send: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    ) -> None:
        self._config = config
        self._send = send or self._post

    def verdicts(
        self,
        pairs: Sequence[tuple[str, str, str, str]],
        told: Callable[[int, int], None] = lambda done, of: None,
    ) -> list[Verdict]:
        """Of each (question, wanted answer or nothing, answer of a, answer of b). Raises ServeError."""
        found: list[Verdict] = []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for verdict in pool.map(lambda pair: self._verdict(*pair), pairs):
                found.append(verdict)
                told(len(found), len(pairs))
        return found

    def _verdict(self, question: str, wanted: str, a: str, b: str) -> Verdict:
        if a == b:
            return "tie"
        first, second = self._ask(question, wanted, a, b), self._ask(question, wanted, b, a)
        swapped: dict[str, Verdict] = {"A": "b", "B": "a"}
        straight: dict[str, Verdict] = {"A": "a", "B": "b"}
        one, other = straight.get(first, "tie"), swapped.get(second, "tie")
        return one if one == other else "tie"

    def _ask(self, question: str, wanted: str, first: str, second: str) -> str:
        reference = f"\n[Reference answer]\n{wanted}\n" if wanted else ""
        text = TASK.format(question=question, wanted=reference, first=first, second=second)
        body = {
            "model": self._config.model,
            "messages": [{"role": "user", "content": text}],
            "temperature": 0,
            "max_tokens": 16,
        }
        try:
            said = str(self._send(body)["choices"][0]["message"]["content"])
        except (KeyError, IndexError, TypeError) as error:
            raise ServeError("evaluation.judge_form", url=self._config.url) from error
        words = _WORD.findall(said.upper())
        return words[0] if words else "TIE"

    def _post(self, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if self._config.api_key:
            headers["Authorization"] = f"Bearer {self._config.api_key}"
        address = self._config.url.rstrip("/")
        if not address.endswith("/chat/completions"):
            address += "/chat/completions"
        try:
            request = urllib.request.Request(address, json.dumps(body).encode(), headers)
        except ValueError as error:
            raise ServeError("evaluation.judge_silent", url=address, reason=error) from error
        return _answered(request, address)


def _answered(request: urllib.request.Request, address: str) -> dict[str, Any]:
    """The answer, after a second try where a connection breaks."""
    for left in reversed(range(TRIES)):
        try:
            with urllib.request.urlopen(request, timeout=ASK_SECONDS) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            if left and error.code in {429, 500, 502, 503}:
                continue
            raise ServeError(
                "evaluation.judge_refused", url=address, status=error.code, reason=_said(error)
            ) from error
        except (OSError, ValueError, TypeError) as error:
            if left and isinstance(error, OSError):
                continue
            raise ServeError("evaluation.judge_silent", url=address, reason=first_line(error)) from error
    raise AssertionError("every try returns or raises")


def _said(error: urllib.error.HTTPError) -> str:
    """What the server wrote to its refusal, in short."""
    try:
        document = json.load(error)
        return str(document["error"]["message"])[:200]
    except (OSError, ValueError, KeyError, TypeError):
        return str(error.reason)
