"""A Modelfile's template makes the prompts that the model's own template makes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from conch.config import load_export
from conch.core.conversation import Message
from conch.core.errors import ExportError
from conch.data.template import ChatTemplate
from conch.exporting.merge import export
from conch.exporting.ollama import go_template, take_apart
from tests.models.gguf.tokenizers import by_bytes
from tests.tiny import CHATML, save_tiny, tiny_tokenizer

SYSTEM_OF_ITS_OWN = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are a conch.<|im_end|>\n{% endif %}"
    + CHATML
)
BEGIN = (
    "<s>{% for message in messages %}<|im_start|>{{ message['role'] }}\n\n{{ message['content'] }}<|im_end|>"
)
BEGINNING = BEGIN + "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n\n{% endif %}"
INTO_THE_QUESTION = (
    "{% set first = messages[0]['content'] + '\n' if messages[0]['role'] == 'system' else '' %}"
    "{% for message in messages if message['role'] != 'system' %}<|im_start|>{{ message['role'] }}\n"
    "{{ first if loop.first else '' }}{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TALK = [
    Message("user", "Who are you?"),
    Message("assistant", "I am {{ 海螺 }}."),
    Message("user", 'Why?\n\nAnd "how"?'),
]


def filled(template: str, system: str, messages: list[Message]) -> str:
    """What Ollama makes of such a template: one loop over messages, and text around it."""
    said = [*([Message("system", system)] if system else []), *messages]
    found = re.fullmatch(r"(.*?){{ range \.Messages }}(.*){{ end }}{{ end }}(.*)", template, re.DOTALL)
    assert found
    begin, loop, end = found.groups()
    parts = re.split(r'{{ (?:else )?if eq \.Role "(\w+)" }}', loop)
    frames = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert all(frame.count("{{ .Content }}") == 1 for frame in frames.values())
    turns = (frames[message.role].replace("{{ .Content }}", message.content) for message in said)
    return begin + "".join(turns) + end


def fields(modelfile: str) -> dict[str, Any]:
    stops = re.findall(r'^PARAMETER stop "(.*)"$', modelfile, re.MULTILINE)
    quoted = dict(re.findall(r'^(TEMPLATE|SYSTEM) """(.*?)"""$', modelfile, re.MULTILINE | re.DOTALL))
    return {"FROM": re.findall("^FROM (.*)$", modelfile, re.MULTILINE), "stops": stops, **quoted}


@pytest.mark.parametrize(
    "source", [CHATML, SYSTEM_OF_ITS_OWN, BEGINNING], ids=["chatml", "own system", "begin"]
)
@pytest.mark.parametrize("system", ["", "Be brief: 简短。"])
def test_the_go_template_makes_the_same_prompt(source: str, system: str) -> None:
    tokenizer = by_bytes(None)
    tokenizer.chat_template = source
    template = ChatTemplate.of(tokenizer)
    frames = take_apart(template)
    given = system or frames.default_system or ""
    wanted = template.render([*([Message("system", system)] if system else []), *TALK])
    assert filled(go_template(frames, ""), given, TALK) == wanted


def test_a_default_system_text_is_found() -> None:
    tokenizer = tiny_tokenizer(SYSTEM_OF_ITS_OWN)
    assert take_apart(ChatTemplate.of(tokenizer)).default_system == "You are a conch."


def test_the_beginning_of_text_is_not_written_twice() -> None:
    tokenizer = by_bytes(None)
    tokenizer.chat_template = BEGINNING
    frames = take_apart(ChatTemplate.of(tokenizer))
    assert go_template(frames, "<s>").startswith("{{ range .Messages }}")


TAKEN_APART = ["chatml", "llama3", "phi3", "phi4", "qwen", "qwen3", "glm4", "zephyr", "deepseek-r1", "vicuna"]


@pytest.mark.parametrize("name", TAKEN_APART)
def test_templates_of_known_families(name: str) -> None:
    tokenizer = by_bytes(None)
    ends = ["<|eot_id|>", "<|end|>", "<|start_header_id|>", "<|end_header_id|>"]
    tokenizer.add_special_tokens({"additional_special_tokens": ends})
    template = ChatTemplate.of(tokenizer, name)
    frames = take_apart(template)
    assert filled(go_template(frames, ""), frames.default_system or "", TALK) == template.render(TALK)


def test_a_template_that_can_not_be_taken_apart_is_refused() -> None:
    tokenizer = tiny_tokenizer(INTO_THE_QUESTION)
    with pytest.raises(ExportError, match="Ollama"):
        take_apart(ChatTemplate.of(tokenizer))


def test_a_folder_for_ollama(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model", template=SYSTEM_OF_ITS_OWN)
    values = {
        "model_name_or_path": str(model),
        "export_dir": str(tmp_path / "out"),
        "export_format": "ollama",
    }
    report = export(load_export(values={**values, "gguf_type": "q8_0"}).config)
    assert report.proof.holds
    found = fields((tmp_path / "out" / "Modelfile").read_text(encoding="utf-8"))
    assert found["FROM"] == [f"./{report.file.name}"] == ["./out-Q8_0.gguf"]
    assert (tmp_path / "out" / "out-Q8_0.gguf").is_file()
    assert found["stops"] == ["<|im_end|>"]
    assert found["SYSTEM"] == "You are a conch."
    assert filled(found["TEMPLATE"], found["SYSTEM"], TALK) == ChatTemplate.of(
        tiny_tokenizer(SYSTEM_OF_ITS_OWN)
    ).render(TALK)
