"""Stop strings don't depend on how the text is cut into pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conch.inference.stops import StopText

LETTERS = st.text(alphabet="ab中", max_size=12)
STOPS = st.lists(st.text(alphabet="ab中", min_size=1, max_size=4), max_size=4)


def shown(pieces, stops) -> tuple[str, bool]:
    stop = StopText(stops)
    text = "".join(stop.push(piece) for piece in pieces)
    return text + stop.rest(), stop.found


@given(pieces=st.lists(LETTERS, max_size=8), stops=STOPS)
def test_pieces_do_not_matter(pieces, stops):
    whole = "".join(pieces)
    assert shown(pieces, stops) == shown([whole], stops) == shown(list(whole), stops)


@given(pieces=st.lists(LETTERS, max_size=8), stops=STOPS)
def test_the_first_complete_stop_string_ends_the_text(pieces, stops):
    whole = "".join(pieces)
    text, found = shown(pieces, stops)
    assert found == any(stop in whole for stop in stops)
    assert whole.startswith(text)
    assert not any(stop in text for stop in stops)
    if not found:
        assert text == whole


def test_nothing_comes_after_the_end():
    stop = StopText(["x"])
    assert stop.push("ax") == "a"
    assert stop.push("b") == ""
    assert stop.rest() == ""
