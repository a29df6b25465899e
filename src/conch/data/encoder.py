"""Prompts and answers → token ids."""

from __future__ import annotations

from conch.data.tokenizer import TokenReader, text_of


class Encoder:
    """Token ids of texts that grow, as the turns of a conversation do, without reading all of them again.

    Tokenizers take special tokens out of a text before anything else, so what stands before one
    is not changed by what stands behind it.
    """

    def __init__(self, reader: TokenReader, end_of_turn: int) -> None:
        self._reader = reader
        self._end_of_turn = end_of_turn
        reader.reset()
        self._text = ""
        self._ids: list[int] = []
        """Of the text before the last special token."""

    def turn(self, prompt: str, answer: str) -> tuple[list[int], list[int]]:
        """Token ids of a prompt, and of the answer behind it with the end-of-turn token."""
        prompt_ids = self.ids(prompt)
        together = self.ids(prompt + answer)
        # Tokenisers that mark word starts read the answer rightly only behind its prompt; where
        # a token would straddle the border, inference could never produce it, so it is split.
        kept = together[: len(prompt_ids)] == prompt_ids
        answer_ids = together[len(prompt_ids) :] if kept else self._reader.read(answer)
        return prompt_ids, [*answer_ids, self._end_of_turn]

    def ids(self, text: str) -> list[int]:
        grown = bool(self._text) and text.startswith(self._text)
        before, rest = (self._ids, text[len(self._text) :]) if grown else ([], text)
        ids = [*before, *self._reader.read(rest)]
        self._remember(text, ids)
        return ids

    def _remember(self, text: str, ids: list[int]) -> None:
        special = self._reader.special_ids
        last = next((i for i in range(len(ids) - 1, 0, -1) if ids[i] in special), 0)
        place = text.rfind(text_of(self._reader.tokenizer, ids[last])) if last else -1
        if place > 0:
            self._text, self._ids = text[:place], ids[:last]
