"""A conversation in the terminal, with an engine that says what it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conch.cli.chat import Terminal
from conch.core.conversation import Message
from conch.data.template import ChatTemplate
from conch.inference.chat import Chat
from conch.inference.engine import Piece, Request, Sampling
from conch.inference.engines.scripted import ScriptedEngine
from tests.cli.program import call
from tests.tiny import tiny_tokenizer

ANSWER = "I am the magic conch. 我是神奇海螺。"


@pytest.fixture(scope="module")
def template() -> ChatTemplate:
    return ChatTemplate.of(tiny_tokenizer())


class Talk:
    """A terminal, and the prompts that its engine was given."""

    def __init__(self, template: ChatTemplate, system: str | None = None) -> None:
        self.template = template
        self.prompts: list[str] = []
        self.engine = ScriptedEngine(self.script)
        chat = Chat(self.engine, template, template.stop_ids())
        self.terminal = Terminal(chat, Sampling(max_new_tokens=100), system)

    def script(self, request: Request) -> list[int]:
        self.prompts.append(str(self.template.tokenizer.decode(list(request.prompt))))
        return self.template.encode(ANSWER)


def typing(lines: list[str | type[BaseException]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line as a person's next input; a class is raised."""
    coming: Iterator[Any] = iter(lines)

    def read(_: str) -> str:
        line = next(coming)
        if isinstance(line, str):
            return line
        raise line

    monkeypatch.setattr("builtins.input", read)


def test_an_answer_is_shown_and_remembered(
    template: ChatTemplate, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = Talk(template)
    talk.terminal.say("Who are you?")
    assert capsys.readouterr().out == f"{ANSWER}\n"
    assert talk.terminal.messages == [Message("user", "Who are you?"), Message("assistant", ANSWER)]


def test_the_prompt_is_that_of_training(template: ChatTemplate) -> None:
    talk = Talk(template, system="Be short.")
    talk.terminal.say("Who?")
    wanted = template.render([Message("system", "Be short."), Message("user", "Who?")])
    assert talk.prompts == [wanted]


def test_a_conversation_with_commands(
    template: ChatTemplate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typing(["one", "", "  two  ", "/help", "/nwe", "/new", "three", "/exit", "never"], monkeypatch)
    talk = Talk(template, system="S")
    talk.terminal.run()
    said = capsys.readouterr().err
    assert "/new    forget" in said
    assert "no command /nwe" in said
    asked = [prompt.count("<|im_start|>user") for prompt in talk.prompts]
    assert asked == [1, 2, 1]
    assert "two" in talk.prompts[1]
    assert "one" in talk.prompts[1]
    assert "one" not in talk.prompts[2]
    assert all(prompt.startswith("<|im_start|>system\nS") for prompt in talk.prompts)


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt, "/quit", "/exit"])
def test_ways_to_leave(
    end: str | type[BaseException], template: ChatTemplate, monkeypatch: pytest.MonkeyPatch
) -> None:
    typing(["one", end], monkeypatch)
    talk = Talk(template)
    talk.terminal.run()
    assert len(talk.prompts) == 1


def test_ctrl_c_ends_an_answer_and_keeps_what_was_said(
    template: ChatTemplate, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(ScriptedEngine):
        def stream(self, request: Request) -> Iterator[Piece]:
            for token in template.encode("I am the"):
                yield Piece(token)
            raise KeyboardInterrupt

    chat = Chat(Interrupted(lambda _: []), template, template.stop_ids())
    terminal = Terminal(chat, Sampling(), None)
    terminal.say("Who?")
    said = capsys.readouterr().out.rstrip("\n")
    assert said
    assert "I am the".startswith(said)
    assert terminal.messages[-1] == Message("assistant", said)


def test_a_question_that_is_too_long_does_not_end_the_conversation(
    template: ChatTemplate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = Talk(template)
    talk.engine.context_length = 200
    typing(["one", "long " * 300, "two", "/exit"], monkeypatch)
    talk.terminal.run()
    assert [m.content for m in talk.terminal.messages] == ["one", ANSWER, "two", ANSWER]
    told = capsys.readouterr().err
    assert "Error: " in told
    assert "200" in told
    assert "  → " in told


def test_an_answer_as_json_has_its_cost(template: ChatTemplate) -> None:
    talk = Talk(template)
    answer = talk.terminal.ask("Who?")
    assert answer == {
        "prompt": "Who?",
        "answer": ANSWER,
        "finish": "stop",
        "prompt_tokens": len(template.prompt_ids([Message("user", "Who?")])),
        "completion_tokens": len(template.encode(ANSWER)),
    }


@pytest.mark.parametrize("words", [(), ("--temperature", "0.5"), ("--system", "Be short.")])
def test_the_command_answers_one_question(tiny_folder: Path, words: tuple[str, ...]) -> None:
    ended = call("chat", str(tiny_folder), "-p", "Who?", "--max-new-tokens", "4", "--json", *words)
    assert ended.code == 0
    answer = json.loads(ended.out)
    assert answer["completion_tokens"] <= 4
    assert isinstance(answer["answer"], str)


def test_the_command_streams_to_standard_output(tiny_folder: Path) -> None:
    words = ("chat", str(tiny_folder), "-p", "Who?", "--max-new-tokens", "4", "--temperature", "0")
    streamed, whole = call(*words), call(*words, "--json").json()
    assert streamed.code == 0
    assert streamed.out.rstrip("\n").strip() == whole["answer"].strip()
    assert "Loading" in streamed.err


@pytest.mark.parametrize(("typed", "read"), [(" hi \n", "hi"), ("\udcc4\udce3 你好", "?? 你好")])
def test_what_is_typed_in_another_encoding_is_no_crash(typed: str, read: str) -> None:
    from conch.cli.chat import readable

    assert readable(typed) == read
