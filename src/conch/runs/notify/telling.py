"""Telling everybody whom a run's own config names, and the run what of it went wrong."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import suppress

from conch.runs.notify.message import Message, message_of
from conch.runs.notify.sending import notify
from conch.runs.run import Run


def tell(run: Run, describe: Callable[[Run], Message] = message_of) -> None:
    """Send what `describe` says of the run to everybody whom its config names. Never raises."""
    try:
        failed = _send(run, describe)
    except Exception as error:  # the run goes its way, whoever hears of it
        traceback.print_exc()
        failed = {"-": type(error).__name__}
    for name, reason in failed.items():
        with suppress(OSError):  # a disk that takes nothing
            run.events.warn("notify.failed_to_tell", name=name, reason=reason)


def _send(run: Run, describe: Callable[[Run], Message]) -> dict[str, str]:
    names = run.flat_config().get("notify")
    if not names:
        return {}
    from conch.config.notify import NotifyConfig  # who only looks at runs needs no schema

    return notify(NotifyConfig(notify=names).notify, describe(run))
