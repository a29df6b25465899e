"""`conch data …`: datasets that are known by name, and what a dataset becomes."""

from __future__ import annotations

import click

from conch.cli.group import Group
from conch.cli.output import emit, say, whisper
from conch.core.text import tr

_json = click.option("--json", "as_json", is_flag=True, help=tr("cli.json"))


@click.group(cls=Group, help=tr("cli.data"))
def command() -> None:
    pass


@command.command("list", help=tr("cli.data.list"))
@click.option("--dataset-dir", help=tr("keys.dataset_dir"))
@_json
def list_command(dataset_dir: str | None, as_json: bool) -> None:
    from conch.data.sources import find_dataset, read_rows, registered_names

    listed = []
    for name in registered_names(dataset_dir):
        dataset = find_dataset(name, dataset_dir)
        listed.append(
            {"name": name, "file": str(dataset.file), "rows": sum(1 for _ in read_rows(dataset.file))}
        )
    if as_json:
        emit(listed)
    for entry in [] if as_json else listed:
        say(f"{entry['name']:<20} {tr('cli.data.rows', count=entry['rows']):>12}  {entry['file']}")


@command.command("preview", help=tr("cli.data.preview"))
@click.argument("name")
@click.option("--model", required=True, help=tr("keys.model_name_or_path"))
@click.option("--template", help=tr("keys.template"))
@click.option(
    "--rows", default=3, show_default=True, type=click.IntRange(1), help=tr("cli.data.preview_rows")
)
@_json
def preview(name: str, model: str, template: str | None, rows: int, as_json: bool) -> None:
    from conch.config.data import DataConfig
    from conch.config.model import ModelConfig
    from conch.data.example import encode
    from conch.data.prepare import read_conversations
    from conch.data.template import ChatTemplate
    from conch.inference.detokenize import pieces_of
    from conch.models.load import load_tokenizer
    from conch.models.locate import Request, locate

    settings = ModelConfig(model_name_or_path=model)
    tokenizer = load_tokenizer(locate(Request.of(settings, whisper)).folder, settings)
    chat = ChatTemplate.of(tokenizer, template)
    shown = []
    for conversation in read_conversations([name], DataConfig(dataset=(name,), max_samples=rows)):
        for example in encode(conversation, chat):
            trained = [label != -100 for label in example.labels]
            texts = pieces_of(tokenizer, example.input_ids)
            row = conversation.origin.row if conversation.origin else 0
            shown.append({"row": row, "ids": example.input_ids, "tokens": texts, "trained": trained})
            if not as_json:
                say(tr("cli.data.preview_row", row=row, tokens=len(texts), trained=sum(trained)))
                say(
                    "".join(
                        click.style(t, fg="green" if on else "bright_black")
                        for t, on in zip(texts, trained, strict=True)
                    )
                )
    if as_json:
        emit(shown)
