"""Thoughts: text between <think> and </think>.

One rule for them, the same in training, chat and serving:

1. `thinking` (the key `enable_thinking`) is handed to a template that asks for such a switch.
   Unset, the template does what it does by itself.
2. A thought in an answer is trained in its own turn, also where the template leaves it out. In
   the history it stands, or doesn't, as the template writes it.
3. An answer without a thought is trained as the template writes it, its empty thought included.
   Where the prompt itself opens a thought (R1-style), the answer first closes it: "\\n</think>\\n\\n".
4. With thinking off, answers have no thoughts: those of the data are cut out, and a thought that
   the prompt opens is closed by the prompt, so that an empty thought is given and not trained.
"""

from __future__ import annotations

import re

OPEN, CLOSE = "<think>", "</think>"
_SWITCHES = {
    name: re.compile(rf"(?<![\w.]){name}\s+is\s+(not\s+)?defined") for name in ("enable_thinking", "thinking")
}
"""What templates call the switch for thoughts, and how one that asks for it can be told."""


def switches_of(source: str) -> list[str]:
    """The switches that a template asks for."""
    return [name for name, form in _SWITCHES.items() if form.search(source)]


def split_thought(content: str) -> tuple[str, str]:
    """A content as its thought, with its marks and the space behind, and what is said."""
    content = content.strip()
    place = content.rfind(CLOSE)
    if place < 0:
        return "", content
    said = content[place + len(CLOSE) :].lstrip()
    return content[: len(content) - len(said)], said


def opens_thought(prompt: str) -> bool:
    return prompt.rstrip().endswith(OPEN)


def before_thought(prompt: str) -> str:
    return prompt.rstrip().removesuffix(OPEN) if opens_thought(prompt) else prompt


def closing(prompt: str) -> str:
    """What makes the thought that a prompt opens an empty one."""
    return f"{'' if prompt.endswith(chr(10)) else chr(10)}\n{CLOSE}\n\n"


def continued(prompt: str, answer: str) -> str:
    """An answer behind a prompt that may have opened its thought already."""
    if not opens_thought(prompt):
        return answer
    if CLOSE not in answer:
        return closing(prompt) + answer
    answer = answer.removeprefix(OPEN)
    return answer.lstrip("\n") if prompt.endswith("\n") else answer
