"""`/tokenize` and `/detokenize`: what the model reads, as vLLM's routes of these names tell it."""

from __future__ import annotations

from anyio import to_thread
from fastapi import APIRouter

from conch.core.text import tr
from conch.inference.chat import Chat, Turns
from conch.inference.marks import token_text
from conch.server.documents import Detokenized, Tokenized
from conch.server.errors import RequestError
from conch.server.schema import DetokenizeRequest, TokenizeRequest
from conch.server.service import ServiceOf


def add_to(routes: APIRouter) -> None:
    for name, endpoint, answer in (
        ("tokenize", tokenize, Tokenized),
        ("detokenize", detokenize, Detokenized),
    ):
        routes.add_api_route(
            f"/{name}",
            endpoint,
            methods=["POST"],
            response_model=answer,
            response_model_exclude_none=True,
            summary=tr(f"serving.route.{name}"),
            description=tr(f"serving.route.{name}.more"),
            operation_id=name,
        )


async def tokenize(asked: TokenizeRequest, service: ServiceOf) -> Tokenized:
    served = service.model(asked.model)
    tokens = await to_thread.run_sync(_tokens, asked, served.chat)
    tokenizer = served.chat.template.tokenizer
    return Tokenized(
        model=served.name,
        tokens=tokens,
        token_strs=[token_text(tokenizer, token) for token in tokens] if asked.return_token_strs else None,
        count=len(tokens),
        max_model_len=served.chat.engine.context_length,
    )


def _tokens(asked: TokenizeRequest, chat: Chat) -> list[int]:
    template = chat.template
    if asked.prompt is not None:
        return template.text_ids(asked.prompt) if asked.add_special_tokens else template.encode(asked.prompt)
    messages = tuple(message.message() for message in asked.messages or ())
    tools = tuple(tool.to_template() for tool in asked.tools or ())
    if tools and chat.call_writing is None:
        raise RequestError("serving.no_tools", param="tools")
    if asked.add_generation_prompt:
        return template.encode(chat.prompt(Turns(messages, tools)))
    return template.encode(template.render(messages, generation=False, tools=tools))


async def detokenize(asked: DetokenizeRequest, service: ServiceOf) -> Detokenized:
    served = service.model(asked.model)
    size = served.chat.vocabulary
    strange = next((token for token in asked.tokens if token >= size), None)
    if strange is not None:
        raise RequestError("serving.no_token", param="tokens", token=strange, size=size)
    tokenizer = served.chat.template.tokenizer
    return Detokenized(
        model=served.name, prompt=str(tokenizer.decode(asked.tokens, skip_special_tokens=False))
    )
