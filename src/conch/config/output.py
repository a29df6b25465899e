"""What a run writes, how often, and what it tells."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from conch.config.optimisation import Schedule
from conch.config.types import (
    Bytes,
    Count,
    Node,
    NotNegative,
    Positive,
    PositiveShare,
    Size,
    Str,
    read_switch,
)

Every = Positive
"""A number of steps, or below 1 a share of all steps."""


ANSWER_TOKENS = 1024
"""The most tokens of an answer, unless a config says so."""


class OutputConfig(Node):
    output_dir: Str | None = None
    overwrite_output_dir: bool = False
    run_name: Str | None = None
    do_train: bool | None = None
    """Unset: true, but false with `do_predict`, as files for LLaMA-Factory mean it."""
    do_eval: bool = False
    do_predict: bool = False
    logging_steps: Every = 5.0
    logging_first_step: bool = True
    save_strategy: Schedule = "steps"
    save_steps: Every = 500.0
    save_total_limit: Count | None = None
    save_disk_budget: Bytes | None = None
    save_only_model: bool = False
    disk_wait_minutes: NotNegative = 30.0
    eval_strategy: Schedule | None = None
    eval_steps: Every | None = None
    load_best_model_at_end: bool = False
    metric_for_best_model: Str | None = None
    greater_is_better: bool | None = None
    early_stopping_steps: Count | None = None
    resume_from_checkpoint: Annotated[bool | Str | None, BeforeValidator(read_switch)] = None
    plot_loss: bool = True
    compute_accuracy: bool = False

    def trains(self) -> bool:
        return not self.do_predict if self.do_train is None else self.do_train

    def resumes_newest(self) -> bool:
        """Whether to go on from the newest checkpoint of the output folder."""
        asked = self.resume_from_checkpoint
        return asked is True or (isinstance(asked, str) and asked.lower() == "auto")

    def eval_when(self, has_eval_rows: bool) -> Schedule:
        """When to evaluate: as asked, else once an epoch where there are rows to evaluate on."""
        if self.eval_strategy is not None:
            return self.eval_strategy
        if self.eval_steps is not None:
            return "steps"
        return "epoch" if has_eval_rows else "no"


class GenerationConfig(Node):
    """How text is sampled. Unset means the model's own generation config."""

    do_sample: bool | None = None
    temperature: NotNegative | None = None
    top_p: PositiveShare | None = None
    top_k: Size | None = None
    max_new_tokens: Count | None = None
    repetition_penalty: Positive | None = None
    skip_special_tokens: bool = True

    def answer_tokens(self) -> int:
        return self.max_new_tokens or ANSWER_TOKENS

    def samples(self) -> bool | None:
        """Whether tokens are drawn: as `do_sample` says, else as a given temperature implies; None: unset."""
        if self.do_sample is None and self.temperature is not None:
            return self.temperature > 0
        return self.do_sample
