"""What requests may hold and what answers look like, by OpenAI's API reference.

A field that could change an answer and can't be honoured is refused; values that ask for nothing
(`tools: []`) are fine. What fields mean is told by the catalogue, under `serving.field.NAME`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from conch.config.types import Count, Float, Int, NotNegative
from conch.core.conversation import Message
from conch.inference.engine import Sampling

Harmless = Mapping[str, tuple[Any, ...]]
"""Known fields that can't be honoured → values that ask for nothing. None always does."""

CHOICES = 8
"""Most answers to one prompt."""
PROMPTS = 16
"""Most prompts of one completion request."""


def _refused(kind: str, field: str) -> PydanticCustomError:
    """An error for `conch.server.errors` to put into words."""
    return PydanticCustomError(kind, "refused", {"field": field})


class Body(BaseModel):
    """Base of everything that a client sends."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
    not_honoured: ClassVar[Harmless] = {}

    @model_validator(mode="before")
    @classmethod
    def _drop_harmless(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        for name, harmless in cls.not_honoured.items():
            if data.get(name) is not None and data[name] not in harmless:
                raise _refused("serving.unsupported", name)
        return {name: value for name, value in data.items() if name not in cls.not_honoured}


def _listed(value: Any) -> Any:
    """One string is a list of one; nothing is an empty list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def _sound(text: str) -> str:
    """Half a surrogate pair (`"\\ud800"` is sound JSON) is no text that a tokenizer could read."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise PydanticCustomError("string_unicode", "not Unicode") from error
    return text


Str = Annotated[str, AfterValidator(_sound)]
Text = Annotated[Str, Field(min_length=1)]
Stop = Annotated[
    list[Text], BeforeValidator(_listed, json_schema_input_type=str | list[str] | None), Field(max_length=4)
]
Seed = Annotated[Int, Field(ge=-(2**63), lt=2**63)]


class SamplingBody(Body):
    """How tokens are drawn. Unset means the model's own way."""

    temperature: Annotated[NotNegative, Field(le=2)] | None = None
    top_p: Annotated[Float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[Int, Field(ge=0, lt=2**31)] | None = None
    repetition_penalty: Annotated[Float, Field(gt=0, le=10)] | None = None
    seed: Seed | None = None
    stop: Stop = []

    def bound(self) -> int | None:
        """Most tokens of an answer, where the request says so."""
        raise NotImplementedError

    def sampling(self, default: Sampling) -> Sampling:
        """`default` with what was asked for on top."""
        asked: dict[str, Any] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "repetition_penalty": self.repetition_penalty,
            "seed": self.seed,
            "max_new_tokens": self.bound(),
        }
        return replace(default, **{name: value for name, value in asked.items() if value is not None})


class GenerateRequest(SamplingBody):
    prompt: Text
    model: Str | None = None
    max_new_tokens: Count | None = None

    def bound(self) -> int | None:
        return self.max_new_tokens


class StreamOptions(Body):
    not_honoured: ClassVar[Harmless] = {"include_obfuscation": (False,)}
    include_usage: bool = False


class OpenAIBody(SamplingBody):
    """What chat and plain completions have in common."""

    model: Str
    max_tokens: Count | None = None
    n: Annotated[Int, Field(ge=1, le=CHOICES)] = 1
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: str | None = None

    def bound(self) -> int | None:
        return self.max_tokens

    def wants_usage(self) -> bool:
        """Whether a stream should end with the counts."""
        return self.stream_options is not None and self.stream_options.include_usage

    @model_validator(mode="after")
    def _options_need_stream(self) -> OpenAIBody:
        if self.stream_options is not None and not self.stream:
            raise _refused("serving.options_without_stream", "stream_options")
        return self


class TextPart(Body):
    type: Literal["text"]
    text: Str


def _parts(content: Any) -> Any:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


class ChatMessage(Body):
    """One turn. What clients send back of an earlier answer (`refusal: null`, …) is fine."""

    not_honoured: ClassVar[Harmless] = {
        "annotations": ([],),
        "audio": (),
        "function_call": (),
        "name": (),
        "refusal": (),
        "tool_call_id": (),
        "tool_calls": ([],),
    }
    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[
        list[TextPart],
        BeforeValidator(_parts, json_schema_input_type=str | list[TextPart]),
        Field(min_length=1),
    ]

    def message(self) -> Message:
        text = "\n".join(part.text for part in self.content)
        return Message("system" if self.role == "developer" else self.role, text)


class ChatRequest(OpenAIBody):
    not_honoured: ClassVar[Harmless] = {
        "audio": (),
        "frequency_penalty": (0,),
        "function_call": ("none", "auto"),
        "functions": ([],),
        "logit_bias": ({},),
        "logprobs": (False,),
        "metadata": ({},),
        "modalities": (["text"],),
        "moderation": (),
        "parallel_tool_calls": (True, False),
        "prediction": (),
        "presence_penalty": (0,),
        "prompt_cache_key": (),
        "prompt_cache_options": (),
        "prompt_cache_retention": (),
        "reasoning_effort": (),
        "response_format": ({"type": "text"},),
        "safety_identifier": (),
        "service_tier": ("auto", "default"),
        "store": (False,),
        "tool_choice": ("none", "auto"),
        "tools": ([],),
        "top_logprobs": (0,),
        "verbosity": (),
        "web_search_options": (),
    }
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    max_completion_tokens: Count | None = None

    def bound(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @model_validator(mode="after")
    def _one_bound(self) -> ChatRequest:
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise _refused("serving.two_bounds", "max_tokens")
        return self


class CompletionRequest(OpenAIBody):
    not_honoured: ClassVar[Harmless] = {
        "best_of": (1,),
        "echo": (False,),
        "frequency_penalty": (0,),
        "logit_bias": ({},),
        "logprobs": (),
        "presence_penalty": (0,),
        "suffix": ("",),
    }
    prompt: Annotated[
        list[Str],
        BeforeValidator(_listed, json_schema_input_type=str | list[str]),
        Field(min_length=1, max_length=PROMPTS),
    ]


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @staticmethod
    def of(prompt: int, completion: int) -> Usage:
        return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


class Generated(BaseModel):
    generated_text: str
    model: str
    usage: Usage


class AssistantMessage(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class ChatChoice(BaseModel):
    index: int
    message: AssistantMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage


class CompletionChoice(BaseModel):
    index: int
    text: str
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class Completion(BaseModel):
    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage


class ModelCard(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["conch"] = "conch"
    parent: str | None = None
    """The base model of an adapter."""
    context_length: int


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelCard]


class Health(BaseModel):
    status: Literal["ok"] = "ok"
    models: list[str]


class Alive(BaseModel):
    status: Literal["ok"] = "ok"


class ErrorDetail(BaseModel):
    message: str
    type: str
    param: str | None
    code: str


class ErrorBody(BaseModel):
    error: ErrorDetail
