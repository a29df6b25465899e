"""How jobs look: what all of them have in common."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from conch.core.text import tr
from conch.webui import parts
from conch.webui.jobs import Job, State

KINDS: dict[State, str] = {"working": "busy", "done": "good", "failed": "bad", "stopped": "", "lost": "bad"}


def tag(state: State) -> parts.Html:
    return parts.tag(tr(f"studio.job.{state}"), KINDS[state])


def head(title: str, state: parts.Html, job: Job, *does: parts.Html) -> str:
    begun = time.strftime("%m-%d %H:%M", time.localtime(job.created))
    about = f"<span class='small'>{begun}</span>"
    name = f"<h3 class='job-title'>{parts.safe(title)} {state} {about}</h3>"
    return f"<div class='runhead'>{name}{parts.buttons(*does)}</div>"


def card(job: Job, *inner: str) -> str:
    return f"<div class='card job' data-job='{job.id}'>{''.join(inner)}</div>"


def trouble(job: Job, state: State) -> str:
    """Why it failed, in the command's own words."""
    if state == "failed":
        message, hint = job.problem()
        lines = "<br>".join(parts.safe(line) for line in f"{message}\n{hint}".strip().splitlines())
        return parts.note(parts.Html(lines), "bad")
    if state == "lost":
        last = "<br>".join(map(parts.safe, job.lines()[-4:]))
        return parts.note(parts.Html(f"<b>{parts.safe(tr('studio.job.lost_why'))}</b><br>{last}"), "bad")
    return ""


def going(job: Job) -> str:
    """The newest of what it told."""
    line = next(reversed(job.lines()), "") or tr("studio.job.begins")
    return f"<div class='small waits'>{parts.safe(line)}</div>"


def leaving(job: Job, state: State) -> parts.Html:
    if state == "working":
        return parts.button(tr("studio.job.stop"), "stop", job.id)
    return parts.button(tr("studio.job.forget"), "forget", job.id)


def command(job: Job) -> str:
    """The same in the shell."""
    title = f"<summary>{parts.safe(tr('studio.job.command'))}</summary>"
    return f"<details class='more'>{title}{parts.shell(job.command)}</details>"


def sight(found: Sequence[Job]) -> str:
    """What changes when there is something new to draw."""
    return json.dumps([(job.id, job.state(), bool(job.told()), job.lines()[-1:]) for job in found])


def redrawn(found: Sequence[Job], seen: str, draw: Callable[[], Any], nothing: Any) -> tuple[Any, str]:
    """The drawing where it differs from what was `seen`, and what is seen now."""
    now = sight(found)
    return (nothing if now == seen else draw(), now)
