"""A vocabulary of numbers: for files that only we read, whose tokens are ours to write and to read.

llama.cpp's server keeps tokens back that are half a character, and then never tells which they
were; and it ends answers at tokens that it takes for ends. With a text of its own for each token,
and no end, it hands on every token as it comes.
"""

from __future__ import annotations

from typing import Any

from conch.core.notice import Notice

NORMAL = 1


class Bare:
    """Tokens that read as their numbers. Such a file is of no use elsewhere."""

    def write(self, writer: Any, rows: int) -> None:
        writer.add_tokenizer_model("rwkv")  # the one kind that begins and ends nothing by itself
        writer.add_token_list([f"{number}," for number in range(rows)])
        writer.add_token_types([NORMAL] * rows)

    def notices(self) -> tuple[Notice, ...]:
        return ()

    def strips_like_phi3(self) -> bool:
        return False
