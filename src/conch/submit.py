"""From a config to a run that a worker is at work on: what can be checked at once is checked first.

Light: no torch. The same road for the shell, Python and (later) the browser.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.config.load import dump, load_train
from conch.config.train import TrainConfig
from conch.core.disk import existing
from conch.core.errors import RunError, UsageError
from conch.core.events import Failed, Finished, Queued, Started, Stopped
from conch.core.files import expanded, is_file, write_whole
from conch.core.text import tr
from conch.data.prepare import check_rows
from conch.data.reading import files_of
from conch.data.sources import find_dataset
from conch.models.headers import read_model_files
from conch.models.locate import Request, find
from conch.placing import absolute
from conch.runs import control, launch, provenance, requests, store
from conch.runs.notify import resolve
from conch.runs.run import Run
from conch.training.checkpoint import STATE, latest, resumable
from conch.training.prompts import read_prompts
from conch.training.resuming import check_checkpoint

TEMPLATE_FILES = ("chat_template.jinja", "chat_template.json", "tokenizer_config.json")
"""Where a model folder keeps its chat template, the first that exists."""


CONFIG_FILES = ("config.json", "adapter_config.json")
WEIGHTS = (".safetensors", ".bin", ".gguf")


class OutputError(UsageError):
    """The output folder can't take a run."""


def check(config: TrainConfig) -> None:
    """Refuse what is sure to fail: an output folder in use, unreadable rows, a model that isn't there."""
    check_output(config)
    read_prompts(config.samples.sample_prompts)
    resolve(config.notify.notify)
    if config.output.resume_from_checkpoint:
        check_checkpoint(absolute(config))
    if config.output.trains():
        check_rows(config.data, config.method.stage, config.optimisation.seed)
    located = find(Request.of(config.model))
    if located is not None:
        read_model_files(located.folder)
    for name in config.model.adapter_name_or_path:
        find(Request(name))


def check_output(config: TrainConfig) -> None:
    """Raises where `output_dir` holds something already, or can't be written."""
    if config.output.output_dir is None:
        return
    folder = expanded(config.output.output_dir)
    going_on = config.output.overwrite_output_dir or config.output.resume_from_checkpoint
    going_on = going_on or not config.output.trains()  # answers are laid beside what is there
    if folder.is_dir() and any(folder.iterdir()) and not going_on:
        raise OutputError("training.output_exists", folder=folder)
    refused = _refused(existing(folder))
    if refused is not None:
        raise OutputError("training.output_unwritable", folder=folder, reason=os.strerror(refused))


def _refused(place: Path) -> int | None:
    """The error that a new file in `place` would meet; none is made there."""
    if not place.is_dir():
        return errno.ENOTDIR
    if os.access(place, os.W_OK):
        return None
    flags = os.statvfs(place).f_flag if hasattr(os, "statvfs") else 0
    return errno.EROFS if flags & getattr(os, "ST_RDONLY", 0) else errno.EACCES


def submit(config: TrainConfig, request_id: str | None = None) -> Run:
    """Check, write the run down, and start its worker, which waits for its turn.

    Whoever repeats a `request_id` gets the run that it began, and starts nothing.
    """
    placed = absolute(config)
    earlier = _asked_before(request_id, placed)
    if earlier is not None and not _needs_start(earlier):
        return earlier
    check(config)
    run = store.create(placed, _settled(request_id, placed))
    if _needs_start(run):
        with launch.in_charge(run) as mine:
            if mine and _needs_start(run, in_charge=True):
                provenance_of(placed).write(run.provenance_path)
                launch.launch(run, secrets=config.model.secrets())
    return run


def _asked_before(request_id: str | None, config: TrainConfig) -> Run | None:
    found = requests.find(request_id) if request_id is not None else None
    if request_id is None or found is None or not store.is_run(found.run_id):
        return None
    return Run(store.runs_folder() / requests.settle(request_id, found.run_id, dump(config)).run_id)


def _settled(request_id: str | None, config: TrainConfig) -> str:
    """The id that the run will have."""
    own = store.new_id()
    return own if request_id is None else requests.settle(request_id, own, dump(config)).run_id


def _needs_start(run: Run, *, in_charge: bool = False) -> bool:
    """Whether nobody ever started a worker: whoever made the run died before."""
    worker = run.worker()
    never = not isinstance(run.turn(), (Started, Finished, Failed, Stopped)) and not run.log_path.exists()
    return never and (in_charge or worker is None or not worker.is_alive())


def provenance_of(config: TrainConfig) -> provenance.Provenance:
    """What the run's data, template and settings are now."""
    names = (*config.data.dataset, *config.data.eval_dataset)
    found = [find_dataset(name, config.data.dataset_dir) for name in names]
    # what a hub holds is named by its revision; the files may not be here yet
    files = [file.path for dataset in found if not dataset.hubs for file in files_of(dataset)]
    files = list(dict.fromkeys(files))
    return provenance.record(config.to_flat(), files, _template_of(config), _model_files(config))


def _model_files(config: TrainConfig) -> dict[str, Path]:
    """The files that the training begins with, by name; none of a model that is yet to be fetched."""
    located = find(Request.of(config.model))
    given = [find(Request(name)) for name in config.model.adapter_name_or_path]
    if located is None or None in given:
        return {}
    above = [one.adapters or (one.folder,) for one in given if one is not None]
    adapters = [*located.adapters, *(folder for folders in above for folder in folders)]
    return {
        f"{folder.name}/{file.name}": file
        for folder in (located.folder, *adapters)
        for file in sorted(folder.glob("*"))
        if file.name in CONFIG_FILES or file.suffix in WEIGHTS
    }


def _template_of(config: TrainConfig) -> dict[str, str]:
    """The chat template by name, and by content where it is a file: the given one, or the model's own."""
    given = config.data.template
    if given is not None:
        file = expanded(given)
        return {"name": given, **({"sha256": provenance.digest(file)} if is_file(file) else {})}
    located = find(Request.of(config.model))
    files = [located.folder / name for name in TEMPLATE_FILES] if located else []
    found = next((file for file in files if file.is_file()), None)
    return {"name": "-", **({"sha256": provenance.digest(found)} if found else {})}


@dataclass(frozen=True)
class Plan:
    """What resuming would do: go on from `checkpoint`, or begin anew; with `changes` to the settings."""

    run: Run
    checkpoint: Path | None
    step: int
    changes: dict[str, Any]
    differences: tuple[provenance.Difference, ...]


def plan_resume(
    run: Run,
    checkpoint: Path | None = None,
    *,
    epochs: float | None = None,
    max_steps: int | None = None,
    force: bool = False,
) -> Plan:
    """How a run would go on. Raises RunError where it can't, and says what differs from when it began.

    It goes on from `checkpoint`, else from its newest whole one, else it begins anew.
    `force` accepts other data or settings.
    """
    state = run.state()
    if state in {"running", "paused", "stopping"} or (state == "queued" and run.worker() is not None):
        raise launch.refuse_busy(run)
    found = _checkpoint_of(run, expanded(checkpoint)) if checkpoint else latest(run.output)
    if found is not None:
        resumable(found)
    changes = {"num_train_epochs": epochs, "max_steps": max_steps}
    changes = {key: value for key, value in changes.items() if value is not None}
    if epochs is not None and max_steps is None and int(run.flat_config().get("max_steps") or -1) > 0:
        changes["max_steps"] = -1  # a bound of steps would beat the epochs
    reached = read_state(found) if found else {}
    _require_more(run, state, reached, changes)
    differences = _changed_since(run)
    if differences and not force:
        raise RunError("runs.changed", name=run.id, differences=describe(differences))
    return Plan(run, found, int(reached.get("global_step") or 0), changes, tuple(differences))


def _checkpoint_of(run: Run, given: Path) -> Path:
    """The checkpoint that is meant: a folder, or by its name or step one of the run's own."""
    if given.is_absolute() or given.is_dir():
        return given.absolute()
    name = f"checkpoint-{given}" if str(given).isdigit() else str(given)
    if not (run.output / name).is_dir():
        known = ", ".join(path.name for path in run.checkpoints()) or "-"
        raise RunError("runs.no_checkpoint", name=run.id, checkpoint=given, known=known)
    return (run.output / name).absolute()


def _require_more(run: Run, state: str, reached: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Raises RunError where nothing would be left to train."""
    if state == "finished" and not changes:
        raise RunError("runs.is_finished", name=run.id)
    for key, done in (("num_train_epochs", "epoch"), ("max_steps", "global_step")):
        wanted, have = changes.get(key), float(reached.get(done) or 0)
        if wanted is not None and 0 < wanted <= have:
            raise RunError("runs.done_already", name=run.id, key=key, wanted=f"{wanted:g}", have=f"{have:g}")


def _changed_since(run: Run) -> list[provenance.Difference]:
    before = provenance.read(run.provenance_path)
    return provenance.differences(before, provenance_of(run.config())) if before else []


def describe(differences: Sequence[provenance.Difference]) -> str:
    """One line for each."""
    return "\n".join(
        "  " + tr(f"runs.changed.{one.kind}", name=one.name, before=one.before, now=one.now)
        for one in differences
    )


def read_state(checkpoint: Path) -> dict[str, Any]:
    """How far a checkpoint is, as the trainer wrote it."""
    try:
        state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def resume(run: Run, checkpoint: Path | None = None, **how: Any) -> Plan:
    """Start a worker that goes on as `plan_resume` says; `how` are its settings."""
    plan = plan_resume(run, checkpoint, **how)
    return carry_out(plan)


def carry_out(plan: Plan) -> Plan:
    """Resume a run as planned. Raises RunError where somebody else has just started it."""
    lost = plan.run.state() == "lost"
    with launch.in_charge(plan.run) as mine:
        if not mine:
            raise launch.refuse_busy(plan.run)
        if lost:  # what its worker had started may outlive it, and hold memory of the device
            control.end_processes(plan.run)
        run = _with_changes(plan)
        for wish in (run.stop_path, run.cancel_path, run.save_path):
            wish.unlink(missing_ok=True)
        run.events.write(Queued)
        launch.launch(run, *(("--resume", str(plan.checkpoint)) if plan.checkpoint else ()))
    return plan


def _with_changes(plan: Plan) -> Run:
    """The run with its new settings, and what stands now written down."""
    run = plan.run
    if plan.changes:
        values = {**run.flat_config(), **plan.changes}
        write_whole(run.config_path, dump(load_train(values=values).config))
        run = Run(run.folder)
    if plan.changes or plan.differences:
        provenance_of(run.config()).write(run.provenance_path)
    return run
