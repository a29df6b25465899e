"""A server around the scripted engine: says what it is told, at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from fastapi.testclient import TestClient

from conch.config.serve import ServeConfig
from conch.core.conversation import Message
from conch.core.errors import ModelError
from conch.data.template import ChatTemplate
from conch.inference.chat import Chat
from conch.inference.engine import Request, Sampling
from conch.inference.engines.scripted import ScriptedEngine
from conch.server.app import create_app
from conch.server.errors import RequestError
from conch.server.service import Served, Service
from tests.tiny import tiny_tokenizer

TOKENIZER = tiny_tokenizer()
TEMPLATE = ChatTemplate.of(TOKENIZER)
ANSWER = "I am the magic conch 🐚, 神奇海螺。"


TOOLS_TEMPLATE = ChatTemplate.of(tiny_tokenizer(template=None), "chatml")
"""One that writes calls of functions."""


def scripted_chat(
    answer: str | Callable[[Request], str] = ANSWER,
    context_length: int = 4096,
    pause: float = 0.0,
    template: ChatTemplate = TEMPLATE,
):
    """A chat that answers with `answer`, whatever it is asked."""

    def script(request: Request) -> list[int]:
        text = answer if isinstance(answer, str) else answer(request)
        return [*TEMPLATE.encode(text), TEMPLATE.end_of_turn]

    engine = ScriptedEngine(script, context_length, pause)
    return Chat(engine, template, template.stop_ids())


class FakeShelf:
    """Puts on whatever it is asked for but `none`, and keeps a list of what it did."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []

    def put_on(self, name: str, reference: str) -> tuple[Served, float]:
        if reference == "none":
            raise RequestError("serving.no_such_adapter", param="lora_path", name=reference)
        if reference == "broken":
            raise ModelError("models.bad_adapter", folder="/secret", reason="x")
        self.done.append(("on", name))
        return Served(name, scripted_chat(f"I am {name}."), Sampling(max_new_tokens=200), parent="base"), 0.5

    def take_off(self, served: Served) -> None:
        self.done.append(("off", served.name))


def service_of(chat: Chat, adapter: Chat | None = None, **options) -> Service:
    """`base`, and `shop` as its adapter."""
    models = [Served("base", chat, Sampling(max_new_tokens=200))]
    if adapter is not None:
        models.append(Served("shop", adapter, Sampling(max_new_tokens=200), parent="base"))
    return Service(models, **options)


def client_of(
    service: Service, config: ServeConfig | None = None, shelf: FakeShelf | None = None, **options
) -> TestClient:
    app = create_app(service, config or ServeConfig(model="base"), shelf or FakeShelf())
    return TestClient(app, base_url="http://127.0.0.1:8000", **options)


def chat_body(text: str = "Who are you?", **more) -> dict:
    return {"model": "base", "messages": [{"role": "user", "content": text}], **more}


def events(lines: Iterable[str]) -> list[dict]:
    """The documents of a stream that ends well."""
    data = [line.removeprefix("data: ") for line in lines if line]
    assert data[-1] == "[DONE]"
    return [json.loads(item) for item in data[:-1]]


def streamed_texts(client: TestClient, path: str, body: dict) -> list[str]:
    """What each answer of a streamed request adds up to."""
    answer = client.post(path, json={**body, "stream": True})
    assert answer.status_code == 200, answer.text
    texts: dict[int, str] = {}
    for event in events(answer.text.splitlines()):
        for choice in event["choices"]:
            piece = choice["text"] if "text" in choice else choice["delta"].get("content", "")
            texts[choice["index"]] = texts.get(choice["index"], "") + piece
    return [texts[index] for index in sorted(texts)]


def prompt_of(text: str) -> list[int]:
    return TEMPLATE.prompt_ids([Message("user", text)])
