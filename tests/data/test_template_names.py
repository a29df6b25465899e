"""Templates by name: those that are kept, LLaMA-Factory's names for them, and what wins over what."""

from __future__ import annotations

from typing import Any

import pytest

from conch.core.conversation import Message
from conch.core.errors import ModelError
from conch.data import template_names as names
from conch.data.example import encode
from conch.data.template import ChatTemplate
from tests.data.families import FAMILIES, Family, tokenizer_of
from tests.data.test_template import BY_NAME, MULTI, spans
from tests.tiny import tiny_tokenizer

# As LLaMA-Factory 0.9 names them.
_NAMES = """
alpaca aquila atom baichuan baichuan2 bailing bailing_v2 belle bluelm breeze chatglm2 chatglm3 chatml
chatml_de codegeex2 codegeex4 cohere cpm cpm3 cpm4 dbrx deepseek deepseek3 deepseekcoder deepseekr1 default
dots_ocr empty ernie ernie_nothink ernie_vl exaone falcon falcon_h1 fewshot gemma gemma2 gemma3 gemma3n glm4
glm4_5v glm4_moe glm4v glmz1 gpt_oss granite3 granite3_vision granite4 hunyuan index intern intern2
intern_s1 intern_vl keye_vl kimi_vl llama2 llama2_zh llama3 llama4 llava llava_next llava_next_llama3
llava_next_mistral llava_next_qwen llava_next_video llava_next_video_mistral llava_next_video_yi
llava_next_yi marco mimo mimo_v2 mimo_vl minicpm_o minicpm_v minimax1 minimax2 ministral ministral3 mistral
mistral_small mllama moonlight olmo openchat openchat-3.6 opencoder orion paligemma paligemma_chat phi phi4
phi_small pixtral qwen qwen2_audio qwen2_omni qwen2_vl qwen3 qwen3_nothink qwen3_omni qwen3_omni_nothink
qwen3_vl qwen3_vl_nothink sailor seed_coder seed_oss skywork_o1 smollm smollm2 solar starchat telechat
telechat2 vicuna video_llava xuanyuan xverse yayi yi yi_vl yuan zephyr ziya
"""
_ASKED_FOR = """
chatml llama2 llama3 mistral gemma qwen deepseek-r1 deepseek phi3 glm4 alpaca vicuna default plain
"""
LLAMA_FACTORY, ASKED_FOR = _NAMES.split(), _ASKED_FOR.split()
SAME = {
    "chatml": "chatml",
    "llama2": "llama2",
    "llama3": "llama3",
    "mistral": "mistral",
    "gemma": "gemma",
    "qwen2.5": "qwen",
    "qwen3": "qwen3",
    "qwen3-thinking": "qwen3",
    "deepseek-v3": "deepseek3",
    "deepseek-v3.1": "deepseek3",
    "deepseek-r1": "deepseekr1",
    "phi3": "phi",
    "phi4": "phi4",
    "glm": "glm4",
    "smollm": "smollm2",
    "zephyr": "zephyr",
}
"""A model's family to a name that means the same."""


def bare(family: Family) -> Any:
    """A base model's tokenizer: the tokens of a family, and no template."""
    tokenizer = tiny_tokenizer(None, list(family.tokens))
    if family.bos:
        tokenizer.bos_token = family.bos
    if family.unlisted:
        tokenizer.add_tokens(list(family.unlisted), special_tokens=True)
    return tokenizer


@pytest.mark.parametrize("name", [*LLAMA_FACTORY, *ASKED_FOR])
def test_every_name_is_understood(name: str) -> None:
    family = names.family_of(name)
    assert family is None or names.file_of(family).is_file()


def test_every_file_is_a_family_and_every_family_a_file() -> None:
    assert sorted(file.stem for file in names.FOLDER.glob("*")) == sorted(names.kept())


def test_most_names_stand_for_a_template_that_is_kept() -> None:
    assert sum(names.FAMILY_OF[name] is not None for name in LLAMA_FACTORY) > 0.75 * len(LLAMA_FACTORY)


@pytest.mark.parametrize("name", names.kept())
def test_a_kept_template_teaches_each_answer_and_its_end(name: str) -> None:
    template = ChatTemplate.of(tiny_tokenizer(None), name)
    examples = encode(MULTI, template)
    answers = [message.content for message in MULTI.messages if message.role == "assistant"]
    trained = [example.input_ids[a:b] for example in examples for a, b in spans(example)]
    assert [ids[-1] for ids in trained] == [template.end_of_turn] * 3
    for ids, answer in zip(trained, answers, strict=True):
        text = template.tokenizer.decode(ids[:-1])
        assert text.split("</think>")[-1].strip() == answer


@pytest.mark.parametrize("name", names.kept())
def test_a_kept_template_has_room_for_a_system_text(name: str) -> None:
    template = ChatTemplate.of(tiny_tokenizer(None), name)
    text = template.render([Message("system", "Be brief."), *MULTI.messages[:3]])
    assert text.count("Be brief.") == 1
    assert text.index("Be brief.") < text.index("Who are you?")


@pytest.mark.parametrize("name", names.kept())
def test_a_kept_template_goes_on_as_it_began(name: str) -> None:
    """Prefix-stable, except where thoughts or missing ends make that impossible."""
    examples = encode(MULTI, ChatTemplate.of(tiny_tokenizer(None), name))
    unstable = {"qwen3", "deepseek-r1", "glm4"}
    assert len(examples) == (3 if name in unstable else 1)


def test_a_token_that_is_missing_is_not_added_but_replaced() -> None:
    tokenizer = tiny_tokenizer(None, ["<pad>", "</s>"])
    before = len(tokenizer)
    template = ChatTemplate.of(tokenizer, "llama3")
    assert template.end_of_turn == tokenizer.eos_token_id
    assert len(tokenizer) == before
    (notice,) = template.notices
    assert notice.key == "template.no_end_token"
    assert "<|eot_id|>" in notice.message
    assert "</s>" in notice.message
    assert "<|eot_id|>" not in template.render(MULTI.messages)
    (example,) = encode(MULTI, template)
    assert len(spans(example)) == 3


@pytest.mark.parametrize(("own", "name"), SAME.items())
def test_a_kept_template_writes_as_its_family(own: str, name: str) -> None:
    """No notice where the name means what the model does itself."""
    family = BY_NAME[own]
    template = ChatTemplate.of(tokenizer_of(family), name)
    assert template.source == family.source
    assert template.notices == ()


@pytest.mark.parametrize("own", [name for name in SAME if name not in {"qwen3-thinking", "deepseek-v3.1"}])
def test_a_base_model_is_written_to_as_its_family(own: str) -> None:
    family = BY_NAME[own]
    kept = ChatTemplate.of(bare(family), SAME[own])
    real = ChatTemplate.of(tokenizer_of(family))
    assert kept.notices == ()
    assert kept.tokenizer.decode([kept.end_of_turn]) == family.end

    def begun(template: ChatTemplate) -> str:
        text = template.render(MULTI.messages)
        return text[text.index("Who are you?") :]

    assert begun(kept).split() == begun(real).split()


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_the_models_own_template_wins_and_says_so(family: Family) -> None:
    other = "vicuna"
    template = ChatTemplate.of(tokenizer_of(family), other)
    assert template.source == family.source
    (notice,) = template.notices
    assert notice.key == "template.own_wins"
    assert str(names.file_of(other)) in notice.message


def test_the_file_that_the_notice_names_is_used(tmp_path: object) -> None:
    file = names.file_of("vicuna")
    template = ChatTemplate.of(tokenizer_of(BY_NAME["chatml"]), str(file))
    assert "USER: Who are you?" in template.render(MULTI.messages)


def test_a_name_that_is_known_but_not_kept() -> None:
    template = ChatTemplate.of(tiny_tokenizer(), "minimax1")
    assert [notice.key for notice in template.notices] == ["template.not_compared"]
    with pytest.raises(ModelError) as error:
        ChatTemplate.of(tiny_tokenizer(None), "minimax1")
    assert error.value.key == "template.not_kept"
    assert "chatml" in error.value.hint


@pytest.mark.parametrize(
    ("wrong", "right"), [("lama3", "llama3"), ("ChatML", "chatml"), ("deepseek_r1", "deepseekr1")]
)
def test_a_misspelt_name_is_put_right(wrong: str, right: str) -> None:
    for template in (None, BY_NAME["chatml"].source):
        with pytest.raises(ModelError) as error:
            ChatTemplate.of(tiny_tokenizer(template), wrong)
        assert error.value.key == "template.misspelt"
        assert f"'{right}'" in error.value.hint


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(ModelError) as error:
        ChatTemplate.of(tiny_tokenizer(), "zzz")
    assert error.value.key == "template.unknown"
    assert "chatml" in error.value.hint
    assert ".jinja" in error.value.hint or "Jinja" in error.value.hint
