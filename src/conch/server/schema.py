"""What requests may hold, by OpenAI's API reference. What answers look like is in `documents.py`.

A field that could change an answer and can't be honoured is refused; values that ask for nothing
(`tools: []`) are fine. What fields mean is told by the catalogue, under `serving.field.NAME`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from conch.config.types import Count, Float, Int, NotNegative
from conch.core.conversation import Message, ToolCall
from conch.data.thoughts import CLOSE, OPEN
from conch.inference.engine import Sampling
from conch.inference.grammar import ANY_OBJECT, fault_of, json_grammar

Harmless = Mapping[str, tuple[Any, ...]]
"""Known fields that can't be honoured → values that ask for nothing. None always does."""

CHOICES = 8
"""Most answers to one prompt."""
PROMPTS = 64
"""Most prompts of one completion request."""
TOOLS = 128
"""Most functions that one request may offer."""
TOP = 20
"""Most alternatives to a token."""
BIASES = 1024
"""Most tokens that one request may favour or forbid."""


def _refused(kind: str, field: str) -> PydanticCustomError:
    """An error for `conch.server.errors` to put into words."""
    return PydanticCustomError(kind, "refused", {"field": field})


class Body(BaseModel):
    """Base of everything that a client sends. A field that is null is as one that is not there."""

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
        known = _names(cls)
        return {
            name: value
            for name, value in data.items()
            if name not in cls.not_honoured and (value is not None or name not in known)
        }


@cache
def _names(model: type[Body]) -> frozenset[str]:
    """Its fields as clients call them."""
    return frozenset(field.alias or name for name, field in model.model_fields.items())


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
Penalty = Annotated[Float, Field(ge=-2, le=2)]
Token = Annotated[Int, Field(ge=0, lt=2**31)]
Seed = Annotated[Int, Field(ge=-(2**63), lt=2**63)]


class SamplingBody(Body):
    """How tokens are drawn. Unset means the model's own way."""

    temperature: Annotated[NotNegative, Field(le=2)] | None = None
    top_p: Annotated[Float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[Int, Field(ge=0, lt=2**31)] | None = None
    min_p: Annotated[NotNegative, Field(le=1)] | None = None
    repetition_penalty: Annotated[Float, Field(gt=0, le=10)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    seed: Seed | None = None
    stop: Stop = []

    def bound(self) -> int | None:
        """Most tokens of an answer, where the request says so."""
        raise NotImplementedError

    def biases(self) -> tuple[tuple[int, float], ...] | None:
        """Tokens to favour or forbid, where the request says so."""
        return None

    def sampling(self, default: Sampling) -> Sampling:
        """`default` with what was asked for on top."""
        asked: dict[str, Any] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "min_p": self.min_p,
            "repetition_penalty": self.repetition_penalty,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
            "logit_bias": self.biases(),
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
    logit_bias: dict[str, Annotated[Float, Field(ge=-100, le=100)]] | None = None
    user: Str | None = None

    def bound(self) -> int | None:
        return self.max_tokens

    def biases(self) -> tuple[tuple[int, float], ...] | None:
        return tuple((int(token), bias) for token, bias in (self.logit_bias or {}).items())

    @field_validator("logit_bias")
    @classmethod
    def _by_token(cls, given: dict[str, float] | None) -> dict[str, float] | None:
        if given and (len(given) > BIASES or not all(name.isascii() and name.isdigit() for name in given)):
            raise PydanticCustomError("serving.bad_bias", "refused", {"most": BIASES})
        return given

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


class FunctionCalled(Body):
    name: Text
    arguments: Str

    @field_validator("arguments")
    @classmethod
    def _is_object(cls, text: str) -> str:
        try:
            document = json.loads(text or "{}")
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise PydanticCustomError("serving.bad_arguments", "refused")
        return text or "{}"


class CallSaid(Body):
    """A call that an earlier answer made."""

    id: Str
    type: Literal["function"] = "function"
    function: FunctionCalled

    def call(self) -> ToolCall:
        return ToolCall(self.function.name, json.loads(self.function.arguments), self.id)


def _no_null(content: Any) -> Any:
    return _parts("" if content is None else content)


class ChatMessage(Body):
    """One turn. What clients send back of an earlier answer (`refusal: null`, …) is fine."""

    not_honoured: ClassVar[Harmless] = {
        "annotations": ([],),
        "audio": (),
        "function_call": (),
        "refusal": (),
    }
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[
        list[TextPart],
        BeforeValidator(_no_null, json_schema_input_type=str | list[TextPart] | None),
    ] = []
    name: Str | None = None
    reasoning_content: Str | None = None
    tool_calls: Annotated[list[CallSaid], Field(max_length=TOOLS)] | None = None
    tool_call_id: Str | None = None

    @model_validator(mode="after")
    def _fields_of_role(self) -> ChatMessage:
        allowed = {"assistant": {"reasoning_content", "tool_calls"}, "tool": {"name", "tool_call_id"}}
        for field in ("name", "reasoning_content", "tool_calls", "tool_call_id"):
            if getattr(self, field) and field not in allowed.get(self.role, ()):
                raise _refused("serving.not_of_role", field)
        if not self.content and not self.tool_calls:
            raise _refused("serving.no_content", "content")
        return self

    def text(self) -> str:
        said = "\n".join(part.text for part in self.content)
        if not self.reasoning_content:
            return said
        return f"{OPEN}\n{self.reasoning_content}\n{CLOSE}\n\n{said}"

    def message(self) -> Message:
        return Message(
            "system" if self.role == "developer" else self.role,
            self.text(),
            tool_calls=tuple(call.call() for call in self.tool_calls or ()),
            tool_call_id=self.tool_call_id,
            name=self.name,
        )


Schema = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]


def _sound_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema that answers can be held to."""
    try:
        fault = fault_of(json_grammar(schema))
    except (RecursionError, UnicodeEncodeError, ValueError) as error:
        raise PydanticCustomError("serving.bad_schema", "refused", {"reason": "JSON"}) from error
    if fault is not None:
        raise PydanticCustomError("serving.bad_schema", "refused", {"reason": fault.reason})
    return schema


class FunctionOffered(Body):
    name: Annotated[Str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    description: Str | None = None
    parameters: Annotated[Schema, AfterValidator(_sound_schema)] | None = None
    strict: bool | None = None


class ToolOffered(Body):
    type: Literal["function"]
    function: FunctionOffered

    def to_template(self) -> dict[str, Any]:
        function = self.function.model_dump(exclude_none=True, exclude={"strict"})
        return {"type": "function", "function": {"parameters": {"type": "object"}, **function}}


class FunctionNamed(Body):
    name: Str


class ToolNamed(Body):
    type: Literal["function"]
    function: FunctionNamed


class NamedSchema(Body):
    not_honoured: ClassVar[Harmless] = {}
    name: Annotated[Str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    description: Str | None = None
    schema_: Annotated[Schema, AfterValidator(_sound_schema)] = Field(alias="schema")
    strict: bool | None = None


class ResponseFormat(Body):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None

    @model_validator(mode="after")
    def _schema_belongs_to_type(self) -> ResponseFormat:
        if (self.type == "json_schema") != (self.json_schema is not None):
            raise _refused("serving.schema_and_type", "json_schema")
        return self

    def grammar(self) -> str | None:
        if self.json_schema is not None:
            return json_grammar(self.json_schema.schema_)
        return json_grammar(ANY_OBJECT) if self.type == "json_object" else None


class TemplateOptions(Body):
    """vLLM's place for the switch."""

    enable_thinking: bool | None = None


class ChatRequest(OpenAIBody):
    not_honoured: ClassVar[Harmless] = {
        "audio": (),
        "function_call": ("none", "auto"),
        "functions": ([],),
        "metadata": ({},),
        "modalities": (["text"],),
        "moderation": (),
        "prediction": (),
        "prompt_cache_options": (),
        "prompt_cache_retention": (),
        "service_tier": ("auto", "default"),
        "store": (False,),
        "verbosity": (),
        "web_search_options": (),
    }
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    max_completion_tokens: Count | None = None
    logprobs: bool = False
    top_logprobs: Annotated[Int, Field(ge=0, le=TOP)] | None = None
    tools: Annotated[list[ToolOffered], Field(max_length=TOOLS)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolNamed | None = None
    parallel_tool_calls: bool = True
    response_format: ResponseFormat | None = None
    enable_thinking: bool | None = None
    chat_template_kwargs: TemplateOptions | None = None
    reasoning_effort: Literal["none"] | None = None
    continue_final_message: bool = True
    safety_identifier: Str | None = None
    prompt_cache_key: Str | None = None

    def bound(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    def top(self) -> int | None:
        """How many alternatives are wanted with each token; None where no log-probabilities are."""
        return (self.top_logprobs or 0) if self.logprobs else None

    def thinking(self) -> bool | None:
        inner = self.chat_template_kwargs.enable_thinking if self.chat_template_kwargs else None
        if self.reasoning_effort == "none":
            return False
        return self.enable_thinking if inner is None else inner

    def offered(self) -> list[ToolOffered]:
        return [] if self.tool_choice == "none" else self.tools or []

    @model_validator(mode="after")
    def _one_bound(self) -> ChatRequest:
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise _refused("serving.two_bounds", "max_tokens")
        if self.top_logprobs and not self.logprobs:
            raise _refused("serving.top_without_logprobs", "top_logprobs")
        return self

    @model_validator(mode="after")
    def _choice_has_tools(self) -> ChatRequest:
        choice = self.tool_choice
        names = [tool.function.name for tool in self.tools or ()]
        if (choice == "required" or isinstance(choice, ToolNamed)) and not names:
            raise _refused("serving.choice_without_tools", "tool_choice")
        if isinstance(choice, ToolNamed) and choice.function.name not in names:
            raise _refused("serving.choice_not_offered", "tool_choice")
        if len(set(names)) < len(names):
            raise _refused("serving.tools_same_name", "tools")
        if self.offered() and self.response_format is not None and self.response_format.type != "text":
            raise _refused("serving.format_with_tools", "response_format")
        return self


def _prompts(value: Any) -> Any:
    """One text or one list of tokens is a list of one."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and value and not isinstance(value[0], (str, list)):
        return [value]
    return value


class CompletionRequest(OpenAIBody):
    not_honoured: ClassVar[Harmless] = {"best_of": (1,), "suffix": ("",)}
    prompt: Annotated[
        list[Str | list[Token]],
        BeforeValidator(_prompts, json_schema_input_type=str | list[str] | list[Token] | list[list[Token]]),
        Field(min_length=1, max_length=PROMPTS),
    ]
    max_tokens: Annotated[Int, Field(ge=0)] | None = None
    echo: bool = False
    logprobs: Annotated[Int, Field(ge=0, le=TOP)] | None = None

    @model_validator(mode="after")
    def _nothing_to_do(self) -> CompletionRequest:
        if self.max_tokens == 0 and not self.echo:
            raise _refused("serving.nothing_asked", "max_tokens")
        return self

    def prompts(self) -> tuple[str | tuple[int, ...], ...]:
        return tuple(prompt if isinstance(prompt, str) else tuple(prompt) for prompt in self.prompt)


class TokenizeRequest(Body):
    """Raw text as completions read it, or messages as chat shows them."""

    model: Str | None = None
    prompt: Str | None = None
    messages: Annotated[list[ChatMessage], Field(min_length=1)] | None = None
    tools: Annotated[list[ToolOffered], Field(max_length=TOOLS)] | None = None
    add_generation_prompt: bool = True
    add_special_tokens: bool = True
    return_token_strs: bool = False

    @model_validator(mode="after")
    def _one_text(self) -> TokenizeRequest:
        if (self.prompt is None) == (self.messages is None):
            raise _refused("serving.prompt_or_messages", "prompt")
        return self


class DetokenizeRequest(Body):
    model: Str | None = None
    tokens: list[Token]


class LoadAdapterRequest(Body):
    """`lora_path` names a run of this machine, or an adapter in the folder that the server was given."""

    lora_name: Annotated[Str, Field(pattern=r"^[A-Za-z0-9_.:@-]{1,64}$")]
    lora_path: Text


class UnloadAdapterRequest(Body):
    lora_name: Text
