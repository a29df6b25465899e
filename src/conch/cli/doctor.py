"""`conch doctor`: what this machine is like, and what to mend."""

from __future__ import annotations

import click

from conch.cli.common import json_option
from conch.cli.group import Command
from conch.cli.output import emit, say
from conch.core.text import tr

STYLES = {"ok": "green", "note": "yellow", "fix": "red"}


@click.command(cls=Command, help=tr("cli.doctor"))
@click.option("--network", is_flag=True, help=tr("cli.doctor.network"))
@json_option
def command(network: bool, as_json: bool) -> int:
    from conch.core import env
    from conch.models.doctor import examine

    findings = []
    for finding in examine(env.home(), ask_network=network):
        findings.append(finding)
        if not as_json:
            grade = click.style(tr(f"doctor.graded_{finding.grade}"), fg=STYLES[finding.grade])
            say(f"{grade}  {finding.message}")
            if finding.remedy:
                say(tr("cli.hint", hint=finding.remedy))
    count = sum(finding.grade == "fix" for finding in findings)
    if as_json:
        emit({"healthy": count == 0, "findings": [finding.to_dict() for finding in findings]})
    else:
        say(tr("doctor.to_fix", count=count) if count else tr("doctor.healthy"))
    return 1 if count else 0
