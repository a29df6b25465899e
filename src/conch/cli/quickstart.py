"""`conch quickstart`: the main job, shown as it happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from conch.cli.common import json_option
from conch.cli.group import Command
from conch.cli.layout import fold
from conch.cli.output import duration, emit, say
from conch.core.events import Event
from conch.core.text import tr


@click.command(cls=Command, help=tr("cli.quickstart"))
@click.option("--model", default="smollm2-135m", show_default=True, help=tr("quickstart.model_help"))
@click.option("--dataset", default="magic_conch", show_default=True, help=tr("quickstart.dataset_help"))
@click.option(
    "--output",
    default="out/quickstart",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help=tr("quickstart.output_help"),
)
@click.option("--max-steps", type=click.IntRange(min=1), help=tr("quickstart.max_steps_help"))
@json_option
def command(model: str, dataset: str, output: Path, max_steps: int | None, as_json: bool) -> None:
    from conch.quickstart import quickstart

    with Narrator() as narrator:
        figures = quickstart(model, dataset, output.absolute(), narrator, max_steps=max_steps)
    emit(figures) if as_json else tell(figures, output)


class Narrator:
    """Shows each phase and the training's progress on standard error."""

    def __init__(self) -> None:
        from conch.cli.progress import Follower

        self._follower = Follower()

    def __enter__(self) -> Narrator:
        self._follower.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._follower.__exit__()

    def phase(self, name: str) -> None:
        self._follower.line(f"\n{tr(f'quickstart.phase.{name}')}", "bold")

    def done(self, name: str, seconds: float) -> None:
        self._follower.line(tr("quickstart.took", seconds=f"{seconds:.1f}"), "dim")

    def note(self, text: str) -> None:
        self._follower.line(text)

    def event(self, event: Event) -> None:
        self._follower.show(event)


def tell(figures: dict[str, Any], output: Path) -> None:
    """What came of it, and what to do next."""
    from conch.cli.curve import draw

    train, held_out = figures["train"], figures["eval_loss"]
    say("\n" + tr("quickstart.curve", steps=train["steps"]))
    for line in draw(train["losses"]):
        say(line)
    say()
    for entry in figures["answers"]:
        say(fold(tr("quickstart.question", prompt=entry["prompt"]), 8))
        say(fold(tr("quickstart.before", answer=one_line(entry["before"])), 8))
        say(fold(tr("quickstart.after", answer=one_line(entry["after"])), 8) + "\n")
    say(
        tr(
            "quickstart.loss",
            first=f"{train['first_loss']:.2f}",
            last=f"{train['last_loss']:.2f}",
            before=f"{held_out['before']:.2f}",
            after=f"{held_out['after']:.2f}",
            tokens=f"{train['tokens']:,}",
            speed=f"{train['tokens_per_second']:.0f}",
        )
    )
    say(
        tr(
            "quickstart.best",
            loss=f"{held_out['best']:.2f}",
            step=held_out["best_step"],
            steps=train["steps"],
        )
    )
    share = figures["identity_share"]
    if share["questions"]:
        before, after = f"{share['before']:.0%}", f"{share['after']:.0%}"
        say(tr("quickstart.identity", count=share["questions"], before=before, after=after))
    export = figures["export"]
    say(
        tr(
            "quickstart.export",
            folder=_near(export["folder"]),
            difference=f"{export['max_logit_difference']:.1e}",
            allowed=f"{export['allowed']:g}",
            same=export["same_answers"],
            prompts=export["prompts"],
        )
    )
    http = figures["http"]
    answer = one_line(http["answer"]["generated_text"])
    say(tr("quickstart.http", request=http["request"], status=http["status"], answer=answer))
    say(
        "\n"
        + tr("quickstart.done", time=duration(figures["seconds"]["total"]), file=output / "quickstart.json")
    )
    say(tr("quickstart.next", run=figures["run"], folder=_near(export["folder"]), model=figures["model"]))


def one_line(text: str, most: int = 160) -> str:
    flat = " ".join(text.split()).rstrip("\ufffd")  # an answer that was cut inside a character
    return flat if len(flat) <= most else flat[: most - 1] + "…"


def _near(folder: str) -> str:
    """A path as seen from the current folder, where it lies below it."""
    path = Path(folder)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else folder
