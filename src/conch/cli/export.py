"""`conch export CONFIG.yaml`, or `conch export RUN --to DIR`."""

from __future__ import annotations

import click

from conch.cli.common import json_option
from conch.cli.group import Command
from conch.cli.output import emit, say, size, whisper
from conch.core.files import expanded
from conch.core.text import tr


@click.command(
    cls=Command,
    help=tr("cli.export"),
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
@click.argument("source")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[KEY=VALUE]...")
@click.option("--to", help=tr("cli.export.to"))
@click.option(
    "--format",
    "form",
    type=click.Choice(["safetensors", "gguf", "ollama"]),
    help=tr("cli.export.format"),
)
@click.option("--type", "gguf_type", metavar="TYPE", help=tr("cli.export.type"))
@click.option("--adapter-only", is_flag=True, help=tr("cli.export.adapter_only"))
@click.option("--push", metavar="OWNER/NAME", help=tr("cli.export.push"))
@click.option("--allow-difference", is_flag=True, help=tr("cli.export.allow"))
@json_option
def command(
    source: str,
    words: tuple[str, ...],
    to: str | None,
    form: str | None,
    gguf_type: str | None,
    adapter_only: bool,
    push: str | None,
    allow_difference: bool,
    as_json: bool,
) -> None:
    from conch.config import load_export
    from conch.core.errors import UsageError

    file = expanded(source) if source.endswith((".yaml", ".yml", ".json")) else None
    values: dict[str, object] = {} if file else {"model_name_or_path": source}
    asked = {
        "export_dir": to,
        "export_format": form or ("gguf" if gguf_type and file is None and not adapter_only else None),
        "gguf_type": gguf_type,
        "export_adapter": adapter_only or None,
        "export_hub_model_id": push,
        "allow_difference": allow_difference or None,
    }
    values |= {key: value for key, value in asked.items() if value is not None}
    given = any(word.removeprefix("--").replace("-", "_").startswith("export_dir") for word in words)
    if file is None and not to and not given:
        raise UsageError("export.no_target")
    loaded = load_export(file, words, values)
    for warning in loaded.warnings:
        whisper(tr("cli.warning", message=warning))

    from conch.exporting.merge import export

    report = export(loaded.config, whisper)
    if as_json:
        emit(report.to_dict())
        return
    say(tr("cli.export.done", folder=report.folder, size=size(report.bytes)))
    say(tr("cli.export.proof", prompts=report.proof.prompts, dtype=report.dtype))
    for check in report.proof.checks:
        say(f"  {'✓' if check.holds else '✗'} {check.sentence}")
    if report.pushed:
        say(tr("cli.export.pushed", address=report.pushed))
    if report.format == "adapter":
        return
    say(tr(f"cli.export.next_{report.format}", folder=report.folder, name=report.folder.name))
