"""What is asked of a model's tokenizer, and text read with it as quickly as it can be."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, Protocol

from conch.core.errors import ModelError
from conch.data.cuts import Cuts

_SAMPLE = " The magic conch:\n\n 1.  海螺 é😀<|x|>\tdon't\n"
"""Text in which tokenizers differ."""
_PIECES = 1024
"""How many pieces of text are remembered with their ids: more than a conversation has turns."""


class Tokenizer(Protocol):
    """What is asked of a transformers tokenizer here."""

    chat_template: str | dict[str, str] | None
    eos_token_id: int | None
    all_special_ids: list[int]
    added_tokens_decoder: dict[int, Any]
    """Every token outside of the ordinary vocabulary; some models list theirs here only."""

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any: ...
    def encode(self, text: str, **options: Any) -> list[int]: ...
    def decode(self, token_ids: Any, **options: Any) -> Any: ...
    def convert_ids_to_tokens(self, ids: Any) -> Any: ...
    def __len__(self) -> int: ...


class TokenReader:
    """Reads text as it stands: nothing is added to it, in front or behind."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, by transformers' own way."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def read(self, text: str) -> list[int]:
        """The same ids, from the tokenizer's own core where it has one: half again as fast."""
        if self._core is None:
            return self.encode(text)
        ids: list[int] = self._core.encode_batch_fast([text], add_special_tokens=False)[0].ids
        return ids

    def text(self, tokens: list[int], *, special: bool = False) -> str:
        """What `tokens` read, with special tokens or without, as transformers tells it, but sooner."""
        if self._writer is None:
            return str(self.tokenizer.decode(tokens, skip_special_tokens=not special))
        return str(self._writer.decode(tokens, skip_special_tokens=not special))

    def reset(self) -> None:
        """Undo what somebody may have asked of the core, as transformers does before each text."""
        if self._core is not None:
            self._core.no_truncation()
            self._core.no_padding()

    def pieces(self, text: str) -> list[str]:
        """`text` in pieces whose ids, one after another, are those of the whole."""
        return self._cuts.pieces(text) if self._core is not None else [text]

    @cached_property
    def piece_ids(self) -> Callable[[str], list[int]]:
        """Ids of a piece, the latest remembered: turns come again as history, system texts in each row."""
        return lru_cache(_PIECES)(self.read)

    @cached_property
    def _cuts(self) -> Cuts:
        return Cuts.of(self.tokenizer.added_tokens_decoder.values())

    @cached_property
    def size(self) -> int:
        """How many tokens there are, added ones included."""
        return len(self.tokenizer)

    @cached_property
    def start(self) -> list[int]:
        """The beginning-of-text token, where the tokenizer begins raw text with one."""
        beginning = getattr(self.tokenizer, "bos_token_id", None)
        made = list(self.tokenizer.encode("", add_special_tokens=True))
        return made[:1] if beginning is not None and made[:1] == [beginning] else []

    @cached_property
    def _core(self) -> Any:
        """The core without transformers around it; None where it doesn't give the same ids."""
        core: Any = getattr(self.tokenizer, "backend_tokenizer", None)
        if not hasattr(core, "encode_batch_fast"):
            return None
        same = self.encode(_SAMPLE) == core.encode_batch_fast([_SAMPLE], add_special_tokens=False)[0].ids
        return core if same else None

    @cached_property
    def _writer(self) -> Any:
        """The core, where transformers gives the text as it comes from there; None where it changes it."""
        if self._core is None or getattr(self.tokenizer, "clean_up_tokenization_spaces", True):
            return None
        tokens = [*self.encode(_SAMPLE), *self.tokenizer.all_special_ids]
        same = all(
            self.tokenizer.decode(tokens, skip_special_tokens=skip)
            == self._core.decode(tokens, skip_special_tokens=skip)
            for skip in (True, False)
        )
        return self._core if same else None


def text_of(tokenizer: Tokenizer, token: int) -> str:
    """How a special token is written."""
    return str(tokenizer.convert_ids_to_tokens(token))


def end_of_text(tokenizer: Tokenizer) -> int:
    """The token that ends a text. Raises ModelError where there is none."""
    if tokenizer.eos_token_id is None:
        raise ModelError("models.no_end_of_turn")
    return int(tokenizer.eos_token_id)
