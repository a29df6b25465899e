"""Which server gets a request: properties of the ranking, and what a conversation begins with."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from conch.server.fleet.choice import LETTERS, SHARE, SLACK, beginning_of, choose
from conch.server.fleet.upstream import Upstream

LOADS = st.lists(st.integers(0, 200), min_size=1, max_size=8)


def fleet(loads: list[int]) -> list[Upstream]:
    made = [Upstream(f"http://10.0.0.{number}:8000") for number in range(len(loads))]
    for upstream, load in zip(made, loads, strict=True):
        upstream.in_hand = load
    return made


@given(LOADS, st.text())
def test_nobody_gets_a_request_who_is_clearly_busier(loads: list[int], beginning: str) -> None:
    chosen = choose(fleet(loads), beginning)
    assert chosen is not None
    assert chosen.in_hand < max(min(loads) + SLACK, min(loads) * SHARE)


@given(LOADS)
def test_without_a_beginning_the_least_busy(loads: list[int]) -> None:
    chosen = choose(fleet(loads), None)
    assert chosen is not None
    assert chosen.in_hand == min(loads)


@given(st.integers(1, 8), st.text(), st.randoms())
def test_the_choice_does_not_depend_on_the_order(count: int, beginning: str, dice) -> None:
    upstreams = fleet([0] * count)
    shuffled = upstreams[:]
    dice.shuffle(shuffled)
    assert choose(upstreams, beginning) is choose(shuffled, beginning)


def test_a_server_that_leaves_moves_only_what_was_its_own() -> None:
    upstreams = fleet([0] * 5)
    before = {str(number): choose(upstreams, str(number)) for number in range(1000)}
    after = {beginning: choose(upstreams[1:], beginning) for beginning in before}
    moved = [beginning for beginning in before if before[beginning] is not after[beginning]]
    assert all(before[beginning] is upstreams[0] for beginning in moved)
    spread = Counter(id(upstream) for upstream in before.values())
    assert len(spread) == 5
    assert min(spread.values()) > 130


def test_nobody_of_none() -> None:
    assert choose([], "x") is None


def user(text: str) -> dict:
    return {"role": "user", "content": text}


SYSTEM = {"role": "system", "content": "Be kind."}
ASSISTANT = {"role": "assistant", "content": "Hello."}


def beginning(*messages: dict, **more) -> str | None:
    return beginning_of({"model": "m", "messages": list(messages), **more})


def test_all_turns_of_a_conversation_begin_alike() -> None:
    first = beginning(SYSTEM, user("a"))
    assert first is not None
    assert beginning(SYSTEM, user("a"), ASSISTANT, user("b")) == first
    assert beginning(SYSTEM, user("a"), temperature=1) == first
    assert beginning(SYSTEM, user("b")) != first
    assert beginning(user("a")) != first
    assert beginning_of({"model": "n", "messages": [SYSTEM, user("a")]}) != first


def test_a_key_of_the_clients_own_goes_before() -> None:
    assert beginning(user("a"), prompt_cache_key="k") == beginning(user("b"), prompt_cache_key="k") == "k"


def test_plain_prompts_begin_alike_up_to_a_length() -> None:
    long = "x" * LETTERS
    assert beginning_of({"prompt": long + "a"}) == beginning_of({"prompt": long + "b"})
    assert beginning_of({"prompt": "a"}) != beginning_of({"prompt": "b"})
    assert beginning_of({"prompt": [1, 2]}) == beginning_of({"prompt": [1, 2]})
    assert beginning_of({"prompt": ["a", "b"]}) == beginning_of({"prompt": "a"})


@given(
    st.dictionaries(
        st.sampled_from(["messages", "prompt", "model", "prompt_cache_key"]),
        st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda s: st.lists(s)),
    )
)
def test_whatever_clients_send_is_no_trouble(body: dict) -> None:
    told = beginning_of(body)
    assert told is None or told
    assert choose(fleet([0, 0]), told) is not None
