"""transformers' Trainer with our examples, loss, events and whole-or-nothing checkpoints.

What a batch is and what its loss is comes from the method; what happens is told to the event
log; nothing here prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from peft.optimizers import create_loraplus_optimizer
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainingArguments
from transformers.trainer import TRAINING_ARGS_NAME
from transformers.trainer_utils import EvalLoopOutput

from conch.config.method import LoraConfig
from conch.core import disk
from conch.core.events import Checkpoint, Phase
from conch.core.files import publish, temporary_folder
from conch.data.batches import RowDataset, ShuffledSampler, StreamDataset
from conch.data.prepared import Prepared
from conch.data.streaming import Row
from conch.models.locate import write_below
from conch.runs.log import EventLog
from conch.training.checkpoint import STATE
from conch.training.fitting import BeforeFirstStep, Compute, Fitting
from conch.training.kernels.choice import PLAIN, FastPath
from conch.training.kernels.segments import segmented
from conch.training.loss import Tally
from conch.training.method import Method
from conch.training.pausing import Pauses, Subject
from conch.training.reporter import Reporter
from conch.training.shelf import Shelf
from conch.training.watch import watching

SPARE = (TRAINING_ARGS_NAME, "README.md")
"""What the libraries write beside the weights and nobody reads: a pickle of the arguments, which
`config.yaml` holds, and a model card with nothing filled in."""

ORIGINS = "origins"
"""Where a batch keeps which rows it holds, until it is computed."""


@dataclass(frozen=True)
class Setup:
    """What the trainer is given besides model and arguments."""

    method: Method
    data: Prepared
    log: EventLog
    wants_stop: Callable[[], bool]
    packed: bool
    pad_token_id: int
    pauses: Pauses
    """What waits where the disk is full."""
    fast: FastPath = PLAIN
    """The fused steps that the model takes while it reads our batches."""
    lora: LoraConfig | None = None
    accuracy: bool = False
    below: tuple[Path, ...] = ()
    """Adapters that were merged into the base for this training."""
    wants_save: Callable[[], bool] = lambda: False
    """Whether somebody asked for a checkpoint since it was last called."""
    budget: int | None = None
    """Bytes that all checkpoints together may take."""
    probes: bool = True
    """Whether the heaviest micro batch is computed before the first step, to see that it fits."""
    part_tokens: int | None = None
    """Tokens of a micro batch that are computed at a time, if not all of them."""
    may_checkpoint: bool = True
    """Whether activations may be computed twice where memory is short."""


class ConchTrainer(Trainer):
    """Trains `setup.data`. Losses are means over labels, so accumulation changes nothing."""

    def __init__(self, model: Any, args: TrainingArguments, setup: Setup, tokenizer: Any) -> None:
        self.setup = setup
        self.optimizer: torch.optim.Optimizer | None
        data = setup.data
        super().__init__(
            model=model,
            args=args,
            data_collator=self._collate,
            train_dataset=StreamDataset(data.stream) if data.stream else RowDataset(data.train, data.rows),
            eval_dataset=RowDataset(data.eval) if data.eval else None,
            processing_class=tokenizer,
        )
        self.model_accepts_loss_kwargs = True  # count the labels of all micro batches of a step
        self.loss_is_scaled_for_ga = True  # and compute_loss divides by that count
        self.output = Path(args.output_dir)
        self._staging: Path | None = None
        self.shelf = Shelf(self.output, setup.log, args.save_total_limit, setup.budget)
        self.pauses = setup.pauses
        self.reporter = Reporter(setup.log, setup.wants_stop, setup.wants_save, self.pauses)
        self.add_callback(self.reporter)
        self.remove_callback(PrinterCallback)  # what it would print is in the events
        self.fitting = Fitting(model, setup.log, limit=setup.part_tokens, may_checkpoint=setup.may_checkpoint)
        if setup.probes:
            self.add_callback(BeforeFirstStep(self._probe))

    def _collate(self, rows: list[Row]) -> dict[str, Any]:
        examples = [example for row in rows for example in row]
        return self.setup.method.collate(
            examples, packed=self.setup.packed, pad_token_id=self.setup.pad_token_id
        )

    def _collate_with_origins(self, rows: list[Row]) -> dict[str, Any]:
        origins = [example.origin for row in rows for example in row if example.origin is not None]
        return {**self._collate(rows), ORIGINS: origins}

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Batches that know their rows, which may be read by other processes."""
        self.data_collator = self._collate_with_origins
        try:
            made: DataLoader[Any] = super().get_train_dataloader()
        finally:
            self.data_collator = self._collate
        return made

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[dict[str, Any]], torch.Tensor | int | None]:
        """The micro batches of a step. Which rows they hold is kept for whoever asks."""
        batches, count = super().get_batch_samples(epoch_iterator, num_batches, device)
        self.reporter.leaps.rows = tuple(row for batch in batches for row in batch.pop(ORIGINS, ()))
        return batches, count

    def _get_train_sampler(self, train_dataset: Any = None) -> ShuffledSampler:
        seed = self.args.data_seed if self.args.data_seed is not None else self.args.seed
        return ShuffledSampler(self.setup.data.row_count(), seed)

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

    @contextmanager
    def packing(self) -> Iterator[None]:
        """Within it the model reads our batches."""
        with segmented(self.model) if self.setup.packed else nullcontext(), self.setup.fast.applied():
            yield

    def train(self, *args: Any, **kwargs: Any) -> Any:
        with self.packing(), watching(self.model, chunked=self.setup.fast.head is not None):
            return super().train(*args, **kwargs)

    def training_step(
        self, model: Any, inputs: dict[str, Any], num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """Forward and backward of a micro batch, in as many parts as memory asks for."""
        compute: Compute = partial(super().training_step, model, num_items_in_batch=num_items_in_batch)
        if self.args.world_size > 1:  # every process would have to do the same
            return compute(inputs)
        return self.fitting.micro_step(compute, inputs, self.state)

    def _probe(self) -> None:
        """Compute the heaviest micro batch once, before the first step. Of a stream nobody knows it."""
        heaviest = self.setup.data.heaviest_rows(self.args.per_device_train_batch_size)
        if not heaviest or self.args.world_size > 1:
            return
        rows = RowDataset(self.setup.data.train, self.setup.data.rows)
        batch = self._prepare_inputs(self._collate([rows[index] for index in heaviest]))
        compute = partial(
            super().training_step, self.model_wrapped, num_items_in_batch=batch["labels"].numel()
        )
        self.fitting.probe(compute, batch, self.state, self._states_to_come())

    def _states_to_come(self) -> int:
        """Bytes that the optimiser has not taken yet: Adam makes two moments in its first step."""
        if self.optimizer is None or self.optimizer.state or "adam" not in str(self.args.optim):
            return 0
        trained = (parameter for parameter in self.model.parameters() if parameter.requires_grad)
        return sum(2 * parameter.nbytes for parameter in trained)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        scored = self.setup.method.score(model, inputs, head=self.setup.fast.head)
        self.state.num_input_tokens_seen += count_tokens(inputs)
        count = num_items_in_batch if num_items_in_batch is not None else scored.labels
        return scored.nll / max(count, 1)  # what is left of a text may be one token, which nothing predicts

    @torch.no_grad()
    def evaluation_loop(
        self,
        dataloader: DataLoader[Any],
        description: str,
        prediction_loss_only: bool | None = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> EvalLoopOutput:
        """Mean loss over all labels, and over those of each dataset where that is asked for.

        No logits outlive their batch.
        """
        self.setup.log.write(Phase, name="evaluating")
        self.model.eval()
        metrics: dict[str, float] = {}
        total = Tally()
        for name, part in self._eval_parts(dataloader):
            tally = Tally()
            for batch in part:
                inputs = self._prepare_inputs(batch)
                with self.compute_loss_context_manager():
                    scored = self.setup.method.score(
                        self.model, inputs, accuracy=self.setup.accuracy, head=self.setup.fast.head
                    )
                tally.add(scored, len(inputs.get("segments", inputs["input_ids"])))
            if name:
                metrics[f"{metric_key_prefix}_{name}_loss"] = tally.loss()
            total = total + tally
        metrics[f"{metric_key_prefix}_loss"] = total.loss()
        if self.setup.accuracy:
            metrics[f"{metric_key_prefix}_accuracy"] = total.correct / max(total.labels, 1)
        return EvalLoopOutput(predictions=(), label_ids=None, metrics=metrics, num_samples=total.rows)

    def _eval_parts(self, whole: DataLoader[Any]) -> Iterator[tuple[str, DataLoader[Any]]]:
        """The examples to evaluate on: in one go, or dataset by dataset."""
        data = self.setup.data
        if not data.parts:
            yield "", whole
        begin = 0
        for name, count in data.parts:
            chosen = [(index,) for index in range(begin, begin + count)]
            yield (
                name,
                self._get_dataloader(
                    RowDataset(data.eval, chosen),
                    description=name,
                    batch_size=self.args.eval_batch_size,
                    sampler_fn=self._get_eval_sampler,
                ),
            )
            begin += count

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        super()._save(output_dir, state_dict)
        folder = Path(output_dir or self.args.output_dir)
        for spare in SPARE:
            (folder / spare).unlink(missing_ok=True)
        write_below(folder, self.setup.below)

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._staging or self.args.output_dir)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Write a checkpoint whole once there is room for it; end the training where none comes."""
        output, step = self.output, self.state.global_step
        optimizer = None if self.args.save_only_model else self.optimizer
        needed = self.shelf.bytes_needed(self.model, optimizer, len(self.processing_class))
        self.shelf.make_room(needed, self.state.best_model_checkpoint)
        subject = Subject(f"checkpoint-{step}", output, needed)
        if not self.pauses.insist(lambda: self._write_checkpoint(model, trial), subject):
            self.reporter.give_up(self.control)
            return
        self.shelf.tidy(self.state.best_model_checkpoint)
        self.setup.log.write(Checkpoint, step=step, path=str(output / f"checkpoint-{step}"))

    def _write_checkpoint(self, model: Any, trial: Any) -> None:
        """Write it under a temporary name, flush it, and rename it. Where that fails nothing of it stays."""
        output = self.output
        target = output / f"checkpoint-{self.state.global_step}"
        limit, self.args.save_total_limit = self.args.save_total_limit, None
        best = self.state.best_model_checkpoint
        try:
            with temporary_folder(output) as staging, disk.plain_errors(staging):
                self._staging = staging
                super()._save_checkpoint(model, trial)
                self.state.best_model_checkpoint = self._best(output)
                self.state.save_to_json(str(staging / target.name / STATE))
                publish(staging / target.name, target)  # in place of one of an earlier attempt, too
        except BaseException:
            self.state.best_model_checkpoint = best
            raise
        finally:
            self._staging = None
            self.args.save_total_limit = limit

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
