"""A text cut before its special tokens is read as if it were whole."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken

from conch.data.cuts import Cuts
from conch.data.tokenizer import TokenReader
from tests.properties import quick
from tests.tiny import tiny_tokenizer

NAMES = ("<|a|>", "<|a|>b", "<|ab|>", "x<", "<", "海螺")


@settings(quick)
@given(st.lists(st.sampled_from((*NAMES, "<|", "a", "|>", " ", "\n", "x"))).map("".join))
def test_pieces_are_the_text_and_begin_with_the_longest_tokens(text: str) -> None:
    pieces = Cuts(NAMES).pieces(text)
    assert "".join(pieces) == text
    assert all(piece.startswith(NAMES) for piece in pieces[1:])
    assert not any(piece.startswith("b") for piece in pieces[1:])


def test_without_tokens_a_text_is_one_piece() -> None:
    assert Cuts(()).pieces("a <|b|> c") == ["a <|b|> c"]
    assert Cuts(("<|b|>",)).pieces("") == [""]


def added(**habits: bool) -> AddedToken:
    return AddedToken("<|odd|>", **{"normalized": False, **habits})


def test_tokens_that_look_at_what_stands_before_them_leave_no_cuts() -> None:
    plain = AddedToken("<|plain|>", normalized=False)
    assert Cuts.of([plain, added()]).tokens == {"<|plain|>", "<|odd|>"}
    assert Cuts.of([plain, added(rstrip=True)]).tokens == {"<|plain|>", "<|odd|>"}
    assert Cuts.of([plain, added(lstrip=True)]).tokens == set()
    assert Cuts.of([plain, added(single_word=True)]).tokens == set()
    assert Cuts.of([plain, added(normalized=True)]).tokens == {"<|plain|>"}


@settings(quick)
@given(st.lists(st.sampled_from(("<|im_start|>", "<|odd|>", "<|spaced|>", " ", "a", "\n", "é"))).map("".join))
def test_pieces_are_read_as_the_whole(text: str) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens([added(rstrip=True), AddedToken("<|spaced|>", normalized=True, lstrip=True)])
    reader = TokenReader(tokenizer)
    assert len(reader.pieces("a<|odd|>b")) == 2
    assert [i for piece in reader.pieces(text) for i in reader.piece_ids(piece)] == reader.encode(text)
