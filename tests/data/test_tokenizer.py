"""The tokenizer's core is asked only where it tells what transformers tells."""

from __future__ import annotations

import pytest

from conch.data.tokenizer import TokenReader
from tests.tiny import tiny_tokenizer

TEXT = "<|im_start|>user\nDon 't say it , 海螺 !<|im_end|>"


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("tidies", [True, False])
def test_text_is_what_transformers_decodes(special, tidies):
    tokenizer = tiny_tokenizer()
    tokenizer.clean_up_tokenization_spaces = tidies
    tokens = tokenizer.encode(TEXT, add_special_tokens=False)
    assert TokenReader(tokenizer).text(tokens, special=special) == tokenizer.decode(
        tokens, skip_special_tokens=not special
    )


def test_ids_are_what_transformers_encodes():
    tokenizer = tiny_tokenizer()
    reader = TokenReader(tokenizer)
    assert reader.read(TEXT) == reader.encode(TEXT) == tokenizer.encode(TEXT, add_special_tokens=False)
