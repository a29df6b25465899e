"""A Modelfile's template makes the prompts that the model's own template makes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conch.config import load_export
from conch.core.conversation import Message, ToolCall
from conch.core.errors import DataError, ExportError
from conch.data.template import ChatTemplate
from conch.exporting.frames import SYSTEM, tool
from conch.exporting.go_template import fill, values_of
from conch.exporting.go_written import go_template
from conch.exporting.merge import export
from conch.exporting.ollama import Talk, filled, take_apart
from tests.data.families import FAMILIES, tokenizer_of
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
    frames = take_apart(template).frames
    said = [*([Message("system", system)] if system else []), *TALK]
    assert filled(go_template(frames), frames, Talk(said)) == template.render(said)


def test_a_default_system_text_is_found() -> None:
    tokenizer = tiny_tokenizer(SYSTEM_OF_ITS_OWN)
    assert take_apart(ChatTemplate.of(tokenizer)).frames.default_system == "You are a conch."


def test_the_beginning_of_text_is_not_written_twice() -> None:
    tokenizer = by_bytes(None)
    tokenizer.chat_template = BEGINNING
    frames = take_apart(ChatTemplate.of(tokenizer)).frames
    assert go_template(frames, "<s>").startswith("{{ range .Messages }}")


TAKEN_APART = ["chatml", "llama3", "phi3", "phi4", "qwen", "qwen3", "glm4", "zephyr", "deepseek-r1", "vicuna"]


@pytest.mark.parametrize("name", TAKEN_APART)
def test_templates_of_known_families(name: str) -> None:
    template = named(name)
    found = take_apart(template)
    assert found.left_out == ()
    assert filled(go_template(found.frames), found.frames, Talk(TALK)) == template.render(TALK)


def named(name: str) -> ChatTemplate:
    """One of our own templates."""
    tokenizer = by_bytes(None)
    ends = ["<|eot_id|>", "<|end|>", "<|start_header_id|>", "<|end_header_id|>"]
    tokenizer.add_special_tokens({"additional_special_tokens": ends})
    return ChatTemplate.of(tokenizer, name)


def of_family(name: str) -> ChatTemplate:
    """A template as the model's makers wrote it."""
    return ChatTemplate.of(tokenizer_of(next(family for family in FAMILIES if family.name == name)))


THEIRS = {
    "chatml": set(),
    "smollm": set(),
    "qwen2.5": set(),
    "qwen3": {"thoughts"},
    "llama3": set(),
    "gemma": set(),
    "mistral": set(),
    "phi3": set(),
    "deepseek-r1": {"thoughts"},
}
"""Templates of models to what is in them beside turns and system text."""
OURS = {name: {"tools"} for name in ("chatml", "qwen", "llama3", "mistral")} | {
    "qwen3": {"tools", "thoughts"},
    "gemma": set(),
    "llama2": set(),
    "phi3": set(),
    "deepseek-r1": {"thoughts"},
}
CASES = [(of_family, name, parts) for name, parts in THEIRS.items()]
CASES += [(named, name, parts) for name, parts in OURS.items()]


@pytest.mark.parametrize(("make", "name", "parts"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_every_part_of_a_template_goes_along(make: Any, name: str, parts: set[str]) -> None:
    """What is there is proved on conversations that taking apart has not seen."""
    template = make(name)
    found = take_apart(template)
    assert {part for part in ("tools", "thoughts") if getattr(found.frames, part)} == parts
    text = go_template(found.frames)
    for talk in strange_talks(template, parts):
        wish = template.thinking if talk.thinking is None else talk.thinking
        wanted = replace(template, thinking=wish).render(talk.messages, tools=talk.tools)
        assert filled(text, found.frames, talk) == wanted
        assert template.encode(filled(text, found.frames, talk)) == template.encode(wanted)


def strange_talks(template: ChatTemplate, parts: set[str]) -> list[Talk]:
    system, asked = Message("system", "Speak of {{ shells }}."), Message("user", '"Why"?\n\nAnd <how>?')
    answered = Message("assistant", "Because {1: 2}.")
    plain = [asked, answered, Message("user", "喂")]
    with_system = [] if takes_no_system(template) else [[system, *plain]]
    talks = [Talk(talk) for talk in (plain, *with_system)]
    if "thoughts" in parts:
        talks += [Talk(talk.messages, thinking=wish) for talk in talks for wish in (True, False)]
    if "tools" in parts:
        offered = [
            tool("listen"),
            {"type": "function", "function": {"name": "n", "description": "是", "parameters": {}}},
        ]
        calls = [ToolCall("listen", {"place": "<a>", "n": [1]}, "abc000001"), ToolCall("n", {}, "abc000002")]
        result = [Message("tool", f'{{"a": "{at}"}}', tool_call_id=call.id) for at, call in enumerate(calls)]
        both, one = (Message("assistant", "", tool_calls=tuple(some)) for some in (calls, calls[:1]))
        talks += [Talk([*talk.messages, both, *result], offered) for talk in talks[: 1 + len(with_system)]]
        talks += [Talk([asked, one, result[0], answered, asked, both, *result, answered, asked], offered)]
    return talks


def takes_no_system(template: ChatTemplate) -> bool:
    try:
        return SYSTEM not in template.render([Message("system", SYSTEM), Message("user", "?")])
    except DataError:
        return True


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    """Mistral's makers refuse system texts in this template: it is exported without."""
    found = take_apart(of_family("mistral"))
    assert found.left_out == ("system",)


def test_ollama_finds_what_opens_calls_and_thoughts() -> None:
    """It takes the first text behind `if .ToolCalls`, and the texts around `.Thinking`."""
    text = go_template(take_apart(named("qwen3")).frames)
    behind = text.partition("{{ if .ToolCalls }}")[2]
    assert re.sub(r"^({{ range [^}]*}})+", "", behind).strip().startswith("<tool_call>")
    for around in re.findall(r"}}([^{]*){{ \.Thinking }}([^{]*){{", text):
        assert tuple(map(str.strip, around)) == ("<think>", "</think>")


def test_a_template_that_can_not_be_taken_apart_is_refused() -> None:
    tokenizer = tiny_tokenizer("{{ messages | length }}" + CHATML)
    with pytest.raises(ExportError, match="Ollama"):
        take_apart(ChatTemplate.of(tokenizer))


def test_a_system_text_in_the_question() -> None:
    template = ChatTemplate.of(tiny_tokenizer(INTO_THE_QUESTION))
    frames = take_apart(template).frames
    said = [Message("system", "Be brief."), *TALK]
    assert filled(go_template(frames), frames, Talk(said)) == template.render(said)


GO = r"""
package main

import (
	"encoding/json"
	"os"
	"text/template"
)

func main() {
	var asked struct {
		Template string
		Values   []map[string]any
	}
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	functions := template.FuncMap{"json": func(v any) string { b, _ := json.Marshal(v); return string(b) }}
	whole := template.Must(template.New("").Option("missingkey=zero").Funcs(functions).Parse(asked.Template))
	for _, values := range asked.Values {
		if err := whole.Execute(os.Stdout, values); err != nil {
			panic(err)
		}
		os.Stdout.WriteString("\x00")
	}
}
"""


@pytest.fixture(scope="module")
def go(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go's own `text/template` as a program."""
    if not request.config.getoption("--prove"):
        pytest.skip("a long proof: --prove")
    tool = shutil.which("go", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if tool is None:
        pytest.skip("Go is not installed: pip install 'conch[prove]'")
    place = tmp_path_factory.mktemp("go")
    (place / "fill.go").write_text(GO)
    home = {"GOCACHE": str(place / "cache"), "GOPATH": str(place / "path")}
    made = [tool, "build", "-o", "fill", "fill.go"]
    subprocess.run(made, cwd=place, check=True, timeout=600, env={**os.environ, **home})
    return place / "fill"


@pytest.mark.parametrize(("make", "name", "parts"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_go_fills_templates_as_we_do(go: Path, make: Any, name: str, parts: set[str]) -> None:
    """Go's own reader, and ours, which exports are checked with: values in Go's order, JSON in Go's way."""
    template = make(name)
    text = go_template(take_apart(template).frames)
    values = [values_of(talk.messages, talk.tools, talk.thinking) for talk in strange_talks(template, parts)]
    values = json.loads(json.dumps(values, sort_keys=True))  # Go sorts the keys of what has no type
    asked = json.dumps({"Template": text, "Values": values})
    done = subprocess.run([go], input=asked.encode(), capture_output=True, check=True, timeout=60)
    assert done.stdout.decode().split("\0")[:-1] == [fill(text, each) for each in values]


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
    given = [Message("system", found["SYSTEM"]), *TALK]
    assert fill(found["TEMPLATE"], values_of(given)) == ChatTemplate.of(
        tiny_tokenizer(SYSTEM_OF_ITS_OWN)
    ).render(TALK)
