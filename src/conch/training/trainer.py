"""transformers' Trainer with our examples, loss, events and whole-or-nothing checkpoints.

What a batch is and what its loss is comes from the method; what happens is told to the event
log; nothing here prints.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from peft.optimizers import create_loraplus_optimizer
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import EvalLoopOutput

from conch.config.method import LoraConfig
from conch.core.events import Checkpoint, Metrics
from conch.core.files import publish, temporary_folder
from conch.data.batches import ExampleDataset, ShuffledSampler
from conch.data.example import Example
from conch.runs.log import EventLog
from conch.training.checkpoint import STATE, rotate
from conch.training.kernels.segments import segmented
from conch.training.method import Method


@dataclass(frozen=True)
class Setup:
    """What the trainer is given besides model and arguments."""

    method: Method
    train: Sequence[Example]
    eval: Sequence[Example]
    log: EventLog
    wants_stop: Callable[[], bool]
    packed: bool
    pad_token_id: int
    lora: LoraConfig | None = None
    accuracy: bool = False
    wants_save: Callable[[], bool] = lambda: False
    """Whether somebody asked for a checkpoint since it was last called."""


class ConchTrainer(Trainer):
    """Trains `setup.train`. Losses are means over labels, so accumulation changes nothing."""

    def __init__(self, model: Any, args: TrainingArguments, setup: Setup, tokenizer: Any) -> None:
        self.setup = setup
        self.optimizer: torch.optim.Optimizer | None
        super().__init__(
            model=model,
            args=args,
            data_collator=self._collate,
            train_dataset=ExampleDataset(setup.train),
            eval_dataset=ExampleDataset(setup.eval) if setup.eval else None,
            processing_class=tokenizer,
        )
        self.model_accepts_loss_kwargs = True  # count the labels of all micro batches of a step
        self.loss_is_scaled_for_ga = True  # and compute_loss divides by that count
        self._staging: Path | None = None
        self.reporter = Reporter(setup.log, setup.wants_stop, setup.wants_save)
        self.add_callback(self.reporter)

    def _collate(self, examples: list[Example]) -> dict[str, Any]:
        return self.setup.method.collate(
            examples, packed=self.setup.packed, pad_token_id=self.setup.pad_token_id
        )

    def _get_train_sampler(self, train_dataset: Any = None) -> ShuffledSampler:
        seed = self.args.data_seed if self.args.data_seed is not None else self.args.seed
        return ShuffledSampler(len(self.setup.train), seed)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """LoRA+ (Hayou et al. 2024, arXiv:2402.12354) where asked for, else transformers' own choice."""
        if self.optimizer is None and self.setup.lora is not None:
            self.optimizer = self._loraplus(self.setup.lora)
        made: torch.optim.Optimizer = super().create_optimizer(model)
        return made

    def _loraplus(self, lora: LoraConfig) -> torch.optim.Optimizer | None:
        if lora.loraplus_lr_ratio is None:
            return None
        kind, options = Trainer.get_optimizer_cls_and_kwargs(self.args, self.model)
        options.pop("lr", None)
        made: torch.optim.Optimizer = create_loraplus_optimizer(
            self.model,
            kind,
            lr=self.args.learning_rate,
            loraplus_lr_ratio=lora.loraplus_lr_ratio,
            loraplus_lr_embedding=lora.loraplus_lr_embedding,
            loraplus_weight_decay=self.args.weight_decay,
            **options,
        )
        return made

    def packing(self) -> AbstractContextManager[None]:
        """Within it the model reads our batches."""
        return segmented(self.model) if self.setup.packed else nullcontext()

    def train(self, *args: Any, **kwargs: Any) -> Any:
        with self.packing():
            return super().train(*args, **kwargs)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        scored = self.setup.method.score(model, inputs)
        self.state.num_input_tokens_seen += count_tokens(inputs)
        return scored.nll / (num_items_in_batch if num_items_in_batch is not None else scored.labels)

    @torch.no_grad()
    def evaluation_loop(
        self,
        dataloader: DataLoader[Any],
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> EvalLoopOutput:
        """Mean loss over all labels. No logits outlive their batch."""
        self.model.eval()
        nll, labels, correct, rows = 0.0, 0, 0, 0
        for batch in dataloader:
            inputs = self._prepare_inputs(batch)
            with self.compute_loss_context_manager():
                scored = self.setup.method.score(self.model, inputs, accuracy=self.setup.accuracy)
            nll += float(scored.nll)
            labels += scored.labels
            correct += scored.correct
            rows += len(inputs.get("segments", inputs["input_ids"]))
        metrics = {f"{metric_key_prefix}_loss": nll / max(labels, 1)}
        if self.setup.accuracy:
            metrics[f"{metric_key_prefix}_accuracy"] = correct / max(labels, 1)
        return EvalLoopOutput(predictions=(), label_ids=None, metrics=metrics, num_samples=rows)

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._staging or self.args.output_dir)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Write a checkpoint under a temporary name, flush it, and rename it."""
        output = Path(self.args.output_dir)
        target = output / f"checkpoint-{self.state.global_step}"
        limit, self.args.save_total_limit = self.args.save_total_limit, None
        try:
            with temporary_folder(output) as staging:
                self._staging = staging
                super()._save_checkpoint(model, trial)
                self.state.best_model_checkpoint = self._best(output)
                self.state.save_to_json(str(staging / target.name / STATE))
                if target.exists():  # of an earlier attempt that was resumed from an older step
                    shutil.rmtree(target)
                publish(staging / target.name, target)
        finally:
            self._staging = None
            self.args.save_total_limit = limit
        for old in rotate(output, limit, self.state.best_model_checkpoint):
            shutil.rmtree(old, ignore_errors=True)
        self.setup.log.write(Checkpoint, step=self.state.global_step, path=str(target))

    def _best(self, output: Path) -> str | None:
        step = self.state.best_global_step
        if not step:
            return None
        best = output / f"checkpoint-{step}"
        return str(best) if best.exists() or step == self.state.global_step else None


def count_tokens(batch: dict[str, Any]) -> int:
    """Real tokens in a batch: padding not counted."""
    mask = batch.get("attention_mask")
    return int(mask.sum()) if mask is not None else int(batch["input_ids"].numel())


class Reporter(TrainerCallback):
    """Tells the event log what the trainer logs, and hears when somebody wants it to stop."""

    def __init__(
        self,
        log: EventLog,
        wants_stop: Callable[[], bool],
        wants_save: Callable[[], bool] = lambda: False,
    ) -> None:
        self.log = log
        self.wants_stop = wants_stop
        self.wants_save = wants_save
        self.stopped = False
        self.tokens_before = 0
        """Tokens that earlier attempts trained on."""
        self._since = (0.0, 0, 0)
        """Time, tokens and step at the last report."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.tokens_before = state.num_input_tokens_seen
        self._since = (time.monotonic(), state.num_input_tokens_seen, state.global_step)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self.wants_stop() and state.global_step < state.max_steps:
            self.stopped = True
            control.should_training_stop = True
            control.should_save = True
        if self.wants_save():
            control.should_save = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        logs = logs or {}
        if "train_runtime" in logs:
            return
        speed, eta = self._pace(state) if "loss" in logs else (None, None)
        self.log.write(
            Metrics,
            step=state.global_step,
            total_steps=state.max_steps,
            epoch=_rounded(state.epoch, 4),
            loss=_finite(logs.get("loss")),
            eval_loss=_finite(logs.get("eval_loss")),
            learning_rate=logs.get("learning_rate"),
            grad_norm=_finite(logs.get("grad_norm")),
            tokens=state.num_input_tokens_seen,
            tokens_per_second=speed,
            eta_seconds=eta,
            memory_bytes=psutil.Process().memory_info().rss,
        )

    def _pace(self, state: TrainerState) -> tuple[float | None, float | None]:
        """Tokens a second since the last report, and the seconds left at that pace."""
        then, tokens, step = self._since
        now = time.monotonic()
        self._since = (now, state.num_input_tokens_seen, state.global_step)
        seconds, steps = now - then, state.global_step - step
        if seconds <= 0 or steps <= 0:
            return None, None
        left = (state.max_steps - state.global_step) * seconds / steps
        return round((state.num_input_tokens_seen - tokens) / seconds, 1), round(left, 1)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _finite(value: Any) -> float | None:
    """JSON knows no NaN; a loss that is not a number is left out."""
    number = None if value is None else float(value)
    return None if number is None or number != number or abs(number) == float("inf") else number
