"""Answers read piece by piece mean what they mean in one piece."""

from __future__ import annotations

import pytest

from conch.inference.calls import CallWriting
from conch.inference.reading import AnswerReader, CallReader, ThoughtReader

QWEN = CallWriting("<tool_call>\n", "\n</tool_call>", "name", "arguments")
MISTRAL = CallWriting("[TOOL_CALLS] [", "]", "name", "arguments", special=True)
LLAMA = CallWriting("", "", "name", "parameters")


def call(name: str, arguments: str, key: str = "arguments") -> str:
    return f'{{"name": "{name}", "{key}": {arguments}}}'


def meaning(text: str, writing: CallWriting | None, size: int, *, inside=False, begun=False, single=False):
    """(thought, said, calls) of a text that comes in pieces of `size` letters."""
    calls = CallReader(writing, {"add", "look"}, begun=begun, single=single) if writing else None
    reader = AnswerReader(ThoughtReader(inside), calls)
    thought, said, made = "", "", []
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    for piece in [*pieces, None]:
        for fragment in reader.push(piece or "", last=piece is None):
            if fragment.kind == "thought":
                thought += fragment.text
            elif fragment.kind == "said":
                said += fragment.text
            elif fragment.kind == "call":
                assert fragment.call == len(made)
                made.append([fragment.text, ""])
            else:
                made[fragment.call][1] += fragment.text
    return thought, said, [tuple(one) for one in made]


ONE, HARD, CUT, DEEP = '{"a": 1}', '{"a": "}\\" {"}', '{"a": [1', '{"a": {"b": 2}}'
SIZES = [1, 2, 3, 5, 8, 1000]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("text", "inside", "expected"),
    [
        ("Hello  there\n", False, ("", "Hello  there\n")),
        ("\n Hello", False, ("", "\n Hello")),
        ("<think>\nWhy? \n</think>\n\nSo.", False, ("Why?", "So.")),
        ("<think></think>So.", False, ("", "So.")),
        ("<think>\n\n</think>\n\nSo.", False, ("", "So.")),
        ("Why?\n</think>\n\nSo.", True, ("Why?", "So.")),
        ("Why is", True, ("Why is", "")),
        ("<think>Why a < b </thin", False, ("Why a < b </thin", "")),
        ("<thin air", False, ("", "<thin air")),
        ("So <think>x</think>", False, ("", "So <think>x</think>")),
        ("", False, ("", "")),
        ("  ", False, ("", "  ")),
    ],
)
def test_thoughts(text, inside, expected, size):
    assert meaning(text, None, size, inside=inside)[:2] == expected


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("writing", "text", "said", "calls"),
    [
        (QWEN, "Just text, a < b.", "Just text, a < b.", []),
        (QWEN, f"<tool_call>\n{call('add', ONE)}\n</tool_call>", "", [("add", ONE)]),
        (
            QWEN,
            f"Well.\n<tool_call>\n{call('add', HARD)}\n</tool_call>\n<tool_call>\n"
            f"{call('look', '{}')}\n</tool_call>",
            "Well.",
            [("add", HARD), ("look", "{}")],
        ),
        (QWEN, f"<tool_call>\n{call('add', '{}')}\n</tool_call> Done.", "Done.", [("add", "{}")]),
        (
            QWEN,
            f"<tool_call>\n{call('rob', '{}')}\n</tool_call>",
            f"<tool_call>\n{call('rob', '{}')}\n</tool_call>",
            [],
        ),
        (QWEN, '<tool_call>\n{"name": "add", "argu', '<tool_call>\n{"name": "add", "argu', []),
        (QWEN, "<tool_call> is a mark", "<tool_call> is a mark", []),
        (QWEN, f"<tool_call>{call('add', CUT)[:-1]}", "", [("add", CUT)]),
        (
            MISTRAL,
            f"[TOOL_CALLS] [{call('add', ONE)}, {call('look', '{}')}]",
            "",
            [("add", ONE), ("look", "{}")],
        ),
        (LLAMA, call("add", DEEP, "parameters"), "", [("add", DEEP)]),
        (LLAMA, '{"a": 1} is JSON', '{"a": 1} is JSON', []),
        (LLAMA, f"Say {call('add', '{}', 'parameters')}", f"Say {call('add', '{}', 'parameters')}", []),
        (LLAMA, "Hello", "Hello", []),
    ],
)
def test_calls(writing, text, said, calls, size):
    assert meaning(text, writing, size) == ("", said, calls)


@pytest.mark.parametrize("size", SIZES)
def test_an_answer_that_was_begun_as_a_call(size):
    text = call("add", ONE)
    assert meaning(text, QWEN, size, begun=True) == ("", "", [("add", ONE)])
    assert meaning(call("add", "{}", "parameters"), LLAMA, size, begun=True)[2] == [("add", "{}")]


@pytest.mark.parametrize("size", SIZES)
def test_only_the_first_of_several_calls(size):
    text = f"<tool_call>\n{call('add', '{}')}\n</tool_call>\n<tool_call>\n{call('look', '{}')}\n</tool_call>"
    assert meaning(text, QWEN, size, single=True) == ("", "", [("add", "{}")])


@pytest.mark.parametrize("size", SIZES)
def test_thoughts_then_calls(size):
    text = f"<think>\nHm\n</think>\n\n<tool_call>\n{call('look', '{}')}\n</tool_call>"
    assert meaning(text, QWEN, size) == ("Hm", "", [("look", "{}")])
