"""Where the figures of a run are also sent, and under which names. Keys are the libraries' own matter."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from conch.config.types import Node, Str, read_names

TrackerName = Literal["none", "all", "tensorboard", "wandb", "swanlab", "mlflow", "trackio"]


class TrackersConfig(Node):
    report_to: Annotated[tuple[TrackerName, ...], BeforeValidator(read_names)] = ("none",)
    project: Str | None = None
    use_swanlab: bool = False
    swanlab_project: Str | None = None
    swanlab_workspace: Str | None = None
    swanlab_run_name: Str | None = None
    swanlab_mode: Literal["cloud", "local", "offline", "disabled"] = "cloud"
    swanlab_logdir: Str | None = None
    trackio_space_id: Str | None = None
