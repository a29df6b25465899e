"""Many lines are parsed at once; what they hold is what each holds by itself."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from conch.core.events import Metrics
from conch.runs.follow import objects, parse, parse_all

METRIC = json.dumps({"t": 1.0, "kind": "metrics", "step": 3, "loss": 0.5}).encode()
ODD = (
    METRIC,
    METRIC[:20],
    METRIC[20:],
    b"",
    b"  ",
    b"3",
    b"[1]",
    b"null",
    b'"a"',
    b"\xff",
    b"{}",
    b"1,2",
    b"]",
)


@given(st.lists(st.sampled_from(ODD), max_size=6))
def test_lines_parsed_at_once_are_what_each_is(lines: list[bytes]) -> None:
    assert parse_all(lines) == [event for line in lines if (event := parse(line)) is not None]


def test_a_line_that_was_cut_takes_no_other_with_it() -> None:
    assert parse_all([METRIC, METRIC[:20], METRIC]) == [Metrics(t=1.0, step=3, loss=0.5)] * 2
    assert objects([METRIC, METRIC[:20]]) == [json.loads(METRIC)]
