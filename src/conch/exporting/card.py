"""The README.md of an export: what it was made from, how it was trained, and how it was proved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from conch.config.export import ExportConfig
from conch.core.files import expanded
from conch.exporting.checks import Check
from conch.models.locate import Located
from conch.runs import store
from conch.runs.run import Run

NAME = "README.md"
KEYS = (
    *(
        "stage",
        "finetuning_type",
        "lora_rank",
        "lora_alpha",
        "lora_target",
        "dataset",
        "template",
        "cutoff_len",
    ),
    *(
        "learning_rate",
        "num_train_epochs",
        "per_device_train_batch_size",
        "gradient_accumulation_steps",
        "seed",
    ),
)
FIGURES = ("loss", "eval_loss", "tokens", "train_seconds")


def text_of(config: ExportConfig, located: Located, proof: Any, file: str | None) -> str:
    """Hub metadata, then the facts. Keys keep the names that they have in config files."""
    run = _run(config)
    return "\n".join(
        [
            *_metadata(run, located, file),
            f"# {located.name}",
            "",
            *_origin(run, located),
            *(_training(run) if run else ()),
            *_proof(proof),
        ]
    )


def _run(config: ExportConfig) -> Run | None:
    name = config.model_name_or_path
    return store.find(name) if store.names_run(name) or store.is_called(name) else None


def _base(run: Run | None, located: Located) -> str:
    """A hub id or a name; of a folder its last part, as the rest is the user's own business."""
    return _name(run.flat_config()["model_name_or_path"]) if run else located.folder.name


def _name(value: Any) -> str:
    path = expanded(str(value))
    return path.name if path.is_absolute() or path.exists() else str(value)


def _metadata(run: Run | None, located: Located, file: str | None) -> Iterator[str]:
    facts: dict[str, Any] = {"pipeline_tag": "text-generation"}
    base = _base(run, located)
    if "/" in base:  # a hub knows no other names
        facts["base_model"] = base
    if run or located.adapters:
        facts["base_model_relation"] = "finetune"
    facts["library_name"] = "gguf" if file else "transformers"
    facts["tags"] = ["conch"]
    yield "---"
    yield yaml.safe_dump(facts, sort_keys=True, allow_unicode=True).strip()
    yield "---"
    yield ""


def _origin(run: Run | None, located: Located) -> Iterator[str]:
    yield f"Made with Conch from `{_base(run, located)}`."
    yield ""


def _training(run: Run) -> Iterator[str]:
    yield "## Training"
    yield ""
    yield "| | |"
    yield "|---|---|"
    settings = run.flat_config()
    for key in KEYS:
        value = settings.get(key)
        if value not in (None, [], ()):
            shown = ", ".join(map(_name, value)) if isinstance(value, (list, tuple)) else value
            yield f"| {key} | {shown} |"
    last = run.summary().get("last") or {}
    for key in FIGURES:
        if last.get(key) is not None:
            yield f"| {key} | {last[key]:.6g} |"
    yield ""


def _proof(proof: Any) -> Iterator[str]:
    yield "## Proof"
    yield ""
    yield f"Compared with its source on {proof.prompts} prompts ({proof.dtype}); see `export_proof.json`."
    yield ""
    checks: tuple[Check, ...] = proof.checks
    yield from (f"- {'✓' if check.holds else '✗'} {check.sentence}" for check in checks)
    yield ""
