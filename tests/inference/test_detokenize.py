"""Pieces of text add up to the decoding of the whole, and never show half a character."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conch.data.tokenizer import TokenReader
from conch.inference.detokenize import Detokenizer
from tests.tiny import tiny_tokenizer

HALF = "\ufffd"


@cache
def byte_level():
    """GPT-2's way: characters outside the vocabulary are several tokens."""
    return tiny_tokenizer()


@cache
def byte_fallback():
    """Llama 2's way: `▁` for spaces, which decoding strips at the start, and <0xE4> tokens."""
    from tokenizers import Tokenizer, decoders, models, normalizers
    from transformers import PreTrainedTokenizerFast

    words = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *"abcdefgh", "海", "▁a", "▁b", "ab"]
    vocabulary = {word: number for number, word in enumerate(words)}
    merges = [("▁", "a"), ("▁", "b"), ("a", "b")]
    backend = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    backend.decoder = decoders.Sequence(steps)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<unk>", clean_up_tokenization_spaces=False
    )


TOKENIZERS = {"byte-level": byte_level, "byte-fallback": byte_fallback}
TEXTS = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("abc 海螺神奇你好\n🐚👩‍👩‍👧é\u0301\u200d"),
    ),
    max_size=40,
)


def pieces(tokenizer, tokens) -> list[str]:
    detokenizer = Detokenizer(TokenReader(tokenizer))
    return [*(detokenizer.push(token) for token in tokens), detokenizer.flush()]


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(deadline=None)
@given(text=TEXTS)
def test_pieces_add_up(name, text):
    tokenizer = TOKENIZERS[name]()
    tokens = tokenizer.encode(text, add_special_tokens=False)
    shown = pieces(tokenizer, tokens)
    assert "".join(shown) == tokenizer.decode(tokens, skip_special_tokens=True)
    if HALF not in text:
        assert not any(HALF in piece for piece in shown)


@settings(deadline=None)
@given(tokens=st.lists(st.integers(0, 399), max_size=40))
def test_tokens_that_are_no_text_add_up_too(tokens):
    """A random model says anything: halves of characters, special tokens in the middle."""
    tokenizer = byte_level()
    assert "".join(pieces(tokenizer, tokens)) == tokenizer.decode(tokens, skip_special_tokens=True)


@settings(deadline=None)
@given(text=TEXTS, cut=st.integers(0, 60))
def test_an_answer_cut_in_the_middle_of_a_character(text, cut):
    """Half a character shows only at the very end, where the bound cut it."""
    assume(HALF not in text)
    tokenizer = byte_level()
    tokens = tokenizer.encode(text, add_special_tokens=False)[:cut]
    *shown, last = pieces(tokenizer, tokens)
    assert not any(HALF in piece for piece in shown)
    assert "".join([*shown, last]) == tokenizer.decode(tokens, skip_special_tokens=True)


def test_a_real_replacement_character_is_shown():
    tokenizer = byte_level()
    text = f"a{HALF}b{HALF}"
    assert "".join(pieces(tokenizer, tokenizer.encode(text, add_special_tokens=False))) == text


def test_special_tokens_are_shown_where_asked_for():
    tokenizer = byte_level()
    tokens = tokenizer.encode("<|im_start|>user", add_special_tokens=False)
    detokenizer = Detokenizer(TokenReader(tokenizer), show_special=True)
    assert "".join([*map(detokenizer.push, tokens), detokenizer.flush()]) == "<|im_start|>user"


def test_spaces_stay_between_pieces():
    tokenizer = byte_fallback()
    shown = pieces(tokenizer, tokenizer.encode("a b 海 ab", add_special_tokens=False))
    assert "".join(shown) == "a b 海 ab"
