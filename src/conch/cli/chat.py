"""`conch chat`: streaming chat in the terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from conch.cli.common import json_option
from conch.cli.group import Command
from conch.cli.output import complain, emit, say, whisper
from conch.core.text import tr

if TYPE_CHECKING:
    from conch.core.conversation import Message
    from conch.inference.chat import Chat
    from conch.inference.engine import Sampling


@click.command(cls=Command, help=tr("cli.chat"))
@click.argument("model")
@click.option("--adapter", multiple=True, help=tr("cli.chat.adapter"))
@click.option("--system", help=tr("cli.chat.system"))
@click.option("--prompt", "-p", help=tr("cli.chat.prompt"))
@click.option("--template", help=tr("keys.template"))
@click.option("--thinking/--no-thinking", default=None, help=tr("keys.enable_thinking"))
@click.option(
    "--max-new-tokens",
    default=512,
    show_default=True,
    type=click.IntRange(1),
    help=tr("cli.chat.max_new_tokens"),
)
@click.option("--temperature", type=click.FloatRange(0), help=tr("keys.temperature"))
@click.option("--trust-remote-code", is_flag=True, help=tr("keys.trust_remote_code"))
@json_option
def command(
    model: str,
    adapter: tuple[str, ...],
    system: str | None,
    prompt: str | None,
    template: str | None,
    thinking: bool | None,
    max_new_tokens: int,
    temperature: float | None,
    trust_remote_code: bool,
    as_json: bool,
) -> None:
    from conch.config import build
    from conch.config.model import ModelConfig
    from conch.config.output import GenerationConfig
    from conch.core.errors import UsageError

    if as_json and prompt is None:
        raise UsageError("cli.chat.no_prompt")
    settings = {"model_name_or_path": model, "adapter_name_or_path": adapter}
    config = build(ModelConfig, {**settings, "trust_remote_code": trust_remote_code})
    asked = build(GenerationConfig, {"max_new_tokens": max_new_tokens, "temperature": temperature})

    from conch.inference.open import open_chat, sampling_of
    from conch.models.load import load

    whisper(tr("cli.chat.loading", model=model))
    loaded = load(config, template=template, notify=whisper)
    chat = open_chat(loaded, thinking)
    for notice in (*loaded.notices, *chat.template.notices):
        whisper(tr("cli.warning", message=notice.message))
    conversation = Terminal(chat, sampling_of(loaded, asked), system)
    if as_json and prompt is not None:
        emit(conversation.ask(prompt))
    elif prompt is not None:
        conversation.say(prompt)
    else:
        conversation.run()


def readable(line: str) -> str:
    """What was typed, as text: bytes that are no UTF-8 (another encoding, half a character) become `?`."""
    return line.encode("utf-8", "replace").decode("utf-8").strip()


class Terminal:
    """A conversation in the terminal. `/help` tells the commands."""

    def __init__(self, chat: Chat, sampling: Sampling, system: str | None) -> None:
        self.chat = chat
        self.sampling = sampling
        self.system = system
        self.messages = self._beginning()

    def _beginning(self) -> list[Message]:
        from conch.core.conversation import Message

        return [Message("system", self.system)] if self.system else []

    def run(self) -> None:
        """Ask line by line. What can't be answered is told, and forgotten; the conversation goes on."""
        from conch.core.errors import ConchError

        whisper(tr("cli.chat.ready"))
        while True:
            try:
                line = readable(input("> "))
            except (EOFError, KeyboardInterrupt):
                say()
                return
            if line in {"/exit", "/quit"}:
                return
            if line == "/new":
                self.messages = self._beginning()
                whisper(tr("cli.chat.forgotten"))
            elif line == "/help":
                whisper(tr("cli.chat.help"))
            elif re.fullmatch("/[a-z]+", line):
                whisper(tr("cli.chat.no_command", word=line))
            elif line:
                try:
                    self.say(line)
                except ConchError as error:
                    complain(error, as_json=False)

    def ask(self, line: str) -> dict[str, Any]:
        """The whole answer at once, with what it cost."""
        from conch.core.conversation import Message

        reply = self.chat.answer([*self.messages, Message("user", line)], self.sampling)
        return {
            "prompt": line,
            "answer": reply.text,
            "finish": reply.finish,
            "prompt_tokens": reply.prompt_tokens,
            "completion_tokens": reply.completion_tokens,
        }

    def say(self, line: str) -> None:
        """Ask, and print the answer as it comes. Ctrl-C ends the answer; what was said of it stays."""
        from conch.core.conversation import Message

        asked = [*self.messages, Message("user", line)]
        answer = ""
        try:
            for delta in self.chat.stream(asked, self.sampling):
                answer += delta.text
                click.echo(delta.text, nl=False)
        except KeyboardInterrupt:
            pass
        say()
        self.messages = [*asked, Message("assistant", answer)]
