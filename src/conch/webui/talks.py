"""Conversations of the chat page: they go on whoever looks, and are there after a refresh or a restart.

A conversation has one side, or two that are asked the same. Each answers by its own history, in a
thread of its own, through the HTTP API of the server that holds its model.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx

from conch.core import env
from conch.core.conversation import Conversation, Message
from conch.core.errors import ConchError, first_line
from conch.core.files import write_whole
from conch.core.text import language, speaking, tr
from conch.data.thoughts import CLOSE, OPEN
from conch.webui.held import Held, Model

State = Literal["waiting", "writing", "done", "cut", "stopped", "failed"]
GOING = ("waiting", "writing")
KEPT = 200
"""Conversations that are remembered."""
QUIET_SECONDS = 60.0
"""How long a server may say nothing at all: it sends a sign of life more often than that."""
_ID = re.compile(r"[0-9a-f]{16}")


@dataclass
class Answer:
    """What one side says to one question. `note` is what it waits for, or why it failed."""

    said: str = ""
    thought: str = ""
    state: State = "waiting"
    note: str = ""
    hint: str = ""
    tokens: int = 0
    seconds: float = 0.0
    """Since the answer was begun."""
    began: float = 0.0
    edited: bool = False


@dataclass
class Turn:
    asked: str
    answers: list[Answer]

    def answer(self, side: int) -> Answer:
        """That of a side; a side that came later has the first one's answers before it."""
        return self.answers[side if side < len(self.answers) else 0]


@dataclass
class Settings:
    """How all sides are asked. What is None is as the model's own config says."""

    models: list[str] = field(default_factory=list)
    system: str = ""
    max_tokens: int | None = 512
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    enable_thinking: bool | None = None

    def body(self) -> dict[str, Any]:
        own = {key: value for key, value in asdict(self).items() if key not in {"models", "system"}}
        return {key: value for key, value in own.items() if value is not None}


@dataclass
class Talk:
    """One conversation. Read by pages while threads write it; `version` counts what changed."""

    id: str
    settings: Settings = field(default_factory=Settings)
    turns: list[Turn] = field(default_factory=list)
    version: int = 0
    round: int = 0
    """Counts what was asked: an answer to an earlier round is nobody's business any more."""
    keeping: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    """Held while it is written to the disk: what is newer must not be followed by what is older."""

    @property
    def going(self) -> bool:
        return bool(self.turns) and any(answer.state in GOING for answer in self.turns[-1].answers)

    def messages(self, side: int, at: int) -> list[Message]:
        """What side `side` has before it when it answers turn `at`. Turns without an answer are left out.

        A side that came later has the first one's answers before it.
        """
        found = [Message("system", self.settings.system)] if self.settings.system else []
        for turn in self.turns[:at]:
            answer = turn.answer(side)
            if answer.said:
                found += [Message("user", turn.asked), Message("assistant", answer.said)]
        return [*found, Message("user", self.turns[at].asked)]

    def conversation(self, side: int) -> Conversation:
        """As a row to learn from, thoughts included: up to the last turn that has an answer."""
        found = [Message("system", self.settings.system)] if self.settings.system else []
        for turn in self.turns:
            answer = turn.answer(side)
            if not answer.said:
                break
            thought = f"{OPEN}\n{answer.thought}\n{CLOSE}\n\n" if answer.thought else ""
            found += [Message("user", turn.asked), Message("assistant", thought + answer.said)]
        return Conversation(tuple(found))


class Talks:
    """All conversations of this studio, by their id, which only the browser that has them knows."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._talks: dict[str, Talk] = {}
        self._turn = threading.Lock()

    def get(self, name: str) -> Talk:
        """The conversation of this id; a new one where there is none."""
        with self._turn:
            talk = self._talks.get(name) or _read(name) or Talk(secrets.token_hex(8))
            self._talks[talk.id] = talk
            return talk

    def ask(self, talk: Talk, settings: Settings, text: str, *, at: int | None = None) -> None:
        """Ask `text` at the end, or in place of turn `at` and all behind it."""
        self.stop(talk)
        with self._turn:
            talk.settings = settings
            if at is not None:
                del talk.turns[at:]
            answers = [Answer() for _ in settings.models]
            talk.turns.append(Turn(text, answers))
            talk.round += 1
            talk.version += 1
            work = Work(talk, talk.round, len(talk.turns) - 1, answers, language())
        threading.Thread(target=self._answer, args=(work,), name="talk", daemon=True).start()

    def stop(self, talk: Talk) -> None:
        """Leave the answers that are being made as they are."""
        with self._turn:
            talk.round += 1
            for turn in talk.turns[-1:]:
                for answer in turn.answers:
                    if answer.state in GOING:
                        answer.state, answer.note = "stopped", ""
            talk.version += 1
        _write(talk)

    def correct(self, talk: Talk, at: int, side: int, text: str) -> None:
        """Put a person's words in place of an answer."""
        answer = talk.turns[at].answers[side]
        answer.said, answer.edited = text, True
        if answer.state == "failed":
            answer.state = "done"
        talk.version += 1
        _write(talk)

    def _answer(self, work: Work) -> None:
        """Load what is not loaded, then let all sides write at once."""
        with speaking(work.tongue):
            try:
                models = self._held.open(work.talk.settings.models, work.tell, work.wanted)
            except Exception as error:
                for answer in work.answers:
                    work.fail(answer, error)
            else:
                work.tell(tr("studio.chat.reads"))
                threads = [
                    threading.Thread(target=work.write, args=(side, model), daemon=True)
                    for side, model in enumerate(models)
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
        _write(work.talk)


@dataclass(frozen=True)
class Work:
    """The answers to one question while they are made."""

    talk: Talk
    round: int
    at: int
    answers: Sequence[Answer]
    tongue: str

    def wanted(self) -> bool:
        return self.talk.round == self.round

    def tell(self, line: str) -> None:
        """What is waited for."""
        for answer in self.answers:
            answer.note = line
        self.talk.version += 1

    def write(self, side: int, model: Model) -> None:
        answer = self.answers[side]
        with speaking(self.tongue):
            try:
                for event in _events(model, self._body(side, model)):
                    if not self.wanted():
                        return
                    _take(answer, event)
                    self.talk.version += 1
            except Exception as error:
                self.fail(answer, error)

    def _body(self, side: int, model: Model) -> dict[str, Any]:
        messages = [message.to_template() for message in self.talk.messages(side, self.at)]
        asked = {"model": model.name, "messages": messages, **self.talk.settings.body()}
        return {**asked, "stream": True, "stream_options": {"include_usage": True}}

    def fail(self, answer: Answer, error: Exception) -> None:
        if not self.wanted():
            return
        match error:
            case ConchError():
                answer.note, answer.hint = error.message, error.hint
            case httpx.HTTPError():
                answer.note, answer.hint = tr("studio.chat.lost"), tr("studio.chat.lost.fix")
            case _:
                answer.note, answer.hint = first_line(error), ""
        answer.state = "failed"
        self.talk.version += 1


def _take(answer: Answer, event: dict[str, Any]) -> None:
    """One event of the stream into the answer."""
    if answer.state == "waiting":
        answer.state, answer.note, answer.began = "writing", "", time.monotonic()
    if event.get("usage"):
        answer.tokens = event["usage"]["completion_tokens"]
    for choice in event["choices"]:
        answer.said += choice["delta"].get("content") or ""
        answer.thought += choice["delta"].get("reasoning_content") or ""
        if choice["finish_reason"] is not None:
            answer.state = "cut" if choice["finish_reason"] == "length" else "done"
    answer.seconds = time.monotonic() - answer.began


def _events(model: Model, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the server sends. Raises ServedError, or what the HTTP library raises."""
    timeout = httpx.Timeout(QUIET_SECONDS, connect=10)
    with (
        httpx.Client(timeout=timeout, trust_env=False) as client,
        client.stream("POST", f"{model.url}/v1/chat/completions", json=body) as response,
    ):
        if response.status_code != httpx.codes.OK:
            raise ServedError(json.loads(response.read()))
        for line in response.iter_lines():
            if not line.startswith("data: ") or line == "data: [DONE]":
                continue
            event = json.loads(line.removeprefix("data: "))
            if "error" in event:
                raise ServedError(event)
            yield event


class ServedError(Exception):
    """What a server of ours answered instead."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(str(body.get("error", {}).get("message", "")))


def _file(name: str) -> Path:
    return env.home() / "studio" / "talks" / f"{name}.json"


def _write(talk: Talk) -> None:
    """Keep it on the disk as it is now; the oldest of many go."""
    with talk.keeping:
        _write_now(talk)


def _write_now(talk: Talk) -> None:
    file = _file(talk.id)
    if not talk.turns:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = {"settings": asdict(talk.settings), "turns": [asdict(turn) for turn in talk.turns]}
    write_whole(file, json.dumps(kept, ensure_ascii=False))
    files = sorted(file.parent.glob("*.json"), key=lambda each: each.stat().st_mtime)
    for old in files[:-KEPT]:
        old.unlink(missing_ok=True)


def _read(name: str) -> Talk | None:
    if not _ID.fullmatch(name):
        return None
    try:
        kept = json.loads(_file(name).read_text(encoding="utf-8"))
        turns = [Turn(turn["asked"], [Answer(**each) for each in turn["answers"]]) for turn in kept["turns"]]
        talk = Talk(name, Settings(**kept["settings"]), turns)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    for answer in turns[-1].answers if turns else []:
        if answer.state in GOING:  # the studio that waited for it is no more
            answer.state = "stopped"
    return talk
