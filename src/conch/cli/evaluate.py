"""`conch evaluate MODEL`: public benchmarks, the loss of a dataset row by row, or the general examination."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from conch.cli.common import dataset_dir_option, json_option
from conch.cli.group import Command
from conch.cli.output import emit, say, whisper
from conch.core.errors import UsageError
from conch.core.files import expanded, write_whole
from conch.core.text import tr

ENGINES = ("transformers", "llamacpp", "auto")


@click.command(cls=Command, help=tr("cli.evaluate"))
@click.argument("model")
@click.option("--tasks", multiple=True, metavar="NAME,…", help=tr("cli.evaluate.tasks"))
@click.option(
    "--task-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help=tr("cli.evaluate.task_dir"),
)
@click.option("--limit", type=click.IntRange(1), help=tr("cli.evaluate.limit"))
@click.option("--shots", type=click.IntRange(0), help=tr("cli.evaluate.shots"))
@click.option("--as-chat", is_flag=True, help=tr("cli.evaluate.as_chat"))
@click.option("--dataset", metavar="NAME", help=tr("cli.evaluate.dataset"))
@dataset_dir_option
@click.option("--template", help=tr("keys.template"))
@click.option("--trust-remote-code", is_flag=True, help=tr("keys.trust_remote_code"))
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="transformers",
    show_default=True,
    help=tr("cli.compare.engine"),
)
@click.option("--to", metavar="FILE", help=tr("cli.evaluate.to"))
@json_option
def command(model: str, to: str | None, as_json: bool, **asked: Any) -> None:
    from conch.config import build
    from conch.config.compare import ReadingConfig

    if asked["tasks"] and asked["dataset"]:
        raise UsageError("evaluation.tasks_or_dataset")
    values = {key: asked[key] for key in ("template", "trust_remote_code", "engine")}
    reading = build(ReadingConfig, values)
    evaluate = _tasks if asked["tasks"] else _losses if asked["dataset"] else _general
    document, lines = evaluate(model, reading, asked)
    if to is not None:
        text = json.dumps(document, ensure_ascii=False, indent=2, default=str)
        write_whole(expanded(to).absolute(), text + "\n")
    if as_json:
        emit(document)
        return
    for line in lines:
        say(line)


def _tasks(model: str, reading: Any, asked: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    from conch.evaluation.harness import Bench, installed, names, scores

    if not installed():  # before the model is loaded
        raise UsageError("evaluation.no_harness")
    from conch.benching import bench_model

    bench = Bench(names(asked["tasks"]), asked["task_dir"], asked["limit"], asked["shots"], asked["as_chat"])
    found = bench_model(model, bench, reading, whisper)
    figures = scores(found)
    document = {
        "model": model,
        "scores": [vars(figure) for figure in figures],
        "samples": found.get("samples", {}),
    }
    lines = [
        tr(
            "evaluation.task_score" if figure.error is not None else "evaluation.task_score_bare",
            **{
                **vars(figure),
                "value": f"{figure.value:.4f}",
                "error": f"{figure.error or 0:.4f}",
                "rows": figure.rows or "-",
            },
        )
        for figure in figures
    ]
    return document, lines


def _losses(model: str, reading: Any, asked: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    from conch.config import build
    from conch.config.compare import RowsConfig
    from conch.evaluation.measure import measure_losses

    values = {
        "dataset": asked["dataset"],
        "dataset_dir": asked["dataset_dir"],
        "max_samples": asked["limit"],
    }
    found = measure_losses(model, build(RowsConfig, values), reading, notify=whisper)
    total = found.whole
    document = {"model": model, **found.to_dict()}
    if total.loss is None:
        return document, [tr("evaluation.no_loss")]
    told = {"tokens": total.tokens, "loss": f"{total.loss:.4f}", "perplexity": f"{total.perplexity:.4g}"}
    lines = [tr("evaluation.whole_loss", rows=len(found.rows), **told)]
    known = [(row.loss, at) for at, row in enumerate(found.rows) if row.loss is not None]
    for loss, at in sorted(known, reverse=True)[:5]:
        prompt = " ".join(found.prompts[at].split())[:80]
        lines.append(tr("evaluation.row_loss", row=at + 1, loss=f"{loss:.3f}", prompt=prompt))
    return document, lines


def _general(model: str, reading: Any, asked: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    from conch.evaluation.measure import examine

    def told(done: int, total: int) -> None:
        whisper(tr("evaluation.progress", done=done, total=total))

    found = examine(model, reading, asked["limit"], told, whisper)
    document = {"model": model, **found.to_dict()}
    areas = {**found.by_area(), "all": (document["right"], document["questions"])}
    lines = [
        tr("evaluation.right", area=tr(f"evaluation.area.{name}"), right=right, questions=questions)
        for name, (right, questions) in areas.items()
    ]
    return document, lines
