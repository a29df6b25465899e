"""Conversations of the chat page, with a server that says what it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from conch.core.errors import ModelError
from conch.webui import talks as talks_module
from conch.webui.held import Model
from conch.webui.talks import Answer, Settings, Talk, Talks, Turn


class Speaker:
    """A server of the API. `pieces` are what it says; it goes on to the next when `step` is set."""

    def __init__(self) -> None:
        self.pieces: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.go = threading.Event()
        self.gone = threading.Event()
        self.status = 200
        speaker = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                speaker.asked.append(json.loads(self.rfile.read(length)))
                self.send_response(speaker.status)
                self.end_headers()
                if speaker.status != 200:
                    self.wfile.write(b'{"error": {"message": "no, thank you"}}')
                    return
                try:
                    for number, piece in enumerate(speaker.pieces):
                        if number:
                            speaker.go.wait(10)
                        self.wfile.write(f"data: {json.dumps(piece)}\n\n".encode())
                        self.wfile.flush()
                except OSError:
                    speaker.gone.set()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self.go.set()
        self._server.shutdown()
        self._server.server_close()


class Shelf:
    """Stands for the models in memory."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.error: Exception | None = None

    def open(
        self, references: Sequence[str], notify: Callable[[str], None], wanted: Callable[[], bool]
    ) -> list[Model]:
        notify("loading")
        if self.error is not None:
            raise self.error
        return [Model(self.url, name) for name in references]


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    made = Speaker()
    yield made
    made.close()


@pytest.fixture
def shelf(speaker: Speaker) -> Shelf:
    return Shelf(speaker.url)


@pytest.fixture
def talks(shelf: Shelf) -> Talks:
    held: Any = shelf
    return Talks(held)


def piece(finish: str | None = None, **delta: str) -> dict[str, Any]:
    return {"choices": [{"delta": delta, "finish_reason": finish}]}


def wait_for(happened: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def end_of(talk: Talk) -> None:
    wait_for(lambda: not talk.going)


def test_thoughts_stand_apart_and_each_side_is_asked(talks: Talks, speaker: Speaker) -> None:
    speaker.go.set()
    speaker.pieces = [piece(reasoning_content="Hm."), piece(content="I am "), piece("stop", content="Conch."),
                      {"choices": [], "usage": {"completion_tokens": 5}}]  # fmt: skip
    talk = talks.get("")
    talks.ask(talk, Settings(["one", "two"], system="Be brief.", temperature=0.5), "Who are you?")
    end_of(talk)
    wait_for(lambda: all(answer.tokens == 5 for answer in talk.turns[0].answers))
    for answer in talk.turns[0].answers:
        assert (answer.thought, answer.said, answer.state) == ("Hm.", "I am Conch.", "done")
    assert sorted(asked["model"] for asked in speaker.asked) == ["one", "two"]
    assert speaker.asked[0]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who are you?"},
    ]
    assert speaker.asked[0]["temperature"] == 0.5
    assert "top_p" not in speaker.asked[0], "what is not set is as the model has it"


def test_a_stopped_answer_stays_as_it_is_and_the_server_is_let_go(talks: Talks, speaker: Speaker) -> None:
    speaker.pieces = [piece(content="One "), *[piece(content="more ")] * 2000, piece("stop")]
    talk = talks.get("")
    talks.ask(talk, Settings(["one"]), "Count.")
    wait_for(lambda: talk.turns[0].answers[0].said == "One ")
    talks.stop(talk)
    answer = talk.turns[0].answers[0]
    assert (answer.state, answer.said) == ("stopped", "One ")
    speaker.go.set()
    assert speaker.gone.wait(10), "the connection is closed, so the server ends its work"
    assert answer.said == "One "


def test_an_edited_question_takes_the_place_of_all_behind_it(talks: Talks, speaker: Speaker) -> None:
    speaker.go.set()
    speaker.pieces = [piece("stop", content="Yes.")]
    talk = talks.get("")
    for text in ("First?", "Second?", "Third?"):
        talks.ask(talk, Settings(["one"]), text)
        end_of(talk)
    talks.ask(talk, Settings(["one"]), "Other?", at=1)
    end_of(talk)
    assert [turn.asked for turn in talk.turns] == ["First?", "Other?"]
    assert [message["content"] for message in speaker.asked[-1]["messages"]] == ["First?", "Yes.", "Other?"]


def test_a_talk_is_there_after_a_restart(talks: Talks, shelf: Shelf, speaker: Speaker) -> None:
    speaker.go.set()
    speaker.pieces = [piece("length", content="Yes.")]
    talk = talks.get("")
    talks.ask(talk, Settings(["one"], seed=3), "First?")
    end_of(talk)
    talks.correct(talk, 0, 0, "No.")
    held: Any = shelf
    again = Talks(held).get(talk.id)
    assert again.id == talk.id
    assert again.settings == talk.settings
    assert (again.turns[0].answers[0].said, again.turns[0].answers[0].edited) == ("No.", True)
    assert talks.get("../../etc/passwd").turns == [], "an id names no path"
    assert talks.get("").id != talks.get("").id, "who has no talk gets one of their own"


def test_what_is_kept_later_is_newer(
    talks: Talks, shelf: Shelf, speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A correction is kept although an answer's thread is slow to write what was before it."""
    speaker.go.set()
    speaker.pieces = [piece("length", content="Yes.")]
    talk = talks.get("")
    quick, held_up = talks_module.write_whole, threading.Event()

    def slow(file: Path, text: str) -> None:
        if "No." not in text and '"cut"' in text:
            held_up.set()
            time.sleep(0.3)
        quick(file, text)

    monkeypatch.setattr(talks_module, "write_whole", slow)
    talks.ask(talk, Settings(["one"]), "First?")
    assert held_up.wait(10)
    talks.correct(talk, 0, 0, "No.")
    held: Any = shelf
    assert Talks(held).get(talk.id).turns[0].answers[0].said == "No."
    time.sleep(0.4)
    assert Talks(held).get(talk.id).turns[0].answers[0].said == "No."


def test_what_fails_is_told(talks: Talks, shelf: Shelf, speaker: Speaker) -> None:
    talk = talks.get("")
    speaker.status = 400
    talks.ask(talk, Settings(["one"]), "First?")
    end_of(talk)
    assert talk.turns[0].answers[0].note == "no, thank you"
    shelf.error = ModelError("models.no_path", path="/nowhere")
    talks.ask(talk, Settings(["one"]), "Second?")
    end_of(talk)
    assert "/nowhere" in talk.turns[1].answers[0].note
    assert [message.content for message in talk.messages(0, 1)] == ["Second?"], "what failed is no history"


def test_a_row_ends_before_the_first_turn_without_an_answer(talks: Talks, speaker: Speaker) -> None:
    speaker.go.set()
    speaker.pieces = [piece(reasoning_content="Hm."), piece("stop", content="Yes.")]
    talk = talks.get("")
    talks.ask(talk, Settings(["one"]), "First?")
    end_of(talk)
    speaker.status = 500
    talks.ask(talk, Settings(["one"]), "Second?")
    end_of(talk)
    contents = [message.content for message in talk.conversation(0).messages]
    assert contents == ["First?", "<think>\nHm.\n</think>\n\nYes."]


def test_a_side_that_came_later_is_kept_with_the_first_ones_answers_before_it() -> None:
    """As it was asked: what it was shown before were the other's answers."""
    turns = [Turn("1?", [Answer("one")]), Turn("2?", [Answer("two"), Answer("deux")])]
    contents = [message.content for message in Talk("t", turns=turns).conversation(1).messages]
    assert contents == ["1?", "one", "2?", "deux"]
