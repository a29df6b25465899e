"""Thoughts: one rule for training, chat and serving. See the docstring of `conch.data.thoughts`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch.core.conversation import Conversation, Message
from conch.data.example import encode
from conch.data.template import ChatTemplate
from tests.data.families import FAMILIES, Family, tokenizer_of
from tests.data.test_template import BY_NAME, own_prompt_ids, spans, trained_texts
from tests.properties import quick, texts

THOUGHT = "<think>\nThe recipe first.\n</think>\n\n1. Check the recipe."
PLAIN = Conversation.of(("user", "It broke."), ("assistant", "1. Check the recipe."))
THOUGHTFUL = Conversation.of(("user", "It broke."), ("assistant", THOUGHT))
TWICE = Conversation.of(
    ("user", "It broke."), ("assistant", THOUGHT), ("user", "And now?"), ("assistant", THOUGHT)
)
REASONING = ("qwen3", "qwen3-thinking", "deepseek-r1", "glm4.5", "deepseek-v3.1")
every_reasoning = pytest.mark.parametrize("name", REASONING)
every_wish = pytest.mark.parametrize("thinking", [None, True, False])


def template_of(name: str, thinking: bool | None) -> ChatTemplate:
    return ChatTemplate.of(tokenizer_of(BY_NAME[name]), thinking=thinking)


def parts(name: str, conversation: Conversation, thinking: bool | None) -> tuple[str, str]:
    """What is given and what is trained, of one turn."""
    (example,) = encode(conversation, template_of(name, thinking))
    ((start, end),) = spans(example)
    decode = tokenizer_of(BY_NAME[name]).decode
    return decode(example.input_ids[:start]), decode(example.input_ids[start:end])


EMPTY = "<think>\n\n</think>\n\n"


@pytest.mark.parametrize(
    ("name", "thinking", "given_end", "trained"),
    [
        ("qwen3", None, "assistant\n", f"{EMPTY}1. Check the recipe."),
        ("qwen3", True, "assistant\n", f"{EMPTY}1. Check the recipe."),
        ("qwen3", False, f"assistant\n{EMPTY}", "1. Check the recipe."),
        ("qwen3-thinking", None, "<think>\n", "\n</think>\n\n1. Check the recipe."),
        ("qwen3-thinking", False, EMPTY, "1. Check the recipe."),
        ("deepseek-r1", None, "<think>\n", "\n</think>\n\n1. Check the recipe."),
        ("deepseek-r1", True, "<think>\n", "\n</think>\n\n1. Check the recipe."),
        ("deepseek-r1", False, f"<｜Assistant｜>{EMPTY}", "1. Check the recipe."),
        ("glm4.5", None, "<|assistant|>", "\n<think></think>\n1. Check the recipe."),
        ("glm4.5", False, "/nothink<|assistant|>\n<think></think>", "\n1. Check the recipe."),
        ("deepseek-v3.1", None, "<｜Assistant｜></think>", "1. Check the recipe."),
        ("deepseek-v3.1", True, "<｜Assistant｜><think>", "</think>1. Check the recipe."),
        ("deepseek-v3.1", False, "<｜Assistant｜></think>", "1. Check the recipe."),
        ("chatml", False, "assistant\n", "1. Check the recipe."),
    ],
)
def test_an_answer_without_a_thought(name: str, thinking: bool | None, given_end: str, trained: str) -> None:
    before, answer = parts(name, PLAIN, thinking)
    assert before.endswith(given_end)
    assert answer == trained + BY_NAME[name].end


@pytest.mark.parametrize(
    ("name", "thinking", "trained"),
    [
        ("qwen3", None, THOUGHT),
        ("qwen3", True, THOUGHT),
        ("qwen3", False, "1. Check the recipe."),
        ("qwen3-thinking", True, THOUGHT.removeprefix("<think>\n")),
        ("qwen3-thinking", False, "1. Check the recipe."),
        ("deepseek-r1", None, THOUGHT.removeprefix("<think>\n")),
        ("deepseek-r1", True, THOUGHT.removeprefix("<think>\n")),
        ("deepseek-r1", False, "1. Check the recipe."),
        ("glm4.5", True, "\n<think>The recipe first.</think>\n1. Check the recipe."),
        ("glm4.5", False, "\n1. Check the recipe."),
        ("deepseek-v3.1", True, THOUGHT.removeprefix("<think>")),
        ("deepseek-v3.1", False, "1. Check the recipe."),
        ("chatml", None, THOUGHT),
        ("chatml", True, THOUGHT),
        ("chatml", False, "1. Check the recipe."),
    ],
)
def test_an_answer_with_a_thought(name: str, thinking: bool | None, trained: str) -> None:
    before, answer = parts(name, THOUGHTFUL, thinking)
    assert answer == trained + BY_NAME[name].end
    assert "The recipe first." not in before


@every_reasoning
@every_wish
def test_a_thought_belongs_to_its_own_turn(name: str, thinking: bool | None) -> None:
    family = BY_NAME[name]
    examples = encode(TWICE, template_of(name, thinking))
    answers = trained_texts(family, examples)
    assert [("The recipe first." in text) for text in answers] == [thinking is not False] * 2
    last = examples[-1]
    shown = tokenizer_of(family).decode(last.input_ids[: spans(last)[-1][0]])
    if len(examples) == 2:
        assert "The recipe first." not in shown, "left out of history, as the template does"
    assert "1. Check the recipe." in shown


@every_reasoning
@every_wish
def test_chat_is_prompted_as_training_was(name: str, thinking: bool | None) -> None:
    """What stands before each trained answer is the prompt that a server makes of the same history."""
    template = template_of(name, thinking)
    examples = encode(TWICE, template)
    before = [example.input_ids[:start] for example in examples for start, _ in spans(example)]
    behind = THOUGHT.split("</think>")[-1]  # what R1-style templates keep of it, spaces included
    kept = behind if thinking is not False and name.startswith("deepseek") else behind.strip()
    said = [TWICE.messages[0], Message("assistant", kept), TWICE.messages[2]]
    assert before[0] == template.prompt_ids(TWICE.messages[:1])
    if len(examples) == 2:
        assert before[1] == template.prompt_ids(TWICE.messages[:3])
    if len(examples) == 2 or thinking is False:
        assert before[1] == template.prompt_ids(said), "a client that keeps answers without thoughts"


@every_reasoning
@every_wish
def test_the_switch_is_handed_to_templates_that_ask_for_it(name: str, thinking: bool | None) -> None:
    family = BY_NAME[name]
    made = template_of(name, thinking).render(PLAIN.messages[:1])
    options: dict[str, Any] = {} if thinking is None else {"enable_thinking": thinking, "thinking": thinking}
    turns = [message.to_template() for message in PLAIN.messages[:1]]
    own = tokenizer_of(family).apply_chat_template(
        turns, tokenize=False, add_generation_prompt=True, **options
    )
    assert made.startswith(own)
    assert made.removeprefix(own) in {"", "\n</think>\n\n"}


@pytest.mark.parametrize("family", FAMILIES, ids=str)
@every_wish
def test_the_template_that_is_kept_prompts_alike_without_being_told(
    family: Family, thinking: bool | None
) -> None:
    """A trained model carries the wish: others load it with the tokenizer alone."""
    asked = ChatTemplate.of(tokenizer_of(family), thinking=thinking)
    turns = [message.to_template() for message in PLAIN.messages[:1]]
    plain = tokenizer_of(family).apply_chat_template(
        turns, chat_template=asked.kept_source(), add_generation_prompt=True, tokenize=False
    )
    assert plain == asked.render(PLAIN.messages[:1])
    if thinking is None:
        assert asked.encode(plain) == own_prompt_ids(family, PLAIN.messages[:1])


@every_reasoning
def test_the_kept_wish_can_be_overruled(name: str) -> None:
    tokenizer = tokenizer_of(BY_NAME[name])
    off = template_of(name, False)
    again = ChatTemplate(tokenizer, off.kept_source(), off.end_of_turn, thinking=True)
    assert again.render(PLAIN.messages[:1]) == template_of(name, True).render(PLAIN.messages[:1])


WORDS = texts.filter(lambda text: bool(text.strip()) and "<" not in text)


@settings(quick, max_examples=100)
@given(
    name=st.sampled_from(REASONING), thinking=st.sampled_from([None, True, False]), thought=WORDS, said=WORDS
)
def test_whatever_is_thought(name: str, thinking: bool | None, thought: str, said: str) -> None:
    content = f"<think>\n{thought}\n</think>\n\n{said}"
    conversation = Conversation.of(("user", "?"), ("assistant", content))
    before, answer = parts(name, conversation, thinking)
    assert said.strip() in answer
    assert answer.endswith(BY_NAME[name].end)
    assert (thought.strip() in answer.rpartition(said.strip())[0]) or thinking is False
    closed_by_default = name == "deepseek-v3.1" and thinking is None  # thoughts are off, and yet in the data
    assert (before + answer).count("</think>") == (2 if closed_by_default else 1)
