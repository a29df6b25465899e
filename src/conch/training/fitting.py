"""Fitting micro batches into memory: parts, a probe before the first step, a way out when memory runs short.

On a CPU a large micro batch is computed in parts in any case, elsewhere where it does not fit: at the
same effective batch and with the same loss. Where a part can't be cut further, activations are computed
twice (checkpointing); where that does not help either, the run fails and says which keys to lower. A
step that ran out of memory is begun again with its first micro batch, so no optimiser step is lost or
done twice.

What is kept between steps is left alone; what happens outside of forward and backward is not
caught here.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from conch.core.errors import TrainingError
from conch.data.batches import count_parts, cut
from conch.runs.log import EventLog
from conch.training import malloc

Batch = dict[str, Any]
Compute = Callable[[Batch], torch.Tensor]
"""Forward and backward of a batch: its share of the step's loss, with gradients added up."""
PART_TOKENS = 1024
"""On a CPU so many tokens are computed at a time: more make no product faster, but take memory for each."""
SIGNS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc")
"""What allocators say, in lower case."""


def part_tokens(device: str) -> int | None:
    """How many tokens of a micro batch are computed at a time on such a device; None: all of them."""
    return PART_TOKENS if device == "cpu" else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocator gave up, of whatever device."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in SIGNS)


@contextmanager
def telling_out_of_memory() -> Iterator[None]:
    """Say in our words that memory ran out where nothing can be made smaller: the optimiser, saving."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError("training.out_of_memory") from error


@dataclass
class Moment:
    """What a repeated micro batch must find as it was: the random numbers and the count of tokens."""

    tokens: int
    cpu: torch.Tensor
    cuda: torch.Tensor | None

    @staticmethod
    def now(state: TrainerState, device: torch.device) -> Moment:
        cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
        return Moment(state.num_input_tokens_seen, torch.get_rng_state(), cuda)

    def restore(self, state: TrainerState, device: torch.device) -> None:
        state.num_input_tokens_seen = self.tokens
        torch.set_rng_state(self.cpu)
        if self.cuda is not None:
            torch.cuda.set_rng_state(self.cuda, device)


class Fitting:
    """Computes the micro batches of a training in parts that fit. Tells `log` what it had to change."""

    def __init__(
        self, model: Any, log: EventLog, *, limit: int | None = None, may_checkpoint: bool = True
    ) -> None:
        self.model = model
        self.log = log
        self.may_checkpoint = may_checkpoint
        self.limit = limit
        """Tokens that one forward takes at most; fewer once memory was short."""
        self.device: torch.device = next(model.parameters()).device
        self._thrifty = self.device.type != "cpu"
        self._step = -1
        self._done: list[Batch] = []
        """Micro batches of the step at hand, the newest last."""
        self._begin: Moment | None = None
        self._part: Batch = {}

    def micro_step(self, compute: Compute, batch: Batch, state: TrainerState) -> torch.Tensor:
        """The loss of `batch`, its gradients added up. Raises TrainingError where it can't be made to fit."""
        if state.global_step != self._step:
            self._step, self._done, self._begin = state.global_step, [], Moment.now(state, self.device)
        self._done.append(batch)
        todo = [batch]
        while True:
            losses = self._try(compute, todo)
            if losses:
                return losses[-1]
            self._undo(state)
            self._lighten()
            todo = self._done

    def _try(self, compute: Compute, batches: list[Batch]) -> list[torch.Tensor]:
        """The loss of each batch; none where memory ran out. The failed tensors are gone on return."""
        try:
            return [self._in_parts(compute, batch) for batch in batches]
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        return []

    def _in_parts(self, compute: Compute, batch: Batch) -> torch.Tensor:
        losses = []
        for part in cut(batch, self.limit):
            self._part = part
            losses.append(compute(part))
        return torch.stack(losses).sum()

    def _undo(self, state: TrainerState) -> None:
        """As at the beginning of the step: no gradients yet, the same random numbers to come."""
        self.model.zero_grad(set_to_none=True)
        if self._begin is not None:
            self._begin.restore(state, self.device)
        gc.collect()
        malloc.give_back()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _lighten(self) -> None:
        """Take the next step down that is left. Raises TrainingError where there is none."""
        tokens = self._part["input_ids"].numel()
        if not self._thrifty:
            self._thrifty = True
            if malloc.keep_little():
                return self._tell("training.memory_thrift")
        if count_parts(self._part) > 1:
            self.limit = -(-tokens // 2)
            return self._tell("training.memory_split", tokens=tokens, limit=self.limit)
        if self.may_checkpoint and self._start_checkpointing():
            return self._tell("training.memory_checkpointing", tokens=tokens)
        if not self.may_checkpoint:  # that can still be allowed
            raise TrainingError("training.row_out_of_memory_kept", tokens=tokens)
        raise TrainingError("training.row_out_of_memory", tokens=tokens)

    def _start_checkpointing(self) -> bool:
        if not self.model.supports_gradient_checkpointing or self.model.is_activation_checkpointing:
            return False
        self.model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
        return True

    def _tell(self, key: str, **values: Any) -> None:
        self.log.warn(key, **values)

    def probe(self, compute: Compute, batch: Batch, state: TrainerState, kept: int) -> None:
        """See that `batch` fits, with `kept` bytes beside it, and leave everything else as it was."""
        reserve: list[torch.Tensor] = []

        def beside(part: Batch) -> torch.Tensor:
            if not reserve:
                reserve.append(torch.ones(kept, dtype=torch.uint8, device=self.device))  # ones: really taken
            return compute(part)

        self.micro_step(beside, batch, state)
        self._undo(state)
        self._step = -1


class BeforeFirstStep(TrainerCallback):
    """Calls `probe` when all is ready to train, unless there is nothing left to do."""

    def __init__(self, probe: Callable[[], None]) -> None:
        self.probe = probe

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step < state.max_steps:
            self.probe()
