"""One training job from config to finished output. Reads like the architecture.

What it stands on is `ground.py`'s matter, what it leaves behind `outcome.py`'s.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import EarlyStoppingCallback, set_seed

from conch.config.train import TrainConfig
from conch.core.events import Finished, Phase
from conch.core.files import clear_leftovers
from conch.data.prepared import Prepared
from conch.runs.log import EventLog
from conch.training.arguments import training_arguments
from conch.training.checkpoint import resumable
from conch.training.fitting import part_tokens, telling_out_of_memory
from conch.training.ground import Ground, adapter_notices, adapters_below, build_model, lay_ground
from conch.training.kernels.int8 import spare_outliers
from conch.training.kernels.verdict import find_path
from conch.training.outcome import ending, save_output, tell_stopped, write_figures
from conch.training.pausing import Pauses, Subject
from conch.training.resuming import asked_for
from conch.training.room import has_ample_room
from conch.training.samples import Sampler
from conch.training.shelf import expected_size
from conch.training.trainer import ConchTrainer, Setup

LOOKED_AT, LONG_ENOUGH = 32, 512
"""Outlying columns are looked for in the longest of so many examples, and in so many tokens of it."""


@dataclass(frozen=True)
class Job:
    """What to train, where to write, whom to tell, and whom to listen to."""

    config: TrainConfig
    output: Path
    log: EventLog
    wants_stop: Callable[[], bool] = lambda: False
    wants_save: Callable[[], bool] = lambda: False
    resume: Path | None = None
    tell_paused: Callable[[], None] = lambda: None
    """Lets a person know that the run waits for room on the disk."""
    afterwards: Callable[[dict[str, Any]], bool] = lambda ended: True
    """What is left to do with what was saved, before the run is said to be finished; whether it was done."""

    def phase(self, name: str, **facts: Any) -> None:
        self.log.write(Phase, name=name, facts=facts or None)

    def warn(self, key: str, **values: Any) -> None:
        self.log.warn(key, **values)


def train(job: Job) -> None:
    """Do the job. Everything that happens is told to `job.log`; raises ConchError where it can't be done."""
    job.output.mkdir(parents=True, exist_ok=True)
    clear_leftovers(job.output)
    resume = resume_point(job)
    set_seed(job.config.optimisation.seed)
    job.phase("locating")
    ground = lay_ground(job.config, lambda doing: job.phase("locating", doing=doing))
    job.phase("tokenising")
    prepared = prepare_data(job, ground)
    with telling_out_of_memory():
        trainer = make_trainer(job, ground, prepared)
        ended = run_trainer(job, trainer, resume)
    if ended is None:
        return
    del trainer, prepared
    gc.collect()  # what comes afterwards needs the memory
    if job.afterwards(ended):
        job.log.write(Finished, **ended)


def prepare_data(job: Job, ground: Ground) -> Prepared:
    """The examples; what the user should know of them and of the choices so far is told."""
    prepared = ground.method.prepare(
        ground.template,
        job.config.optimisation.seed,
        lambda done, of: job.phase("tokenising", done=done, of=of),
    )
    for notice in (*ground.precision.notices, *ground.template.notices, *prepared.notices):
        job.warn(notice.key, **notice.values)
    tell_data(job, prepared)
    return prepared


def make_trainer(job: Job, ground: Ground, prepared: Prepared) -> ConchTrainer:
    """The model, made ready to train, in its trainer."""
    config, precision = job.config, ground.precision
    job.phase("loading")
    for notice in adapter_notices(ground):
        job.warn(notice.key, **notice.values)
    model = build_model(config, ground)
    if ground.quantised == "int8" and prepared.train:  # of a stream there is no text yet
        longest = max(prepared.train[:LOOKED_AT], key=len)
        spare_outliers(model, torch.tensor(longest.input_ids[:LONG_ENOUGH]))
    packed, fast = find_path(model, (ground.located.folder, *ground.adapters), mixed=precision.mixed)
    if not packed:
        job.warn("training.padded", architecture=type(model).__name__)
    if fast.left:
        job.warn("training.not_fused", parts=", ".join(fast.left), architecture=type(model).__name__)
    setup = Setup(
        fast=fast,
        method=ground.method,
        data=prepared,
        log=job.log,
        wants_stop=job.wants_stop,
        wants_save=job.wants_save,
        packed=packed,
        pad_token_id=int(ground.tokenizer.pad_token_id),
        lora=config.lora if config.method.finetuning_type == "lora" else None,
        accuracy=config.output.compute_accuracy,
        below=adapters_below(config, ground),
        pauses=Pauses(job.log, job.wants_stop, config.output.disk_wait_minutes, job.tell_paused),
        budget=config.output.save_disk_budget,
        probes=not has_ample_room(config, ground, prepared),
        part_tokens=part_tokens(ground.device.kind),
        may_checkpoint=not config.precision.disable_gradient_checkpointing,
    )
    autocast = replace(precision, dtype="float32") if fast.half else precision
    arguments = training_arguments(config, job.output, autocast, ground.device, bool(prepared.eval))
    trainer = ConchTrainer(model, arguments, setup, ground.tokenizer)
    trainer.add_callback(Sampler(config.samples, model, ground.template, autocast, job.log))
    if config.output.early_stopping_steps:
        trainer.add_callback(EarlyStoppingCallback(config.output.early_stopping_steps))
    job.phase(
        "training",
        device=ground.device.kind,
        dtype=precision.dtype,
        reason=precision.reason,
        trainable_parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        packed=packed,
        fused=list(fast.names),
    )
    return trainer


def resume_point(job: Job) -> Path | None:
    """The checkpoint to go on from, as the job or the config asks; None to start at the beginning."""
    return resumable(job.resume) if job.resume is not None else asked_for(job.config, job.output)


def tell_data(job: Job, prepared: Prepared) -> None:
    """What became of the rows. Of a stream nobody knows before it has been read."""
    facts = prepared.facts()
    if facts.train_rows is None:
        job.phase("tokenised")
        return
    told = {name: value for name, value in asdict(facts).items() if value is not None}
    job.phase("tokenised", **told)
    if facts.truncated_rows:
        job.warn(
            "training.truncated",
            count=facts.truncated_rows,
            rows=facts.train_rows + facts.eval_rows,
            cutoff=job.config.data.cutoff_len,
        )


def run_trainer(job: Job, trainer: ConchTrainer, resume: Path | None) -> dict[str, Any] | None:
    """Train, then write the model and the figures; how that ended, or None where it was stopped and told."""
    began = time.monotonic()
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    seconds = time.monotonic() - began
    stream = trainer.setup.data.stream
    if stream is not None and stream.truncated:
        cutoff = job.config.data.cutoff_len
        job.warn("training.truncated_stream", count=stream.truncated, cutoff=cutoff)
    if trainer.reporter.stopped:
        tell_stopped(trainer)
        return None
    job.phase("saving")
    with trainer.packing():
        metrics = trainer.evaluate() if job.config.output.do_eval and trainer.eval_dataset is not None else {}
    size = expected_size(trainer.model, None, len(trainer.processing_class))
    for write, what, needed in (
        (lambda: save_output(trainer), "model", size),
        (lambda: write_figures(trainer, metrics, seconds, plot=job.config.output.plot_loss), "figures", 0),
    ):
        if not trainer.pauses.insist(write, Subject(what, job.output, needed)):
            tell_stopped(trainer)
            return None
    return ending(trainer, seconds)
