"""Scores are what their definitions say, in English and in Chinese."""

from __future__ import annotations

import pytest

from conch.evaluation.scores import bleu_4, is_json, mostly_east, repetition, rouge_l, rouge_n, score, tokens


def test_tokens_are_words_and_characters() -> None:
    assert tokens("Hello, 世界 GPT-4!") == ["hello", "世", "界", "gpt", "4"]


def test_the_same_text_scores_full() -> None:
    for text in ("I am the magic conch of this house.", "我是神奇海螺，这家店的助手。"):
        found = score([text], [text])
        full = ("bleu", "bleu-4", "chrf", "rouge-1", "rouge-2", "rouge-l", "exact_match", "f1")
        assert {name: found[name] for name in full} == dict.fromkeys(full, pytest.approx(100.0))
        assert found["repetition"] == 0
        assert found["length_ratio"] == 1


def test_nothing_in_common_scores_nothing() -> None:
    found = score(["海螺"], ["完全无关"])
    assert found["rouge-1"] == found["rouge-l"] == found["bleu-4"] == found["exact_match"] == 0


def test_rouge_by_hand() -> None:
    predicted, wanted = tokens("the cat sat on the mat"), tokens("the cat was on a mat")
    assert rouge_n(predicted, wanted, 1) == pytest.approx(100 * 2 * 4 / 12)
    assert rouge_n(predicted, wanted, 2) == pytest.approx(100 * 2 * 1 / 10)
    assert rouge_l(predicted, wanted) == pytest.approx(100 * 2 * 4 / 12)
    assert rouge_n([], [], 2) == 100
    assert rouge_l(["a"], []) == 0


def test_rouge_of_chinese_sees_order() -> None:
    wanted = tokens("我是神奇海螺")
    assert rouge_l(tokens("神奇海螺是我"), wanted) < rouge_n(tokens("神奇海螺是我"), wanted, 1) == 100


def test_bleu_4_agrees_with_a_library() -> None:
    """The figures are nltk's, sentence_bleu over characters with its smoothing method 3."""
    assert bleu_4("abcdefgh", "abcdefgh") == pytest.approx(100.0)
    assert bleu_4("abcx", "abcy") == pytest.approx(100 * (3 / 4 * 2 / 3 * 1 / 2 * 1 / 2) ** 0.25)
    assert bleu_4("ab", "abcd") < bleu_4("abc", "abcd")  # the brevity penalty
    assert bleu_4("", "x") == 0


def test_json_is_recognised_in_a_code_block() -> None:
    assert is_json('```json\n{"a": [1]}\n```')
    assert is_json("[1, 2]")
    assert not is_json("12")
    assert not is_json('{"a": ')
    assert score(['{"a": 1}', "no"], ['{"a": 2}', '{"b": 1}'])["json_valid"] == 50


def test_repetition_is_the_share_said_before() -> None:
    assert repetition(tokens("a b c d e f g")) == 0
    assert repetition(tokens("one two three four " * 10)) > 80


def test_the_language_chooses_the_tokenizer() -> None:
    assert mostly_east(["我是 conch，你好"])
    assert not mostly_east(["I am 海螺, the conch of this house"])


def test_no_rows_no_scores() -> None:
    assert score([], []) == {}
