"""Greedy answers to fixed prompts while training: before the first step, at each evaluation, at the end.

Greedy decoding draws no random numbers, so that a run with samples ends with the same weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from conch.config.samples import SamplesConfig
from conch.core.conversation import Message
from conch.core.errors import ServeError, first_line
from conch.core.events import Sample
from conch.data.template import ChatTemplate
from conch.inference.chat import Chat
from conch.inference.engine import Sampling
from conch.inference.engines.transformers import TransformersEngine
from conch.models.hardware import Precision
from conch.runs.log import EventLog
from conch.training.prompts import read_prompts


class Sampler(TrainerCallback):
    """Writes `sample` events to `log`. Make it while `model` still reads plain batches."""

    def __init__(
        self, config: SamplesConfig, model: Any, template: ChatTemplate, precision: Precision, log: EventLog
    ) -> None:
        self.prompts: Sequence[str] = read_prompts(config.sample_prompts)
        self._sampling = Sampling(max_new_tokens=config.sample_tokens)
        self._model, self._template, self._log = model, template, log
        self._dtype = getattr(torch, precision.dtype)
        self._attention = model.config._attn_implementation
        self._step = -1

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step == 0:
            self._sample(0)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._sample(state.global_step)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._sample(state.global_step)

    def _sample(self, step: int) -> None:
        """Once a step. What goes wrong here is told and ends the sampling, not the training."""
        if step == self._step or not self.prompts:
            return
        self._step = step
        try:
            answers = self._answers()
        except (ServeError, RuntimeError) as error:
            self.prompts = ()
            self._log.warn("training.sample_failed", reason=first_line(error))
            return
        for prompt, answer in zip(self.prompts, answers, strict=True):
            self._log.write(Sample, step=step, prompt=prompt, answer=answer)

    def _answers(self) -> list[str]:
        with self._plain():
            own = self._model.generation_config.eos_token_id
            stop = self._template.stop_ids([own] if isinstance(own, int) else list(own or []))
            chat = Chat(TransformersEngine(self._model), self._template, stop)
            asked = [[Message("user", prompt)] for prompt in self.prompts]
            return [reply.text for reply in chat.answers(asked, self._sampling)]

    @contextmanager
    def _plain(self) -> Iterator[None]:
        """The model as chat uses it; afterwards as training had it."""
        attention, was_training = self._model.config._attn_implementation, self._model.training
        kind = next(self._model.parameters()).device.type
        self._model.set_attn_implementation(self._attention)
        try:
            with torch.autocast(kind, self._dtype, enabled=self._dtype != torch.float32):
                yield
        finally:
            self._model.set_attn_implementation(attention)
            self._model.train(was_training)
