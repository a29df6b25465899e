"""What the chat page draws, and for whom."""

from __future__ import annotations

import threading
import time
from typing import Any

from conch.webui.pages.chat import Desk
from conch.webui.talks import Answer, Talk, Turn


class Viewer:
    session_hash = "one"


def going() -> Talk:
    return Talk("0123456789abcdef", turns=[Turn("Who are you?", [Answer("I am", state="writing")])])


def test_nothing_of_the_old_talk_comes_after_a_new_one_was_begun() -> None:
    """However slowly what was drawn is sent: the next picture is asked for when the last has gone."""
    desk: Any = Desk()
    talk = desk._talks._talks.setdefault("0123456789abcdef", going())
    sent: list[str] = []
    began = threading.Event()

    def send() -> None:
        for drawn in desk.follow(talk.id, Viewer):
            began.set()
            time.sleep(0.4)
            sent.append(drawn)
            talk.version += 1

    sender = threading.Thread(target=send)
    sender.start()
    assert began.wait(10)
    sent.append(desk.begin(Viewer)[-1])
    sender.join(10)
    assert "Who are you?" in sent[0]
    assert "empty" in sent[-1]
    assert not desk._latest


def test_of_two_that_draw_for_one_page_the_later_goes_on() -> None:
    desk: Any = Desk()
    talk = desk._talks._talks.setdefault("0123456789abcdef", going())
    earlier = desk.follow(talk.id, Viewer)
    next(earlier)
    ended = threading.Thread(target=lambda: list(earlier))
    later = desk.follow(talk.id, Viewer)
    ended.start()
    assert "Who are you?" in next(later)
    ended.join(10)
    assert not ended.is_alive()
    talk.turns[-1].answers[0].state = "done"
    assert list(later) == []
    assert not desk._latest


def test_one_that_comes_while_another_waits_for_its_place_takes_that_place() -> None:
    """Of three, the second still waits for the first to leave when the third comes."""
    desk: Any = Desk()
    talk = desk._talks._talks.setdefault("0123456789abcdef", going())
    first = desk.follow(talk.id, Viewer)
    next(first)
    drawn: list[str] = []
    second = threading.Thread(target=lambda: drawn.extend(desk.follow(talk.id, Viewer)))
    holder = desk._latest[Viewer.session_hash]
    second.start()
    while desk._latest.get(Viewer.session_hash) in {holder, None}:
        time.sleep(0.01)
    third = threading.Thread(target=desk.begin, args=(Viewer,))
    third.start()
    first.close()
    second.join(10)
    third.join(10)
    assert not second.is_alive(), "nobody told it to leave"
    assert drawn == []
    assert not desk._latest
