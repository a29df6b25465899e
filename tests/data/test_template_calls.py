"""Calls of functions are written, and trained, as the model's own template writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conch.core.conversation import Conversation, Message, Origin, ToolCall
from conch.core.errors import DataError
from conch.data.example import conversation_examples, encode
from conch.data.rendering import CallForm
from conch.data.template import ChatTemplate
from tests.data.families import CHATML, DEEPSEEK, IM, Family, tokenizer_of
from tests.data.test_template import spans, trained_texts

HERMES = """\
{%- if tools %}{{ '<|im_start|>system\n<tools>' }}
{%- for tool in tools %}{{ '\n' }}{{ tool | tojson }}{% endfor %}{{ '\n</tools><|im_end|>\n' }}{% endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}
{{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}
{%- else %}{{ '<|im_start|>' + message.role + '\n' + message.content }}
{%- for call in message.tool_calls or [] %}{{ '\n' if message.content or not loop.first }}
{{- '<tool_call>\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- call.function.arguments | tojson }}{{ '}\n</tool_call>' }}{% endfor %}{{ '<|im_end|>\n' }}
{%- endif %}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""

MISTRAL = """\
{{- bos_token }}{% for message in messages %}
{%- if message.role == 'user' %}{% if tools and loop.first %}
{{- '[AVAILABLE_TOOLS]' }}{{ tools | tojson }}{{ '[/AVAILABLE_TOOLS]' }}{% endif %}
{{- '[INST]' + message.content + '[/INST]' }}
{%- elif message.role == 'tool' %}
{%- if message.tool_call_id is not defined or message.tool_call_id | length != 9 %}
{{- raise_exception('Tool call IDs should be alphanumeric strings with length 9!') }}{% endif %}
{{- '[TOOL_RESULTS]{"content": ' + message.content + ', "call_id": "' + message.tool_call_id + '"}' }}
{{- '[/TOOL_RESULTS]' }}
{%- elif message.tool_calls is defined %}{{ '[TOOL_CALLS][' }}
{%- for call in message.tool_calls %}
{%- if call.id is not defined or call.id | length != 9 %}
{{- raise_exception('Tool call IDs should be alphanumeric strings with length 9!') }}{% endif %}
{{- ', ' if not loop.first }}{{ '{"name": "' + call.function.name + '", "arguments": ' }}
{{- call.function.arguments | tojson }}{{ ', "id": "' + call.id + '"}' }}{% endfor %}{{ ']' + eos_token }}
{%- else %}{{ message.content + eos_token }}{% endif %}{% endfor %}"""

DEEPSEEK_V3 = """\
{%- if tools %}{{ tools | tojson }}{% endif %}
{{- bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}
{{- '<｜User｜>' + message['content'] }}
{%- elif message['role'] == 'tool' %}{{ '<｜tool｜>' + message['content'] }}
{%- elif 'tool_calls' in message %}{{ '<｜Assistant｜>' + message['content'] }}
{%- for call in message['tool_calls'] %}
{{- '<｜call｜>' + call['function']['name'] + '\n```json\n' + call['function']['arguments'] + '\n```' }}
{%- endfor %}{{ '<｜end▁of▁sentence｜>' }}
{%- else %}{{ '<｜Assistant｜>' + message['content'] + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}
{%- if add_generation_prompt %}{{ '<｜Assistant｜>' }}{% endif %}"""

DEEPSEEK_R1 = DEEPSEEK_V3.replace(
    "%}{{ '<｜Assistant｜>' }}{% endif %}", "%}{{ '<｜Assistant｜><think>\n' }}{% endif %}"
)

DEEPSEEK_OLD = """\
{%- if tools %}{{ tools | tojson }}{% endif %}
{{- bos_token }}{% set ns = namespace(results=false) %}{% for message in messages %}
{%- if message['role'] == 'user' %}{% set ns.results = false %}{{ '<｜User｜>' + message['content'] }}
{%- elif message['role'] == 'tool' %}{{ '' if ns.results else '<｜results｜>' }}{% set ns.results = true %}
{{- '<｜result｜>' + message['content'] }}
{%- elif message['content'] is none %}{{ '<｜Assistant｜>' }}
{%- for call in message['tool_calls'] %}
{{- '<｜call｜>' + call['function']['name'] + '\n```json\n' + call['function']['arguments'] + '\n```' }}
{%- endfor %}{{ '<｜end▁of▁sentence｜>' }}
{%- elif ns.results %}{{ '<｜results end｜>' + message['content'] + '<｜end▁of▁sentence｜>' }}
{%- else %}{{ '<｜Assistant｜>' + message['content'] + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}
{%- if add_generation_prompt and not ns.results %}{{ '<｜Assistant｜>' }}{% endif %}"""

INST = ("<unk>", "<s>", "[INST]", "[/INST]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "</s>")
ARGUMENTS = {"item": "汉堡", "count": 2}
TEXT = json.dumps(ARGUMENTS, ensure_ascii=False)
HERMES_CALL = '<tool_call>\n{"name": "order", "arguments": ' + TEXT + "}\n</tool_call>"

CASES = [
    (Family("hermes", HERMES, IM, "<|im_end|>"), CallForm(), HERMES_CALL),
    (
        Family("mistral", MISTRAL, INST, "</s>", bos="<s>"),
        CallForm(with_ids=True),
        '[TOOL_CALLS][{"name": "order", "arguments": ' + TEXT + ', "id": "000000001"}]',
    ),
    (
        Family("deepseek-v3", DEEPSEEK_V3, DEEPSEEK, DEEPSEEK[-1], bos=DEEPSEEK[1]),
        CallForm(as_text=True),
        f"<｜call｜>order\n```json\n{TEXT}\n```",
    ),
    (
        Family("deepseek-old", DEEPSEEK_OLD, DEEPSEEK, DEEPSEEK[-1], bos=DEEPSEEK[1]),
        CallForm(as_text=True, null_content=True),
        f"<｜call｜>order\n```json\n{TEXT}\n```",
    ),
    (
        Family("deepseek-r1", DEEPSEEK_R1, DEEPSEEK, DEEPSEEK[-1], bos=DEEPSEEK[1]),
        CallForm(as_text=True),
        f"\n</think>\n\n<｜call｜>order\n```json\n{TEXT}\n```",
    ),
]
every_case = pytest.mark.parametrize(("family", "form", "written"), CASES, ids=lambda case: str(case)[:12])

TOOLS: tuple[dict[str, Any], ...] = (
    {"type": "function", "function": {"name": "order", "description": "Order.", "parameters": {}}},
)
CALL = Message("assistant", "", tool_calls=(ToolCall("order", ARGUMENTS),))
CONVERSATION = Conversation(
    (
        Message("user", "Two burgers."),
        CALL,
        Message("tool", "7", name="order"),
        Message("assistant", "Number 7."),
    ),
    TOOLS,
    Origin("orders.json", 3),
)


@every_case
def test_the_form_of_calls_is_found_out(family: Family, form: CallForm, written: str) -> None:
    assert ChatTemplate.of(tokenizer_of(family))._call_form == form


@every_case
def test_a_call_is_trained_as_the_template_writes_it(family: Family, form: CallForm, written: str) -> None:
    examples = encode(CONVERSATION, ChatTemplate.of(tokenizer_of(family)))
    first, second = trained_texts(family, examples)
    assert first == written + family.end
    assert second.endswith("Number 7." + family.end)


@every_case
def test_descriptions_stand_in_the_prompt(family: Family, form: CallForm, written: str) -> None:
    (example, *_) = encode(CONVERSATION, ChatTemplate.of(tokenizer_of(family)))
    shown = tokenizer_of(family).decode(example.input_ids[: spans(example)[0][0]])
    assert json.dumps(TOOLS[0], ensure_ascii=False) in shown
    assert "Two burgers." in shown


@every_case
def test_what_a_function_returned_is_given_not_trained(family: Family, form: CallForm, written: str) -> None:
    template = ChatTemplate.of(tokenizer_of(family))
    prompt = template.render(CONVERSATION.messages[:3], tools=TOOLS)
    assert prompt.index(written.split("</think>\n\n")[-1]) < prompt.rindex("7")
    ids = [token for example in encode(CONVERSATION, template) for token in example.input_ids]
    assert tokenizer_of(family).decode(ids).count("Number 7.") == 1


def test_several_calls_and_a_word_before_them() -> None:
    family = CASES[0][0]
    calls = (ToolCall("order", ARGUMENTS), ToolCall("order", {"item": "tea"}))
    conversation = Conversation(
        (Message("user", "?"), Message("assistant", "At once.", tool_calls=calls)), TOOLS
    )
    (text,) = trained_texts(family, encode(conversation, ChatTemplate.of(tokenizer_of(family))))
    assert text.startswith("At once.\n<tool_call>")
    assert text.count("<tool_call>") == 2
    assert text.endswith("</tool_call>" + family.end)


def test_an_empty_turn_that_a_template_writes_behind_calls_is_not_trained() -> None:
    """As the templates of DeepSeek-R1's distillations do for calls whose content isn't left out."""
    source = HERMES.replace(
        "{{ '<|im_end|>\n' }}\n{%- endif",
        "{{ '<|im_end|>\n' }}{% if message.tool_calls %}"
        "{{- '<|im_start|>assistant\n<|im_end|>\n' }}{% endif %}\n{%- endif",
    )
    assert source != HERMES
    family = Family("doubled", source, IM, "<|im_end|>")
    (text, *_) = trained_texts(family, encode(CONVERSATION, ChatTemplate.of(tokenizer_of(family))))
    assert text == HERMES_CALL + family.end


def test_given_ids_are_kept() -> None:
    family = CASES[1][0]
    call = Message("assistant", "", tool_calls=(ToolCall("order", ARGUMENTS, id="abcdefgh1"),))
    result = Message("tool", "7", tool_call_id="abcdefgh1")
    text = ChatTemplate.of(tokenizer_of(family)).render([CONVERSATION.messages[0], call, result])
    assert text.count("abcdefgh1") == 2


@pytest.mark.parametrize(
    ("conversation", "key"),
    [
        (CONVERSATION, "template.no_tools"),
        (Conversation(CONVERSATION.messages, origin=CONVERSATION.origin), "template.no_calls"),
    ],
)
def test_a_template_that_cannot_write_them_refuses_the_row(conversation: Conversation, key: str) -> None:
    from conch.config.data import DataConfig

    template = ChatTemplate.of(tokenizer_of(Family("chatml", CHATML, IM, "<|im_end|>")))
    with pytest.raises(DataError) as error:
        conversation_examples(conversation, DataConfig(), template)
    assert error.value.key == key
    assert error.value.values["file"] == "orders.json"
    assert error.value.values["row"] == 3
    assert ".jinja" in error.value.hint


@pytest.mark.parametrize("name", ["chatml", "qwen", "qwen3", "llama3", "mistral"])
def test_kept_templates_write_calls(name: str) -> None:
    from tests.tiny import tiny_tokenizer

    template = ChatTemplate.of(tiny_tokenizer(template=None), name)
    (example, *_) = encode(CONVERSATION, template)
    text = template.tokenizer.decode(example.input_ids)
    assert '"order"' in text
    assert "汉堡" in text
    assert json.dumps(TOOLS[0]) in text
    assert "Two burgers." in text
