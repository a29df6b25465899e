"""The options that say how rows would be trained on, the same for check, stats and preview."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from conch.cli.common import dataset_dir_option, dataset_source_option
from conch.core.text import tr

_OPTIONS = (
    click.option("--template", help=tr("keys.template")),
    click.option(
        "--cutoff-len", default=2048, show_default=True, type=click.IntRange(1), help=tr("keys.cutoff_len")
    ),
    click.option("--thinking/--no-thinking", default=None, help=tr("keys.enable_thinking")),
    click.option("--default-system", help=tr("keys.default_system")),
    click.option("--mask-history", is_flag=True, help=tr("keys.mask_history")),
    dataset_dir_option,
    dataset_source_option,
    click.option("--train-on-prompt", is_flag=True, help=tr("keys.train_on_prompt")),
)

Command = Callable[..., Any]


def as_trained(*, model_required: bool) -> Callable[[Command], Command]:
    """Gives a command `model` (a reference, or None) and `asked` (a DataConfig of the rest)."""
    model = click.option("--model", required=model_required, help=tr("keys.model_name_or_path"))

    def decorate(command: Command) -> Command:
        @wraps(command)
        def collected(
            *,
            template: str | None,
            cutoff_len: int,
            thinking: bool | None,
            default_system: str | None,
            mask_history: bool,
            train_on_prompt: bool,
            dataset_dir: str | None,
            source: str | None,
            **rest: Any,
        ) -> Any:
            from conch.config import build
            from conch.config.data import DataConfig

            asked = {
                "template": template,
                "cutoff_len": cutoff_len,
                "enable_thinking": thinking,
                "default_system": default_system,
                "mask_history": mask_history,
                "train_on_prompt": train_on_prompt,
                "dataset_dir": dataset_dir,
                "dataset_source": source,
            }
            return command(asked=build(DataConfig, asked), **rest)

        for option in reversed((model, *_OPTIONS)):
            collected = option(collected)
        return collected

    return decorate
