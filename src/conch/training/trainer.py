"""transformers' Trainer with our examples, loss, events and whole-or-nothing checkpoints.

What a batch is and what its loss is comes from the method; what happens is told to the event
log; nothing here prints.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft.optimizers import create_loraplus_optimizer
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import EvalLoopOutput

from conch.config.method import LoraConfig
from conch.core.events import Checkpoint
from conch.core.files import publish, temporary_folder
from conch.data.batches import RowDataset, ShuffledSampler, StreamDataset
from conch.data.prepare import Prepared
from conch.data.streaming import Row
from conch.models.locate import write_below
from conch.runs.log import EventLog
from conch.training.checkpoint import STATE, rotate
from conch.training.kernels.choice import PLAIN, FastPath
from conch.training.kernels.segments import segmented
from conch.training.loss import Tally
from conch.training.method import Method
from conch.training.reporter import Reporter


@dataclass(frozen=True)
class Setup:
    """What the trainer is given besides model and arguments."""

    method: Method
    data: Prepared
    log: EventLog
    wants_stop: Callable[[], bool]
    packed: bool
    pad_token_id: int
    fast: FastPath = PLAIN
    """The fused steps that the model takes while it reads our batches."""
    lora: LoraConfig | None = None
    accuracy: bool = False
    below: tuple[Path, ...] = ()
    """Adapters that were merged into the base for this training."""
    wants_save: Callable[[], bool] = lambda: False
    """Whether somebody asked for a checkpoint since it was last called."""


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
        self._staging: Path | None = None
        self.reporter = Reporter(setup.log, setup.wants_stop, setup.wants_save)
        self.add_callback(self.reporter)

    def _collate(self, rows: list[Row]) -> dict[str, Any]:
        examples = [example for row in rows for example in row]
        return self.setup.method.collate(
            examples, packed=self.setup.packed, pad_token_id=self.setup.pad_token_id
        )

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
        with self.packing():
            return super().train(*args, **kwargs)

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
        write_below(Path(output_dir or self.args.output_dir), self.setup.below)

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
