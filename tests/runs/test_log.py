"""The event log: whole lines after any crash, and followers that miss nothing and see nothing twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conch.core.events import Event, Finished, Metrics, Phase, Queued, Sample
from conch.runs.follow import TAIL, follow, read_events, read_last
from conch.runs.log import EventLog
from tests.properties import quick, texts


def ticking() -> Iterator[float]:
    """A clock that goes on by a second with each look."""
    moment = 1000.0
    while True:
        yield moment
        moment += 1


def log_in(folder: Path) -> EventLog:
    clock = ticking()
    return EventLog(folder / "events.jsonl", lambda: next(clock))


def samples(log: EventLog, count: int) -> list[Event]:
    return [log.write(Sample, step=i, prompt="a\nb\u2028", answer="海螺 \U0001f41a") for i in range(count)]


# writing


def test_each_event_is_one_line_with_time_and_kind(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    log.write(Queued)
    log.write(Metrics, step=3, loss=0.5)
    lines = log.path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"t": 1000.0, "kind": "queued"},
        {"t": 1001.0, "kind": "metrics", "step": 3, "loss": 0.5},
    ]


def test_what_is_written_is_returned_and_read_back(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    assert read_events(log.path) == []
    written = samples(log, 5)
    assert read_events(log.path) == written


def test_no_event_is_written_that_json_cannot_hold(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    with pytest.raises(ValueError, match="JSON"):
        log.write(Metrics, step=1, loss=float("nan"))
    assert not log.path.exists()


def test_paths_may_be_told(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    log.write(Phase, name="saving", facts={"folder": tmp_path})
    (event,) = read_events(log.path)
    assert isinstance(event, Phase)
    assert event.facts == {"folder": str(tmp_path)}


torn = st.integers(0, 60)


@settings(quick, max_examples=25)
@given(st.lists(torn, min_size=1, max_size=4))
def test_events_stay_whole_after_lines_that_a_crash_cut_short(tmp_path: Path, cuts: list[int]) -> None:
    log = log_in(tmp_path)
    log.path.unlink(missing_ok=True)
    written: list[Event] = []
    for cut in cuts:
        written += samples(log, 2)
        line = json.dumps(Sample(t=0.0, step=9, prompt="torn", answer="海" * 9).to_dict()).encode()
        with log.path.open("ab") as file:
            file.write(line[:cut])
    written += samples(log, 1)
    assert read_events(log.path) == written
    assert list(followed(log.path, 0)) == written


def test_every_cut_of_a_log_reads_as_its_whole_lines(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    written = samples(log, 2)
    data = log.path.read_bytes()
    for size in range(len(data) + 1):
        log.path.write_bytes(data[:size])
        whole = data[:size].count(b"\n")
        found = read_events(log.path)
        assert found[:whole] == written[:whole]
        assert len(found) - whole in {0, 1}, "at most a last line that lacks nothing but its end"
        assert list(followed(log.path, 0)) == written[:whole]


def test_lines_of_other_programs_are_passed_over(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    log.path.write_bytes(b'\n\x00\xff\n[1]\n"text"\n{"kind": ["odd"]}\n{"t": 1, "kind": "later"}\n')
    event = log.write(Queued)
    assert read_events(log.path) == [event]


@pytest.mark.parametrize("size", [0, 1, 3])
def test_the_newest_event_is_found_from_the_end(tmp_path: Path, size: int) -> None:
    log = log_in(tmp_path)
    assert read_last(log.path, Event) is None
    finished = log.write(Finished, step=1, train_seconds=1.0, tokens=1, tokens_per_second=1.0)
    newest = samples(log, size)
    assert read_last(log.path, Event) == [finished, *newest][-1]
    assert read_last(log.path, Finished) == finished
    assert read_last(log.path, Queued) is None


def test_a_long_log_is_not_read_whole(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    log.write(Queued)
    log.path.write_bytes(log.path.read_bytes() + b"x" * 2 * TAIL)
    last = log.write(Phase, name="training")
    assert read_last(log.path, Event) == last
    assert read_last(log.path, Queued) is None


# following


def followed(path: Path, offset: int) -> Iterator[Event]:
    """Everything from `offset` on that is there now."""
    return (event for event in follow(path, offset, ended=lambda: True) if event is not None)


def test_following_from_any_offset_gives_exactly_the_rest(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    written = samples(log, 4)
    data = log.path.read_bytes()
    for offset in range(len(data) + 2):
        whole = data[offset:].count(b"\n")
        starts_a_line = offset == 0 or data[offset - 1 : offset] == b"\n"
        expected = written[len(written) - whole :] if starts_a_line else written[len(written) - whole + 1 :]
        assert list(followed(log.path, offset)) == (expected if whole else [])


def test_following_what_is_not_there_yet(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    news = follow(log.path, pause=0)
    assert [next(news), next(news)] == [None, None]
    first = log.write(Queued)
    assert next(news) == first
    assert next(news) is None


def test_half_a_line_is_waited_for(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    event = log.write(Queued)
    line = log.path.read_bytes()
    log.path.write_bytes(line[:10])
    news = follow(log.path, pause=0)
    assert next(news) is None
    log.path.write_bytes(line)
    assert next(news) == event


def test_the_end_comes_after_everything_written_by_then(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    ended = False
    news = follow(log.path, ended=lambda: ended, pause=0)
    first = log.write(Queued)
    assert [next(news), next(news)] == [first, None]
    second = log.write(Phase, name="training")
    ended = True
    assert list(news) == [second]


def test_what_is_written_while_the_end_is_noticed_is_given(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    late: list[Event] = []

    def ended() -> bool:
        late.append(log.write(Queued))
        return True

    assert list(follow(log.path, ended=ended, pause=0)) == late
    assert len(late) == 1


@settings(quick, max_examples=10)
@given(st.lists(texts, min_size=1, max_size=30))
def test_a_writer_and_readers_at_the_same_time(tmp_path: Path, words: list[str]) -> None:
    log = log_in(tmp_path)
    log.path.unlink(missing_ok=True)
    written: list[Event] = []
    done = threading.Event()

    def write() -> None:
        written.extend(
            log.write(Sample, step=i, prompt=word, answer=word * 50) for i, word in enumerate(words)
        )
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = [event for event in follow(log.path, ended=done.is_set, pause=0) if event is not None]
    writer.join()
    assert seen == written


def test_readers_do_not_disturb_one_another(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    written = samples(log, 3)
    readers = [follow(log.path, pause=0) for _ in range(3)]
    assert [list(islice(reader, 3)) for reader in readers] == [written] * 3
