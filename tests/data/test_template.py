"""What is trained is what the model would be shown and would answer, for many families of templates."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Template

from conch.core.conversation import Conversation, Message
from conch.core.errors import DataError, ModelError
from conch.data import rendering
from conch.data.encoder import Encoder
from conch.data.example import IGNORED, Example, encode
from conch.data.template import ChatTemplate
from tests.data.families import FAMILIES, Family, tokenizer_of
from tests.properties import quick, texts
from tests.tiny import tiny_tokenizer

BY_NAME = {family.name: family for family in FAMILIES}
SINGLE = Conversation.of(("user", "Who are you?"), ("assistant", "I am the magic conch."))
MULTI = Conversation.of(
    ("user", "Who are you?"),
    ("assistant", "The magic conch."),
    ("user", "你叫什么名字？"),
    ("assistant", "我是神奇海螺。"),
    ("user", "Reload it."),
    ("assistant", "2. Reload it."),
)
every_family = pytest.mark.parametrize("family", FAMILIES, ids=str)


def template_of(family: Family) -> ChatTemplate:
    return ChatTemplate.of(tokenizer_of(family))


def spans(example: Example) -> list[tuple[int, int]]:
    """Where trained stretches of tokens begin and end."""
    on = [label != IGNORED for label in example.labels]
    starts = [i for i, trained in enumerate(on) if trained and (i == 0 or not on[i - 1])]
    ends = [i + 1 for i, trained in enumerate(on) if trained and (i + 1 == len(on) or not on[i + 1])]
    return list(zip(starts, ends, strict=True))


def trained_texts(family: Family, examples: list[Example]) -> list[str]:
    decode = tokenizer_of(family).decode
    return [decode(example.input_ids[a:b]) for example in examples for a, b in spans(example)]


def own_prompt_ids(family: Family, messages: tuple[Message, ...]) -> list[int]:
    turns = [message.to_template() for message in messages]
    options = {"add_generation_prompt": True, "tokenize": True, "return_dict": True}
    return list(tokenizer_of(family).apply_chat_template(turns, **options)["input_ids"])


# for every family


@every_family
def test_the_end_of_turn_token(family: Family) -> None:
    template = template_of(family)
    assert tokenizer_of(family).decode([template.end_of_turn]) == family.end
    assert template.stop_ids() == {template.end_of_turn, tokenizer_of(family).eos_token_id}


@every_family
def test_the_prompt_is_the_tokenizers_own(family: Family) -> None:
    template = template_of(family)
    for count in (1, 3, 5):
        history = MULTI.messages[:count]
        assert template.prompt_ids(history) == own_prompt_ids(family, history)


@every_family
@pytest.mark.parametrize("turns", range(1, len(MULTI.messages) + 1))
def test_any_number_of_turns_is_rendered_as_the_tokenizer_does(family: Family, turns: int) -> None:
    tokenizer = tokenizer_of(family)
    told = [message.to_template() for message in MULTI.messages[:turns]]
    for thinking, options in ((None, {}), (True, dict.fromkeys(("enable_thinking", "thinking"), True))):
        template = ChatTemplate.of(tokenizer, thinking=thinking)
        for generation in (True, False):
            expected = tokenizer.apply_chat_template(
                told, tokenize=False, add_generation_prompt=generation, **options
            )
            assert template.render(MULTI.messages[:turns], generation=generation) == expected


@every_family
def test_a_system_text_stands_in_the_prompt_or_is_refused(family: Family) -> None:
    history = (Message("system", "Be brief."), *SINGLE.messages[:1])
    template = template_of(family)
    if family.system:
        assert template.prompt_ids(history) == own_prompt_ids(family, history)
        assert "Be brief." in template.render(history)
    else:
        with pytest.raises(DataError) as error:
            template.prompt_ids(history)
        assert error.value.key == "data.template_refused"
        assert "system, user" in str(error.value)


@every_family
def test_one_turn_trains_the_answer_and_its_end(family: Family) -> None:
    (example,) = encode(SINGLE, template_of(family))
    assert len(example.input_ids) == len(example.labels)
    ((start, end),) = spans(example)
    assert example.input_ids[:start] == own_prompt_ids(family, SINGLE.messages[:1])
    assert end == len(example.input_ids)
    assert example.labels[start:] == example.input_ids[start:]
    assert trained_texts(family, [example]) == [family.written("I am the magic conch.") + family.end]


@every_family
def test_several_turns_share_a_sequence_exactly_where_the_template_is_stable(family: Family) -> None:
    examples = encode(MULTI, template_of(family))
    assert [len(spans(example)) for example in examples] == ([3] if family.stable else [1, 1, 1])
    answers = [m.content for m in MULTI.messages if m.role == "assistant"]
    assert trained_texts(family, examples) == [family.written(answer) + family.end for answer in answers]


@every_family
def test_each_answer_stands_behind_the_prompt_of_its_own_history(family: Family) -> None:
    examples = encode(MULTI, template_of(family))
    before = [example.input_ids[:start] for example in examples for start, _ in spans(example)]
    assert before == [own_prompt_ids(family, MULTI.messages[:count]) for count in (1, 3, 5)]


@every_family
def test_masked_history_trains_the_last_answer_only(family: Family) -> None:
    (example,) = encode(MULTI, template_of(family), mask_history=True)
    assert trained_texts(family, [example]) == [family.written("2. Reload it.") + family.end]
    ((start, _),) = spans(example)
    assert example.input_ids[:start] == own_prompt_ids(family, MULTI.messages[:5])


@every_family
def test_training_on_the_prompt_trains_everything(family: Family) -> None:
    plain = encode(MULTI, template_of(family))
    examples = encode(MULTI, template_of(family), train_on_prompt=True)
    assert [example.input_ids for example in examples] == [example.input_ids for example in plain]
    assert all(example.labels == example.input_ids for example in examples)


@every_family
def test_answers_that_are_context_only_are_not_trained(family: Family) -> None:
    first, second, *rest = MULTI.messages
    untrained = Message("assistant", second.content, trained=False)
    examples = encode(Conversation((first, untrained, *rest)), template_of(family))
    assert len(trained_texts(family, examples)) == 2


def test_without_an_answer_there_is_nothing_to_train() -> None:
    assert encode(Conversation.of(("user", "Hello?")), template_of(BY_NAME["chatml"])) == []


WRITES_AS_IT_STANDS = [family for family in FAMILIES if family.name not in {"deepseek-r1", "glm", "glm4.5"}]
CONVERSATIONS = st.lists(texts.filter(lambda text: bool(text.strip())), min_size=2, max_size=5)


@settings(quick, max_examples=40)
@given(family=st.sampled_from(WRITES_AS_IT_STANDS), contents=CONVERSATIONS)
def test_prompt_and_answer_are_what_the_template_itself_writes(family: Family, contents: list[str]) -> None:
    """Whatever is said: prompt + trained text begins what the template makes of the whole conversation."""
    turns: Any = ("user", "assistant")
    messages = tuple(Message(turns[i % 2], text) for i, text in enumerate(contents))
    for index in range(1, len(messages), 2):
        history, answer = messages[:index], messages[index]
        template = template_of(family)
        prompt, ids = Encoder(template.reader, template.end_of_turn).turn(*template.turn(history, answer))
        assert ids[-1] == template.end_of_turn
        together = tokenizer_of(family).decode([*prompt, *ids])
        assert template.render(messages[: index + 1], generation=False).startswith(together)
        assert answer.content.strip() in tokenizer_of(family).decode(ids)


@settings(quick, max_examples=40)
@given(family=st.sampled_from(FAMILIES), contents=CONVERSATIONS)
def test_training_shows_what_serving_shows(family: Family, contents: list[str]) -> None:
    turns: Any = ("user", "assistant")
    conversation = Conversation.of(*((turns[i % 2], text) for i, text in enumerate(contents)))
    examples = encode(conversation, template_of(family))
    before = [example.input_ids[:start] for example in examples for start, _ in spans(example)]
    answers = range(1, len(contents), 2)
    assert before == [own_prompt_ids(family, conversation.messages[:index]) for index in answers]
    assert all(len(example.input_ids) == len(example.labels) for example in examples)
    assert all(
        label in (IGNORED, token)
        for example in examples
        for token, label in zip(example.input_ids, example.labels, strict=True)
    )


@settings(quick, max_examples=120)
@given(family=st.sampled_from(FAMILIES), contents=CONVERSATIONS)
def test_what_is_trained_reads_as_the_answers_and_their_ends(family: Family, contents: list[str]) -> None:
    """Exactly, whatever is said: no token of a prompt is trained, and none of an answer is left out."""
    turns: Any = ("user", "assistant")
    conversation = Conversation.of(*((turns[i % 2], text) for i, text in enumerate(contents)))
    trained = trained_texts(family, encode(conversation, template_of(family)))
    assert trained == [family.written(text) + family.end for text in contents[1::2]]


# reasoning

THOUGHT = "<think>\nThe recipe first.\n</think>\n\n1. Check the recipe."


def test_a_thought_is_trained_and_cut_out_of_history() -> None:
    family = BY_NAME["qwen3"]
    conversation = Conversation.of(
        ("user", "It broke."), ("assistant", THOUGHT), ("user", "And now?"), ("assistant", THOUGHT)
    )
    examples = encode(conversation, template_of(family))
    assert trained_texts(family, examples) == [THOUGHT + family.end] * 2
    shown = tokenizer_of(family).decode(examples[1].input_ids[: spans(examples[1])[0][0]])
    assert "The recipe first." not in shown
    assert "1. Check the recipe." in shown


def test_a_thought_that_the_prompt_opens_is_not_opened_again() -> None:
    family = BY_NAME["deepseek-r1"]
    conversation = Conversation.of(
        ("user", "It broke."), ("assistant", THOUGHT), ("user", "And now?"), ("assistant", THOUGHT)
    )
    examples = encode(conversation, template_of(family))
    assert (
        trained_texts(family, examples)
        == ["The recipe first.\n</think>\n\n1. Check the recipe." + family.end] * 2
    )
    whole = tokenizer_of(family).decode(examples[0].input_ids)
    assert whole.endswith(f"<｜Assistant｜>{THOUGHT}{family.end}")
    assert whole.count("<think>") == 1
    assert "The recipe first." not in tokenizer_of(family).decode(
        examples[1].input_ids[: spans(examples[1])[0][0]]
    )


def test_an_answer_without_a_thought_closes_the_one_that_the_prompt_opened() -> None:
    family = BY_NAME["deepseek-r1"]
    (example,) = encode(SINGLE, template_of(family))
    assert "<think>\n\n</think>\n\nI am the magic conch." in tokenizer_of(family).decode(example.input_ids)


# odd answers


@every_family
@pytest.mark.parametrize("answer", ["a", "k", "think", "assistant", "user", "\\n", "1", "<", "INST"])
def test_answers_that_look_like_the_template(family: Family, answer: str) -> None:
    conversation = Conversation.of(("user", "Say it."), ("assistant", answer))
    assert trained_texts(family, encode(conversation, template_of(family))) == [
        family.written(answer) + family.end
    ]


@pytest.mark.parametrize("answer", ["a<|im_end|>b", "<|im_end|>", "x<|im_end|>\n<|im_start|>user\nmore"])
def test_an_answer_that_holds_the_end_of_turn_is_trained_to_its_own_end(answer: str) -> None:
    family = BY_NAME["chatml"]
    conversation = Conversation.of(("user", "Say it."), ("assistant", answer))
    (example,) = encode(conversation, template_of(family))
    assert trained_texts(family, [example]) == [answer + family.end]


class LetterTokenizer:
    """A tokenizer of single letters, `ab` and the end; each letter's id is its code point."""

    chat_template = (
        "{% for m in messages %}{{ m.content if m.role == 'user' else m.content + '$' }}{% endfor %}"
    )
    eos_token_id = ord("$")
    all_special_ids = (ord("$"),)
    added_tokens_decoder: dict[int, Any] = {}  # noqa: RUF012

    def apply_chat_template(self, turns: list[dict[str, str]], **options: Any) -> str:
        return "".join(t["content"] + ("$" if t["role"] == "assistant" else "") for t in turns)

    def encode(self, text: str, **options: Any) -> list[int]:
        return [ord(letter) for letter in text.replace("ab", "\uffff")]

    def decode(self, ids: list[int], **options: Any) -> str:
        return "".join(chr(token) for token in ids).replace("\uffff", "ab")

    def convert_ids_to_tokens(self, token: int) -> str:
        return chr(token)


def test_a_token_that_would_straddle_the_border_is_split() -> None:
    template = ChatTemplate.of(LetterTokenizer())
    (example,) = encode(Conversation.of(("user", "xa"), ("assistant", "by")), template)
    assert example.input_ids == [ord(letter) for letter in "xaby$"]
    assert example.labels == [IGNORED, IGNORED, *map(ord, "by$")]


def test_a_token_inside_the_answer_is_kept() -> None:
    template = ChatTemplate.of(LetterTokenizer())
    (example,) = encode(Conversation.of(("user", "x"), ("assistant", "ab")), template)
    assert example.input_ids == [ord("x"), 0xFFFF, ord("$")]


class WordStartTokenizer(LetterTokenizer):
    """It marks the start of whatever it reads, as Llama 2's does."""

    def encode(self, text: str, **options: Any) -> list[int]:
        return [ord("▁"), *super().encode(text)]


def test_an_answer_is_no_new_start() -> None:
    template = ChatTemplate.of(WordStartTokenizer())
    (example,) = encode(Conversation.of(("user", "xy"), ("assistant", "by")), template)
    assert template.tokenizer.decode(example.input_ids) == "▁xyby$"


# where a template comes from


def test_a_template_file_is_used_instead_of_the_models_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.jinja"
    file.write_text("{% for m in messages %}[{{ m.role }}]{{ m.content }}<|im_end|>{% endfor %}[assistant]")
    template = ChatTemplate.of(tiny_tokenizer(), str(file))
    assert template.render(SINGLE.messages[:1]) == "[user]Who are you?<|im_end|>[assistant]"


@pytest.mark.parametrize(
    "make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_bytes("海".encode("gbk"))]
)
def test_a_template_file_that_cannot_be_read(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "mine.jinja")
    with pytest.raises(ModelError) as error:
        ChatTemplate.of(tiny_tokenizer(), str(tmp_path / "mine.jinja"))
    assert error.value.key == "models.template_file"


def test_a_model_without_a_template_needs_one_named() -> None:
    tokenizer = tiny_tokenizer(template=None)
    with pytest.raises(ModelError) as error:
        ChatTemplate.of(tokenizer)
    assert error.value.key == "models.no_template"
    assert "chatml" in error.value.hint
    template = ChatTemplate.of(tokenizer, "chatml")
    assert (template.end_of_turn, template.notices) == (tokenizer.eos_token_id, ())
    assert template.render(SINGLE.messages) == tiny_tokenizer().apply_chat_template(
        [m.to_template() for m in SINGLE.messages], tokenize=False, add_generation_prompt=True
    )


def test_a_template_file_that_ends_a_turn_with_what_is_no_token_says_so(tmp_path: Path) -> None:
    file = tmp_path / "mine.jinja"
    file.write_text("{% for m in messages %}{{ m.content }}<|mine|>{% endfor %}")
    template = ChatTemplate.of(tiny_tokenizer(), str(file))
    assert [notice.key for notice in template.notices] == ["template.plain_end"]
    assert "<|mine|>" in template.notices[0].message
    assert "<|im_end|>" in template.notices[0].message


@every_family
def test_texts_that_grow_are_read_as_if_whole(family: Family) -> None:
    """The encoder of a conversation reads only what is new."""
    template = template_of(family)
    encoder = Encoder(template.reader, template.end_of_turn)
    text = ""
    for index in range(1, len(MULTI.messages), 2):
        text, answer = template.turn(MULTI.messages[:index], MULTI.messages[index])
        assert encoder.ids(text) == template.encode(text)
        assert encoder.ids(text + answer) == template.encode(text + answer)


@settings(quick, max_examples=150)
@given(
    family=st.sampled_from(FAMILIES),
    pieces=st.lists(st.tuples(texts, st.integers(0, 9)), min_size=1, max_size=6),
)
def test_any_texts_that_grow_are_read_as_if_whole(family: Family, pieces: list[tuple[str, int]]) -> None:
    template = template_of(family)
    encoder = Encoder(template.reader, template.end_of_turn)
    text = ""
    for words, number in pieces:
        text += words + family.tokens[number % len(family.tokens)] + words
        assert encoder.ids(text) == template.encode(text)


def test_settings_that_somebody_left_on_the_tokenizer_change_nothing() -> None:
    tokenizer = tiny_tokenizer()
    template = ChatTemplate.of(tokenizer)
    assert template.reader.read("Who?") == template.encode("Who?")
    before = encode(SINGLE, template)
    tokenizer(["a", "b c"], truncation=True, max_length=3, padding="max_length")
    assert tokenizer.backend_tokenizer.truncation is not None
    assert encode(SINGLE, template) == before


def test_raw_text_begins_as_the_tokenizer_begins_texts() -> None:
    from tokenizers.processors import TemplateProcessing

    tokenizer = tiny_tokenizer(special=["<pad>", "<s>", "</s>"])
    assert ChatTemplate.for_text(tokenizer).text_ids("a") == tokenizer.encode("a")
    tokenizer.bos_token = "<s>"
    started = TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    tokenizer.backend_tokenizer.post_processor = started
    assert ChatTemplate.for_text(tokenizer).text_ids("a") == [1, *tokenizer.encode("a")[1:-1]]
    assert ChatTemplate.for_text(tokenizer).end_of_turn == 2


def test_the_default_of_several_templates_is_used() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = {"default": tokenizer.chat_template, "tool_use": "{{ nothing }}"}
    assert ChatTemplate.of(tokenizer).render(SINGLE.messages[:1]).startswith("<|im_start|>user")


def test_a_template_in_plain_text_ends_with_the_end_of_text() -> None:
    source = "{% for m in messages %}### {{ m.role }}:\n{{ m.content }}\n\n{% endfor %}### assistant:\n"
    template = ChatTemplate.of(tiny_tokenizer(template=source, special=["<pad>", "</s>"]))
    (example,) = encode(SINGLE, template)
    assert template.tokenizer.decode(example.input_ids).endswith("### assistant:\nI am the magic conch.</s>")


def test_a_tokenizer_with_no_end_at_all_is_refused() -> None:
    tokenizer = tiny_tokenizer(template="{% for m in messages %}{{ m.content }}\n{% endfor %}")
    tokenizer.eos_token = None
    with pytest.raises(ModelError) as error:
        ChatTemplate.of(tokenizer)
    assert error.value.key == "models.no_end_of_turn"


def test_roles_out_of_order_are_refused_with_the_templates_own_words() -> None:
    conversation = Conversation.of(("user", "a"), ("user", "b"), ("assistant", "c"))
    with pytest.raises(DataError) as error:
        encode(conversation, template_of(BY_NAME["llama2"]))
    assert error.value.key == "data.template_refused"
    assert "must alternate" in str(error.value)
    assert error.value.hint


def test_a_tokenizer_with_a_way_of_its_own_is_asked_for_every_text() -> None:
    class Shouting(type(tiny_tokenizer())):  # type: ignore[misc]
        def apply_chat_template(self, *given: Any, **options: Any) -> Any:
            return super().apply_chat_template(*given, **options).upper()

    plain = tiny_tokenizer()
    own = Shouting(tokenizer_object=plain.backend_tokenizer, eos_token="<|im_end|>")
    own.chat_template = plain.chat_template
    assert "I AM THE MAGIC CONCH." in ChatTemplate.of(own).render(SINGLE.messages)


def test_text_is_rendered_without_what_stands_around_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    template = template_of(BY_NAME["smollm"])
    expected = template.render(MULTI.messages)
    monkeypatch.setattr("conch.data.template.render", None)
    assert template.render(MULTI.messages) == expected


@pytest.mark.parametrize("differs", [True, False])
def test_where_the_quick_way_differs_or_is_not_there_the_usual_one_is_taken(
    monkeypatch: pytest.MonkeyPatch, differs: bool
) -> None:
    expected = ChatTemplate.of(tiny_tokenizer()).render(MULTI.messages)
    if differs:
        monkeypatch.setattr(rendering, "_compiled", lambda *_: Template("{{ nothing }}"))
    else:
        monkeypatch.setitem(sys.modules, "transformers.utils.chat_template_utils", None)
    template = ChatTemplate.of(tiny_tokenizer())
    assert template._text_render is None
    assert template.render(MULTI.messages) == expected
