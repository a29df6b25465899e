"""Prompts and answers → token ids."""

from __future__ import annotations

from conch.data.tokenizer import TokenReader


class Encoder:
    """Token ids of texts that grow, as the turns of a conversation do, without reading all of them again."""

    def __init__(self, reader: TokenReader, end_of_turn: int) -> None:
        self._reader = reader
        self._end_of_turn = end_of_turn
        reader.reset()
        self._before = ""
        """The text last read, without its last piece: that may go on."""
        self._ids: list[int] = []
        """Of `_before`."""

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
        if not text.startswith(self._before):
            self._before, self._ids = "", []
        *whole, last = self._reader.pieces(text[len(self._before) :])
        for piece in whole:
            self._ids += self._reader.piece_ids(piece)
        self._before = text[: len(text) - len(last)]
        return [*self._ids, *self._reader.piece_ids(last)]
