"""What is told about a run that has ended, or needs somebody: a line, some lines, and facts for programs."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Any

from conch.core.text import tr
from conch.runs.run import Run


@dataclass(frozen=True)
class Message:
    title: str
    text: str
    facts: dict[str, Any]

    @property
    def whole(self) -> str:
        return f"{self.title}\n{self.text}" if self.text else self.title


def message_of(run: Run) -> Message:
    """The message about `run` as it stands, in the language in use."""
    summary = run.summary()
    state = summary["state"]
    lines = [tr("notify.where", host=platform.node(), output=summary["output"])]
    figures = {name: summary["last"].get(name) for name in ("loss", "eval_loss")}
    known = {name: value for name, value in figures.items() if value is not None}
    lines += [tr(f"notify.{name}", value=f"{value:.4f}") for name, value in known.items()]
    if summary["error"]:
        lines += [summary["error"]["message"], summary["error"]["hint"]]
    lines += summary["diagnosis"]
    if summary["paused"]:
        lines += [summary["paused"]["message"], summary["paused"]["hint"]]
    named = state if state in {"finished", "stopped", "lost", "paused"} else "failed"
    facts = {
        "event": state,
        "run": summary["id"],
        "name": summary["name"],
        "host": platform.node(),
        **figures,
        "step": summary["progress"]["step"],
        "output": summary["output"],
        "error": summary["error"],
        "diagnosis": summary["diagnosis"],
    }
    return Message(tr(f"notify.{named}", name=summary["name"]), "\n".join(filter(None, lines)), facts)
