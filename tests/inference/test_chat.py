"""Messages in, text out, around any engine."""

from __future__ import annotations

import pytest

from conch.core.conversation import Message
from conch.core.errors import ServeError
from conch.data.template import ChatTemplate
from conch.inference.chat import Chat
from conch.inference.engine import Request, Sampling
from conch.inference.engines.scripted import ScriptedEngine
from tests.tiny import tiny_tokenizer

TEMPLATE = ChatTemplate.of(tiny_tokenizer())
ANSWER = "I am the magic conch 🐚, 神奇海螺。"
HELLO = [Message("user", "Who are you?")]


def chat_that_says(answer, context_length: int = 4096) -> Chat:
    def script(request: Request) -> list[int]:
        text = answer if isinstance(answer, str) else answer(request)
        return [*TEMPLATE.encode(text), TEMPLATE.end_of_turn, *TEMPLATE.encode("more")]

    return Chat(ScriptedEngine(script, context_length), TEMPLATE, TEMPLATE.stop_ids())


def test_an_answer_ends_at_the_end_of_turn():
    reply = chat_that_says(ANSWER).answer(HELLO)
    assert reply.text == ANSWER
    assert reply.finish == "stop"
    assert reply.prompt_tokens == len(TEMPLATE.prompt_ids(HELLO))
    assert reply.completion_tokens == len(TEMPLATE.encode(ANSWER))


@pytest.mark.parametrize("bound", [1, 5, 22, 23, 24, 25, 26, 500])
def test_streamed_equals_whole(bound):
    chat = chat_that_says(ANSWER)
    sampling = Sampling(max_new_tokens=bound)
    *pieces, last = chat.stream(HELLO, sampling)
    reply = chat.answer(HELLO, sampling)
    assert "".join(piece.text for piece in pieces) + last.text == reply.text
    assert (last.finish, last.prompt_tokens, last.completion_tokens) == (
        reply.finish,
        reply.prompt_tokens,
        reply.completion_tokens,
    )
    assert all(piece.text and piece.finish is None for piece in pieces)


def test_answers_keep_their_order():
    chat = chat_that_says(lambda request: f"{len(request.prompt)}")
    talks = [[Message("user", "x" * length)] for length in (30, 2, 11)]
    assert [reply.text for reply in chat.answers(talks)] == [
        str(len(TEMPLATE.prompt_ids(talk))) for talk in talks
    ]


def test_the_model_is_shown_the_template():
    request = chat_that_says("").request([Message("system", "Be kind."), *HELLO], Sampling())
    shown = TEMPLATE.tokenizer.decode(list(request.prompt))
    assert shown == (
        "<|im_start|>system\nBe kind.<|im_end|>\n"
        "<|im_start|>user\nWho are you?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert request.stop_ids == TEMPLATE.stop_ids()


def test_completions_have_no_template():
    request = chat_that_says("").completion_request("Once upon", Sampling())
    assert list(request.prompt) == TEMPLATE.encode("Once upon")


def test_a_prompt_that_does_not_fit_is_refused_with_its_numbers():
    prompt = TEMPLATE.prompt_ids(HELLO)
    with pytest.raises(ServeError, match=f"{len(prompt)} tokens.* at most {len(prompt)}"):
        chat_that_says("", len(prompt)).request(HELLO, Sampling())


def test_an_empty_prompt_is_refused():
    with pytest.raises(ServeError, match="empty"):
        chat_that_says("").completion_request("", Sampling())


def test_the_bound_is_cut_to_the_room_there_is():
    prompt = TEMPLATE.prompt_ids(HELLO)
    chat = chat_that_says(ANSWER, len(prompt) + 3)
    asked = Sampling(max_new_tokens=100, temperature=0.5, seed=4)
    assert chat.request(HELLO, asked).sampling == Sampling(max_new_tokens=3, temperature=0.5, seed=4)
    reply = chat.answer(HELLO, asked)
    assert (reply.completion_tokens, reply.finish) == (3, "length")


def test_a_stream_that_is_left_ends_the_engines_work():
    chat = chat_that_says(ANSWER)
    stream = chat.stream(HELLO)
    next(stream)
    assert chat.engine.running == 1
    stream.close()
    assert chat.engine.running == 0


def streamed(chat: Chat, *stops: str) -> tuple[str, str, int]:
    *pieces, last = chat.stream(HELLO, stops=stops)
    assert all(piece.text and piece.finish is None for piece in pieces)
    return "".join(piece.text for piece in pieces) + last.text, last.finish, last.completion_tokens


@pytest.mark.parametrize("stop", ["conch", "the magic conch", "🐚", "神", "c", "。", ANSWER])
def test_a_stop_string_ends_the_answer_and_is_never_shown(stop):
    text, finish, tokens = streamed(chat_that_says(ANSWER), "never", stop)
    assert (text, finish) == (ANSWER.partition(stop)[0], "stop")
    # what comes after the stop string is not computed
    assert tokens < len(TEMPLATE.encode(ANSWER)) or ANSWER.endswith(stop)


def test_a_stop_string_that_only_begins_is_shown():
    assert streamed(chat_that_says(ANSWER), "。and more")[0] == ANSWER


def test_a_stop_string_ends_the_engines_work():
    chat = chat_that_says(ANSWER)
    deltas = chat.stream_request(chat.request(HELLO, Sampling()), ["conch"])
    while next(deltas).finish is None:
        assert chat.engine.running == 1
    assert next(deltas, None) is None
    assert chat.engine.running == 0


def test_a_stream_of_a_request_has_one_delta_for_each_token():
    chat = chat_that_says(ANSWER)
    *deltas, last = chat.stream_request(chat.request(HELLO, Sampling()))
    assert len(deltas) == len(TEMPLATE.encode(ANSWER)) == last.completion_tokens
    assert any(not delta.text for delta in deltas)  # half a character is not shown
