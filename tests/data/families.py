"""Chat templates in the manner of well-known model families, each with a tiny tokenizer of its tokens.

Written for these tests: short, but with the habits that matter (what is trimmed, what is added,
what is cut out of history, which token ends a turn).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.tiny import CHATML, tiny_tokenizer

LLAMA2 = """\
{%- set system = '' %}{% set loop_messages = messages %}{% if messages[0]['role'] == 'system' %}
{%- set system = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' %}
{%- set loop_messages = messages[1:] %}{% endif %}
{%- for message in loop_messages %}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{- raise_exception('Roles must alternate user/assistant/user/assistant/...') }}{% endif %}
{%- if message['role'] == 'user' %}
{{- bos_token + '[INST] ' + (system if loop.first else '') + message['content'].strip() + ' [/INST]' }}
{%- else %}{{ ' ' + message['content'].strip() + ' ' + eos_token }}{% endif %}{% endfor %}"""

MISTRAL = """\
{{- bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}
{{- raise_exception('Only user and assistant roles are supported!') }}{% endif %}
{%- if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + '[/INST]' }}
{%- else %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}"""

LLAMA3 = """\
{{- bos_token }}{% for message in messages %}
{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}
{{- message['content'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}
{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"""

GEMMA = """\
{{- bos_token }}{% if messages[0]['role'] == 'system' %}
{{- raise_exception('System role not supported') }}{% endif %}
{%- for message in messages %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}
{{- '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"""

QWEN25 = """\
{%- if messages[0]['role'] != 'system' %}
{{- '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""

SMOLLM = QWEN25.replace(
    "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face",
)

QWEN3 = """\
{%- set ns = namespace(last=-1) %}
{%- for message in messages %}{% if message.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}
{%- endfor %}
{%- for message in messages %}{% set content = message.content %}
{%- if message.role == 'assistant' %}{% set thought = '' %}
{%- if '</think>' in content %}
{%- set thought = content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
{%- set content = content.split('</think>')[-1].lstrip('\n') %}{% endif %}
{%- if loop.index0 > ns.last %}
{{- '<|im_start|>assistant\n<think>\n' + thought.strip('\n') + '\n</think>\n\n' + content.lstrip('\n') }}
{%- else %}{{ '<|im_start|>assistant\n' + content }}{% endif %}{{ '<|im_end|>\n' }}
{%- else %}{{ '<|im_start|>' + message.role + '\n' + content + '<|im_end|>\n' }}{% endif %}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}{% endif %}
{%- endif %}"""

QWEN3_THINKING = QWEN3.replace(
    "{{ '<|im_start|>assistant\n' }}\n{%- if enable",
    "{{ '<|im_start|>assistant\n<think>\n' }}\n{%- if unknown and enable",
)

DEEPSEEK_V3 = """\
{{- bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] }}
{%- elif message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}
{%- else %}{{ '<｜Assistant｜>' + message['content'] + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}
{%- if add_generation_prompt %}{{ '<｜Assistant｜>' }}{% endif %}"""

DEEPSEEK_R1 = DEEPSEEK_V3.replace(
    "'<｜Assistant｜>' + message['content']", "'<｜Assistant｜>' + message['content'].split('</think>')[-1]"
).replace("{{ '<｜Assistant｜>' }}", "{{ '<｜Assistant｜><think>\n' }}")

PHI3 = """\
{%- for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"""

GLM = """\
{{- '[gMASK]<sop>' }}{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] }}
{%- endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"""

GLM45 = """\
{%- set ns = namespace(last=-1) %}
{%- for message in messages %}{% if message.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}
{%- endfor %}
{{- '[gMASK]<sop>' }}
{%- for message in messages %}{% set content = message.content %}{{ '<|' + message.role + '|>' }}
{%- if message.role == 'assistant' %}
{%- set last = loop.index0 > ns.last and '</think>' in content %}
{%- set thought = content.split('</think>')[0].split('<think>')[-1].strip() if last else '' %}
{{- '\n<think>' + thought + '</think>\n' + content.split('</think>')[-1].strip() }}
{%- else %}{{ '\n' + content }}
{%- set off = enable_thinking is defined and not enable_thinking %}
{%- if message.role == 'user' and off %}{{ '/nothink' }}{% endif %}
{%- endif %}{% endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>' }}
{%- if enable_thinking is defined and not enable_thinking %}{{ '\n<think></think>' }}{% endif %}{% endif %}"""

PHI4 = """\
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '<|im_sep|>' + message.content + '<|im_end|>' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}"""

DEEPSEEK_V31 = """\
{%- if thinking is not defined %}{% set thinking = false %}{% endif %}
{{- bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] }}
{%- elif message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}
{%- else %}{{ '<｜Assistant｜></think>' + message['content'].split('</think>')[-1] }}
{{- '<｜end▁of▁sentence｜>' }}
{%- endif %}{% endfor %}
{%- if add_generation_prompt %}{{ '<｜Assistant｜>' + ('<think>' if thinking else '</think>') }}{% endif %}"""

ZEPHYR = """\
{%- for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + eos_token + '\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"""


def _as_it_stands(content: str) -> str:
    return content


@dataclass(frozen=True)
class Family:
    """A template with its tokens. The last of `tokens` is the end of text, the first pads."""

    name: str
    source: str
    tokens: tuple[str, ...]
    end: str
    """The token that ends an answer."""
    bos: str | None = None
    written: Callable[[str], str] = _as_it_stands
    """An answer as the template writes it behind the generation prompt."""
    stable: bool = True
    """Whether what was said before stays as it was when the conversation goes on."""
    system: bool = True
    unlisted: tuple[str, ...] = ()
    """Tokens that the tokenizer knows as special but doesn't list by name, as Phi-3's does."""

    def __str__(self) -> str:
        return self.name


IM = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
DEEPSEEK = (
    "<｜▁pad▁｜>",
    "<｜begin▁of▁sentence｜>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<｜end▁of▁sentence｜>",
)
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")

FAMILIES = (
    Family("chatml", CHATML, IM, "<|im_end|>"),
    Family(
        "llama2",
        LLAMA2,
        ("<unk>", "<s>", "</s>"),
        "</s>",
        bos="<s>",
        written=lambda content: f" {content.strip()} ",
    ),
    Family(
        "mistral",
        MISTRAL,
        ("<unk>", "<s>", "[INST]", "[/INST]", "</s>"),
        "</s>",
        bos="<s>",
        written=lambda content: f" {content}",
        system=False,
    ),
    Family(
        "llama3",
        LLAMA3,
        (
            "<|pad|>",
            "<|begin_of_text|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|eot_id|>",
            "<|end_of_text|>",
        ),
        "<|eot_id|>",
        bos="<|begin_of_text|>",
        written=str.strip,
    ),
    Family(
        "gemma",
        GEMMA,
        ("<pad>", "<bos>", "<start_of_turn>", "<end_of_turn>", "<eos>"),
        "<end_of_turn>",
        bos="<bos>",
        written=str.strip,
        system=False,
    ),
    Family("qwen2.5", QWEN25, IM, "<|im_end|>"),
    Family(
        "qwen3",
        QWEN3,
        IM,
        "<|im_end|>",
        written=lambda content: "<think>\n\n</think>\n\n" + content.lstrip("\n"),
        stable=False,
    ),
    Family(
        "deepseek-r1",
        DEEPSEEK_R1,
        DEEPSEEK,
        "<｜end▁of▁sentence｜>",
        bos="<｜begin▁of▁sentence｜>",
        written=lambda content: f"\n</think>\n\n{content}",
        stable=False,
    ),
    Family("phi3", PHI3, ("<unk>", *ROLES, "<|endoftext|>"), "<|end|>", unlisted=("<|end|>",)),
    Family(
        "glm",
        GLM,
        ("<|pad|>", "[gMASK]", "<sop>", *ROLES, "<|endoftext|>"),
        "<|endoftext|>",
        written=lambda content: f"\n{content.rstrip()}",
        stable=False,
    ),
    Family(
        "qwen3-thinking",
        QWEN3_THINKING,
        IM,
        "<|im_end|>",
        written=lambda content: "\n</think>\n\n" + content.lstrip("\n"),
        stable=False,
    ),
    Family(
        "glm4.5",
        GLM45,
        ("<|pad|>", "[gMASK]", "<sop>", *ROLES, "<|endoftext|>"),
        "<|endoftext|>",
        written=lambda content: f"\n<think></think>\n{content.strip()}",
        stable=False,
    ),
    Family("phi4", PHI4, (*IM[:2], "<|im_sep|>", "<|im_end|>"), "<|im_end|>"),
    Family(
        "deepseek-v3.1",
        DEEPSEEK_V31,
        DEEPSEEK,
        "<｜end▁of▁sentence｜>",
        bos="<｜begin▁of▁sentence｜>",
    ),
    Family("smollm", SMOLLM, IM, "<|im_end|>"),
    Family("deepseek-v3", DEEPSEEK_V3, DEEPSEEK, "<｜end▁of▁sentence｜>", bos="<｜begin▁of▁sentence｜>"),
    Family("zephyr", ZEPHYR, ("<unk>", *ROLES, "</s>"), "</s>"),
)


@cache
def tokenizer_of(family: Family) -> Any:
    """The family's tokenizer. Don't change it."""
    from tokenizers import AddedToken

    tokenizer = tiny_tokenizer(family.source, list(family.tokens))
    if family.bos:
        tokenizer.bos_token = family.bos
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in family.unlisted])
    return tokenizer
