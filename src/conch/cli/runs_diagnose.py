"""`conch runs diagnose`: what the curve means, and the follow-up run that would mend it."""

from __future__ import annotations

import click

from conch.cli.common import json_option
from conch.cli.group import Command
from conch.cli.layout import fold
from conch.cli.output import emit, say
from conch.core.text import tr


@click.command("diagnose", cls=Command, help=tr("cli.runs.diagnose"))
@click.argument("name", metavar="RUN")
@json_option
def diagnose_command(name: str, as_json: bool) -> None:
    from conch.runs import find
    from conch.runs.diagnosis import diagnose

    run = find(name)
    findings = diagnose(run)
    if as_json:
        emit({"id": run.id, "findings": [finding.to_dict() for finding in findings]})
        return
    if not findings:
        say(tr("cli.runs.nothing_wrong", run=run.id))
    for finding in findings:
        say(tr("cli.aside", text=finding.key, aside=tr(f"cli.runs.confidence.{finding.confidence}")))
        say(fold(f"  {finding.message}", 2))
        if finding.change:
            say(tr("cli.runs.apply", run=run.id, key=finding.key))
