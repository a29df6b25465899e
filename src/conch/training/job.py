"""One training job from config to finished output. Reads like the architecture."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import EarlyStoppingCallback, set_seed

from conch.config.train import TrainConfig
from conch.core.errors import TrainingError
from conch.core.events import Finished, Metrics, Phase, Stopped
from conch.core.files import clear_leftovers, publish, temporary_folder, write_whole
from conch.core.notice import Notice
from conch.data.prepared import Prepared
from conch.data.template import ChatTemplate
from conch.models.adapters import attach, freeze_layers, new_lora
from conch.models.hardware import Device, Precision, choose_precision, find_device
from conch.models.load import adapter_folder, fit_vocabulary, load_base, load_tokenizer
from conch.models.locate import Located, Request, locate
from conch.models.pairing import strangers
from conch.runs.follow import read_events
from conch.runs.log import EventLog
from conch.training.arguments import training_arguments
from conch.training.checkpoint import latest, resumable, step_of
from conch.training.fitting import telling_out_of_memory
from conch.training.kernels import choice, segments
from conch.training.method import Method
from conch.training.methods import METHODS
from conch.training.pausing import Pauses, Subject
from conch.training.plot import plot_loss
from conch.training.samples import Sampler
from conch.training.shelf import expected_size
from conch.training.trainer import ConchTrainer, Setup


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

    def phase(self, name: str, **facts: Any) -> None:
        self.log.write(Phase, name=name, facts=facts or None)

    def warn(self, key: str, **values: Any) -> None:
        self.log.warn(key, **values)


@dataclass(frozen=True)
class Ground:
    """What a training stands on: where it computes, in which format, and from which files."""

    device: Device
    precision: Precision
    located: Located
    tokenizer: Any
    method: Method
    template: ChatTemplate


def train(job: Job) -> None:
    """Do the job. Everything that happens is told to `job.log`; raises ConchError where it can't be done."""
    job.output.mkdir(parents=True, exist_ok=True)
    clear_leftovers(job.output)
    resume = resume_point(job)
    set_seed(job.config.optimisation.seed)
    job.phase("locating")
    ground = lay_ground(job)
    job.phase("tokenising")
    prepared = prepare_data(job, ground)
    with telling_out_of_memory():
        trainer = make_trainer(job, ground, prepared)
        run_trainer(job, trainer, ground.tokenizer, resume)


def lay_ground(job: Job) -> Ground:
    """Choose device and format, find the model, and load its tokenizer with the template to train with."""
    config = job.config
    device = find_device(bool(config.passthrough.get("use_cpu")))
    precision = choose_precision(device, config.precision)
    located = locate(Request.of(config.model, lambda text: job.phase("locating", doing=text)))
    tokenizer = load_tokenizer(located.folder, config.model)
    method = METHODS[config.method.stage](config.data)
    template = method.template(tokenizer)
    keep_template(tokenizer, template, config.data.default_system)
    return Ground(device, precision, located, tokenizer, method, template)


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
    for notice in adapter_notices(config, ground.located):
        job.warn(notice.key, **notice.values)
    model = build_model(config, ground)
    packed = segments.is_exact_for(model)
    if not packed:
        job.warn("training.padded", architecture=type(model).__name__)
    fast = choice.choose(model) if packed else choice.PLAIN
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
        below=adapters_below(config, ground.located),
        pauses=Pauses(job.log, job.wants_stop, config.output.disk_wait_minutes, job.tell_paused),
        budget=config.output.save_disk_budget,
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


def keep_template(tokenizer: Any, template: ChatTemplate, default_system: str | None) -> None:
    """Let the tokenizer carry the template, so that whoever loads the result talks to it as it was trained.

    A model that has several templates keeps them all where its own default is what was trained with.
    """
    own = tokenizer.chat_template
    trained_with = template.kept_source(default_system)
    if template.source and trained_with != (own.get("default") if isinstance(own, dict) else own):
        tokenizer.chat_template = trained_with


def resume_point(job: Job) -> Path | None:
    """The checkpoint to go on from, as the job or the config asks; None to start at the beginning."""
    if job.resume is not None:
        return resumable(job.resume)
    asked = job.config.output.resume_from_checkpoint
    if asked is True or (isinstance(asked, str) and asked.lower() == "auto"):
        return latest(job.output)
    if isinstance(asked, str):
        return resumable(Path(asked).expanduser())
    return None


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


def build_model(config: TrainConfig, ground: Ground) -> Any:
    """The model with the weights that train marked as such.

    Weights that train are held in fp32 (unless `pure_bf16`); a frozen base is held in the format
    that it is multiplied in.
    """
    lora = config.method.finetuning_type == "lora"
    held = ground.precision.dtype if lora or config.precision.pure_bf16 else "float32"
    if held == "float16" and ground.device.kind == "cpu":
        held = "float32"
    model = load_base(ground.located, config.model, getattr(torch, held))
    fit_vocabulary(model, ground.tokenizer, config.model)
    if lora:
        model = _with_lora(config, ground.located, model)
    elif config.method.finetuning_type == "freeze":
        freeze_layers(model, config.freeze)
    if config.precision.upcast_layernorm:
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1 and "norm" in name:
                parameter.data = parameter.data.float()
    return model


def given_adapters(config: TrainConfig, located: Located) -> tuple[Path, ...]:
    """The adapters to start from: those that the model is known with, and those named beside it."""
    named = (adapter_folder(name, config.model) for name in config.model.adapter_name_or_path)
    return (*located.adapters, *named)


def adapter_notices(config: TrainConfig, located: Located) -> tuple[Notice, ...]:
    """What is odd about the adapters that are named beside the model."""
    named = given_adapters(config, located)[len(located.adapters) :]
    return strangers(located.folder, located.adapters, named)


def adapters_below(config: TrainConfig, located: Located) -> tuple[Path, ...]:
    """Those of them that are merged into the base, so that the trained adapter means nothing without them."""
    given = given_adapters(config, located)
    return given if config.lora.create_new_adapter else given[:-1]


def _with_lora(config: TrainConfig, located: Located, model: Any) -> Any:
    """A new adapter on the model; or its last adapter, to be trained on."""
    given = given_adapters(config, located)
    if given and not config.lora.create_new_adapter:
        return attach(model, given, trainable=True)
    if given:
        model = attach(model, given).merge_and_unload()
    return new_lora(model, config.lora)


def run_trainer(job: Job, trainer: ConchTrainer, tokenizer: Any, resume: Path | None) -> None:
    """Train, then write the model and the figures, then say how it ended."""
    began = time.monotonic()
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    seconds = time.monotonic() - began
    stream = trainer.setup.data.stream
    if stream is not None and stream.truncated:
        cutoff = job.config.data.cutoff_len
        job.warn("training.truncated_stream", count=stream.truncated, cutoff=cutoff)
    if trainer.reporter.stopped:
        tell_stopped(job, trainer)
        return
    job.phase("saving")
    with trainer.packing():
        metrics = trainer.evaluate() if job.config.output.do_eval and trainer.eval_dataset is not None else {}
    size = expected_size(trainer.model, None, len(tokenizer))
    for write, what, needed in (
        (lambda: save_output(trainer, tokenizer, job.output), "model", size),
        (lambda: write_figures(job, trainer, metrics, seconds), "figures", 0),
    ):
        if not trainer.pauses.insist(write, Subject(what, job.output, needed)):
            tell_stopped(job, trainer)
            return
    tell_finished(job, trainer, seconds)


def tell_stopped(job: Job, trainer: ConchTrainer) -> None:
    """Say where the run can go on from. Raises TrainingError where a full disk left nothing to go on from."""
    checkpoint, pauses = latest(job.output), trainer.pauses
    if pauses.gave_up is not None:
        if checkpoint is None and pauses.time_is_up:
            minutes = f"{pauses.seconds / 60:g}"
            raise TrainingError(
                "training.disk_full", folder=job.output, reason=pauses.gave_up.strerror, minutes=minutes
            )
        if checkpoint is None or step_of(checkpoint) < trainer.state.global_step:
            job.warn(
                "training.unsaved",
                first=step_of(checkpoint) + 1 if checkpoint else 1,
                last=trainer.state.global_step,
            )
    job.log.write(Stopped, step=trainer.state.global_step, checkpoint=str(checkpoint) if checkpoint else None)


def save_output(trainer: ConchTrainer, tokenizer: Any, output: Path) -> None:
    """The adapter or model, flushed under a temporary name, then moved into `output` file by file.

    The config file goes last: a folder without it is not taken for a model.
    """
    with temporary_folder(output) as staging:
        trainer.save_model(str(staging))
        tokenizer.save_pretrained(staging)
        for file in sorted(
            staging.iterdir(), key=lambda path: path.name in {"adapter_config.json", "config.json"}
        ):
            publish(file, output / file.name)


def write_figures(job: Job, trainer: ConchTrainer, metrics: dict[str, Any], seconds: float) -> None:
    """`trainer_state.json`, `all_results.json` and `training_loss.png`."""
    state = trainer.state
    told = told_metrics(job)
    with temporary_folder(job.output) as staging:
        state.save_to_json(str(staging / "trainer_state.json"))
        publish(staging / "trainer_state.json", job.output / "trainer_state.json")
    summary: dict[str, Any] = next(
        (entry for entry in reversed(state.log_history) if "train_loss" in entry), {}
    )
    evaluated: dict[str, Any] = next(
        (entry for entry in reversed(state.log_history) if "eval_loss" in entry), {}
    )
    results = {
        **summary,
        **evaluated,
        **metrics,
        "loss": _newest(event.loss for event in told),
        "eval_loss": _newest(event.eval_loss for event in told),
        "tokens": state.num_input_tokens_seen,
        "train_seconds": seconds,
    }
    write_whole(job.output / "all_results.json", json.dumps(results, indent=2))
    if job.config.output.plot_loss:
        plot_loss(told, job.output / "training_loss.png")


def tell_finished(job: Job, trainer: ConchTrainer, seconds: float) -> None:
    """Say that the run is done, and how it went."""
    told, tokens = told_metrics(job), trainer.state.num_input_tokens_seen
    job.log.write(
        Finished,
        step=trainer.state.global_step,
        train_seconds=round(seconds, 3),
        tokens=tokens,
        tokens_per_second=round((tokens - trainer.reporter.tokens_before) / seconds, 1),
        loss=_newest(event.loss for event in told),
        eval_loss=_newest(event.eval_loss for event in told),
    )


def told_metrics(job: Job) -> list[Metrics]:
    return [event for event in read_events(job.log.path) if isinstance(event, Metrics)]


def _newest(values: Iterable[float | None]) -> float | None:
    return next((value for value in reversed(list(values)) if value is not None), None)
