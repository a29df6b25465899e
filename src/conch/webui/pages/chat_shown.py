"""How a conversation looks."""

from __future__ import annotations

from typing import Any

from conch.core.text import tr
from conch.webui import choices, parts
from conch.webui.markdown import as_html
from conch.webui.talks import GOING, Answer, Talk, Turn


def talk(found: Talk) -> str:
    if not found.turns:
        return parts.empty(tr("studio.chat.empty"), tr("studio.chat.empty_what"))
    sides = max(len(turn.answers) for turn in found.turns)
    names = [choices.name_of(model) for model in found.settings.models]
    heads = ""
    if sides > 1:
        cells = "".join(f"<div>{parts.safe(name)}</div>" for name in names)
        heads = f"<div class='sides heads'>{cells}</div>"
    turns = "".join(_turn(at, turn, names) for at, turn in enumerate(found.turns))
    return f"<div class='talk sides-{sides}'>{heads}{turns}</div>"


def _turn(at: int, turn: Turn, names: list[str]) -> str:
    edit = parts.button(tr("studio.chat.edit"), "edit", str(at))
    said = f"<div class='spoken plain'>{parts.safe(turn.asked)}</div>"
    asked = f"<div class='asked'>{said}{parts.buttons(edit)}</div>"
    answers = "".join(
        _answer(f"{at}.{side}", answer, names[side] if side < len(names) else "", at)
        for side, answer in enumerate(turn.answers)
    )
    return f"<div class='turn'>{asked}<div class='sides'>{answers}</div></div>"


def _answer(key: str, answer: Answer, name: str, at: int) -> str:
    going = answer.state in GOING
    inner = _thought(answer)
    if answer.said:
        inner += f"<div class='spoken'>{as_html(answer.said)}</div>"
    if answer.state == "waiting":
        waits = answer.note or tr("studio.chat.waiting")
        inner += f"<div class='small waits'>{parts.safe(waits)}</div>"
    if answer.state == "failed":
        inner += parts.note(
            parts.Html(f"<b>{parts.safe(answer.note)}</b><br>{parts.safe(answer.hint)}"), "bad"
        )
    does = [] if going else [
        parts.button(tr("studio.chat.retry"), "retry", str(at)),
        *([parts.button(tr("studio.chat.edit"), "edit", key)] if answer.said else []),
    ]  # fmt: skip
    cost = f"<span class='small'>{parts.safe(_cost(answer))}</span>"
    foot = f"<div class='foot'>{cost}{parts.buttons(*does)}</div>"
    label = f"<div class='small who'>{parts.safe(name)}</div>"
    return f"<div class='reply {'going' if going else ''}'>{label}{inner}{foot}</div>"


def _thought(answer: Answer) -> str:
    if not answer.thought:
        return ""
    still = answer.state == "writing" and not answer.said
    title = tr("studio.chat.thinks" if still else "studio.chat.thought")
    return (
        f"<details class='thought' {'open' if still else ''}><summary>{parts.safe(title)}</summary>"
        f"<div class='spoken'>{as_html(answer.thought)}</div></details>"
    )


def _cost(answer: Answer) -> str:
    """How it ended, and what it took."""
    told = []
    if answer.state in {"cut", "stopped"}:
        told.append(tr(f"studio.chat.state.{answer.state}"))
    if answer.edited:
        told.append(tr("studio.chat.state.edited"))
    if answer.tokens:
        speed = answer.tokens / max(answer.seconds, 1e-3)
        told.append(tr("studio.chat.cost", tokens=answer.tokens, speed=f"{speed:.0f}"))
    return " · ".join(told)


def editing(edit: Any) -> str:
    """That what is typed takes the place of a message."""
    if not edit:
        return ""
    key = "studio.chat.editing_answer" if edit["side"] is not None else "studio.chat.editing"
    leave = parts.button(tr("studio.cancel"), "leave")
    return parts.note(parts.Html(f"{parts.safe(tr(key))} {leave}"))
