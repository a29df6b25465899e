"""Rows come back from their bytes as they were."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch.core.conversation import Conversation, Document, Message, Origin, Preference, ToolCall
from conch.data.kept_rows import packed, unpacked
from tests.properties import quick, texts

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(texts, json_values, max_size=3)
maybe = st.none() | texts
origins = st.none() | st.builds(Origin, texts, st.integers(1))
calls = st.builds(ToolCall, texts, objects, maybe)
messages = st.builds(
    Message,
    st.sampled_from(("system", "user", "assistant", "tool")),
    texts,
    st.booleans(),
    st.lists(calls, max_size=2).map(tuple),
    maybe,
    maybe,
)
conversations = st.builds(
    Conversation, st.lists(messages, max_size=4).map(tuple), st.lists(objects, max_size=2).map(tuple), origins
)


@settings(quick)
@given(conversations | st.builds(Document, texts, origins))
def test_rows_come_back_as_they_were(row: Conversation | Document) -> None:
    kept = packed(row)
    assert isinstance(kept, bytes)
    assert unpacked(kept) == row


@pytest.mark.parametrize(
    "row",
    [
        Preference(Conversation.of(("user", "a")), Message("assistant", "b"), Message("assistant", "c")),
        Conversation.of(("user", "\ud800")),
        Conversation((), ({"since": datetime.date(2020, 1, 1)},)),
    ],
    ids=["pair", "half a letter", "date"],
)
def test_what_cannot_be_packed_stays(row: Any) -> None:
    assert unpacked(packed(row)) == row
