"""`conch export CONFIG.yaml`, or `conch export RUN --to DIR`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from conch.cli.common import json_option
from conch.cli.group import Command
from conch.cli.output import emit, say, size, whisper
from conch.core.errors import ExportError, UsageError
from conch.core.files import expanded
from conch.core.text import tr
from conch.exporting.checks import Check

if TYPE_CHECKING:
    from conch.config.export import ExportConfig
    from conch.exporting.merge import ExportReport
    from conch.exporting.served import ServedProof

NOWHERE = "-"
"""For `export_dir`, where only a server is compared."""


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
@click.option("--served", metavar="URL", help=tr("cli.export.served"))
@click.option("--served-model", metavar="NAME", help=tr("cli.export.served_model"))
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
    served: str | None,
    served_model: str | None,
    as_json: bool,
) -> int:
    from conch.config import load_export

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
        if served is None:
            raise UsageError("export.no_target")
        values["export_dir"] = NOWHERE
    loaded = load_export(file, words, values)
    for warning in loaded.warnings:
        whisper(tr("cli.warning", message=warning))

    document: dict[str, object] = {}
    if loaded.config.export_dir != NOWHERE and not (served and _is_export(loaded.config.export_dir)):
        document = _export(loaded.config, as_json)
    proof = _prove_served(loaded.config, served, served_model, as_json) if served is not None else None
    refused = proof is not None and not proof.holds and not loaded.config.allow_difference
    if as_json:
        emit(document if proof is None else {**document, "served": proof.to_dict()})
        return int(refused)
    if proof is not None and refused:
        failed = "\n".join(f"- {check.sentence}" for check in proof.checks if not check.holds)
        raise ExportError("export.served_differs", failed=failed)
    return 0


def _is_export(folder: str) -> bool:
    from conch.models.pairing import PROOF

    return (expanded(folder) / PROOF).is_file()


def _prove_served(config: ExportConfig, url: str, model: str | None, as_json: bool) -> ServedProof:
    from conch.core import env
    from conch.exporting.merge import prove_server
    from conch.exporting.served import Server

    proof = prove_server(config, Server(url, model, env.api_key()), whisper)
    if not as_json:
        same, positions = f"{proof.same_answers}/{proof.prompts}", proof.positions
        told = {"url": proof.url, "model": proof.model, "prompts": proof.prompts}
        say(tr("cli.export.served_proof", **told, same=same, positions=positions))
        _say_checks(proof.checks)
    return proof


def _export(config: ExportConfig, as_json: bool) -> dict[str, object]:
    from conch.exporting.merge import export

    report = export(config, whisper)
    if not as_json:
        _say(report)
    return report.to_dict()


def _say_checks(checks: Sequence[Check]) -> None:
    for check in checks:
        say(f"  {'✓' if check.holds else '✗'} {check.sentence}")


def _say(report: ExportReport) -> None:
    say(tr("cli.export.done", folder=report.folder, size=size(report.bytes)))
    say(tr("cli.export.proof", prompts=report.proof.prompts, dtype=report.dtype))
    _say_checks(report.proof.checks)
    if report.pushed:
        say(tr("cli.export.pushed", address=report.pushed))
    if report.format == "adapter":
        return
    say(tr(f"cli.export.next_{report.format}", folder=report.folder, name=report.folder.name))
