"""`conch predict`: answer a dataset, and score the answers."""

from __future__ import annotations

import click

from conch.cli.group import Command
from conch.cli.output import emit, say, whisper
from conch.cli.train import split_words
from conch.core.errors import UsageError
from conch.core.text import tr


@click.command(
    cls=Command,
    help=tr("cli.predict"),
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[CONFIG.yaml] [KEY=VALUE]...")
@click.option("--json", "as_json", is_flag=True, help=tr("cli.json"))
def command(words: tuple[str, ...], as_json: bool) -> None:
    from conch.config.load import load_predict

    file, rest = split_words(words)
    if not words:
        raise UsageError("config.nothing")
    loaded = load_predict(file, rest)
    for warning in loaded.warnings:
        whisper(tr("cli.warning", message=warning))
    config = loaded.config
    if config.output.output_dir is None:
        raise UsageError("evaluation.no_output")

    from conch.evaluation.run import predict_with
    from conch.evaluation.words import shown

    prediction = predict_with(config, _tell, whisper)
    if as_json:
        emit({"folder": str(prediction.folder), "rows": prediction.rows, **prediction.scores})
        return
    told = {"rows": prediction.rows, "folder": prediction.folder, "again": prediction.again}
    say(tr("evaluation.done", **told))
    for line in shown(prediction.scores):
        say(line)
    for key in ("too_long", "cut_off"):
        if prediction.scores[f"predict_{key}"]:
            say(tr(f"evaluation.{key}", count=int(prediction.scores[f"predict_{key}"])))


def _tell(done: int, total: int) -> None:
    whisper(tr("evaluation.progress", done=done, total=total))
