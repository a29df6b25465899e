"""`conch options train`: every config key."""

from __future__ import annotations

from typing import Any

import click

from conch.cli.group import Command
from conch.cli.output import emit, plain, say
from conch.core.text import has, tr


@click.command(cls=Command, help=tr("cli.options"))
@click.argument("job", type=click.Choice(["train"]))
@click.option("--json", "as_json", is_flag=True, help=tr("cli.json_schema"))
def command(job: str, as_json: bool) -> None:
    from conch.config.schema import json_schema

    schema = json_schema()
    if as_json:
        emit(schema)
        return
    group = ""
    for key, entry in schema["properties"].items():
        if entry["x-group"] != group:
            group = entry["x-group"]
            say(("" if group == "model" else "\n") + click.style(tr(f"keys.group.{group}"), bold=True))
        default = entry.get("default")
        shown = "" if default in (None, [], "") else f" = {plain(default)}"
        say(f"  {click.style(key, fg='cyan')} ({_type(entry)}{shown})")
        say(f"      {entry['description']}")
        if has(f"keys.{key}.effect"):
            say(f"      {tr(f'keys.{key}.effect')}")


def _type(entry: dict[str, Any]) -> str:
    """A schema's type in a word or two."""
    if "anyOf" in entry:
        return " | ".join(_type(option) for option in entry["anyOf"] if option.get("type") != "null")
    if "enum" in entry or "const" in entry:
        return " | ".join(map(str, entry.get("enum", [entry.get("const")])))
    return tr(f"cli.type.{entry.get('type', 'any')}")
