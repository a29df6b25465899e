"""A config with paths that mean the same from any folder, as a run's file holds it. No torch."""

from __future__ import annotations

from pathlib import Path

from conch.config.data import DataConfig
from conch.config.output import OutputConfig
from conch.config.train import TrainConfig
from conch.core.files import exists, expanded
from conch.core.hubs import looks_like_id
from conch.data import registry
from conch.data.sources import from_anywhere
from conch.models.hub.pypi import STARTERS
from conch.runs import store
from conch.runs.notify import keep
from conch.training.prompts import read_prompts


def absolute(config: TrainConfig) -> TrainConfig:
    """The same config with paths that mean the same from any folder."""
    model, data, output = config.model, config.data, config.output
    changes = {
        "model": model.model_copy(
            update={
                "model_name_or_path": _placed_model(model.model_name_or_path),
                "adapter_name_or_path": tuple(map(_placed_model, model.adapter_name_or_path)),
                "cache_dir": _placed(model.cache_dir),
            }
        ),
        "data": data.model_copy(
            update={
                "dataset": tuple(from_anywhere(name, data.dataset_dir) for name in data.dataset),
                "eval_dataset": tuple(from_anywhere(name, data.dataset_dir) for name in data.eval_dataset),
                "dataset_dir": _placed(data.dataset_dir) or _usual_dataset_dir(data),
                "tokenized_path": _placed(data.tokenized_path),
                "template": _placed_file(data.template) if data.template else None,
            }
        ),
        "output": output.model_copy(
            update={
                "output_dir": _placed(output.output_dir),
                "resume_from_checkpoint": _placed_checkpoint(output),
            }
        ),
        "notify": config.notify.model_copy(update={"notify": keep(config.notify.notify)}),
        "samples": config.samples.model_copy(
            update={"sample_prompts": read_prompts(config.samples.sample_prompts)}
        ),
    }
    return config.model_copy(update=changes)


def _placed(path: str | None) -> str | None:
    return str(expanded(path).absolute()) if path else None


def _usual_dataset_dir(data: DataConfig) -> str | None:
    """LLaMA-Factory's own default, `./data`, where a dataset of the config is registered there."""
    folder = registry.usual_folder()
    if folder is None:
        return None
    named = registry.descriptions(folder).keys() & {*data.dataset, *data.eval_dataset}
    return str(folder) if named else None


def _placed_file(name: str) -> str | None:
    """A file's path; a name stays as it is."""
    is_path = Path(name).suffix or "/" in name
    return _placed(name) if is_path and exists(expanded(name)) else name


def _placed_model(name: str) -> str | None:
    """A folder's or file's path, a run's whole id; a bundled name or a hub id stays as it is."""
    there = exists(expanded(name))
    if name in STARTERS:
        return name
    if not there and (store.names_run(name) or (not looks_like_id(name) and store.is_called(name))):
        return store.find(name).id  # `latest` would soon be another
    return _placed(name) if there else name


def _placed_checkpoint(output: OutputConfig) -> str | bool | None:
    asked = output.resume_from_checkpoint
    return _placed(asked) if isinstance(asked, str) and not output.resumes_newest() else asked
