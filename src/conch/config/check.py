"""What must hold between keys of different nodes. One small function each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from conch.config.optimisation import LR_SCHEDULERS
from conch.config.train import TrainConfig
from conch.core.errors import Problem
from conch.core.text import tr

Check = Callable[[TrainConfig], Iterator[Problem]]


def cross_checks(config: TrainConfig, where: Mapping[str, str]) -> list[Problem]:
    """Every rule that `config` breaks, with the place that set the key."""
    return [
        Problem(p.key, p.value, p.expected, where.get(p.key, "")) for check in CHECKS for p in check(config)
    ]


def _precision(config: TrainConfig) -> Iterator[Problem]:
    precision = config.precision
    if precision.bf16 and precision.fp16:
        yield Problem("fp16", True, tr("config.rule.one_precision"))
    if precision.pure_bf16 and precision.bf16 is False:
        yield Problem("pure_bf16", True, tr("config.rule.pure_bf16"))


def _data(config: TrainConfig) -> Iterator[Problem]:
    data = config.data
    if not data.dataset:
        yield Problem("dataset", None, tr("config.rule.dataset"))
    if data.val_size and data.eval_dataset:
        yield Problem("val_size", data.val_size, tr("config.rule.val_or_eval"))
    if data.val_size > 1 and not float(data.val_size).is_integer():
        yield Problem("val_size", data.val_size, tr("config.rule.val_size"))


def _evaluation(config: TrainConfig) -> Iterator[Problem]:
    output, has_eval = config.output, bool(config.data.val_size or config.data.eval_dataset)
    when = output.eval_when(has_eval)
    if when != "no" and not has_eval:
        yield Problem("eval_strategy", when, tr("config.rule.eval_rows"))
    if output.load_best_model_at_end:
        if when == "no":
            yield Problem("load_best_model_at_end", True, tr("config.rule.best_needs_eval"))
        elif when != output.save_strategy:
            yield Problem("save_strategy", output.save_strategy, tr("config.rule.save_as_eval", when=when))
    if output.early_stopping_steps and not output.load_best_model_at_end:
        yield Problem("early_stopping_steps", output.early_stopping_steps, tr("config.rule.early_stopping"))


def _training(config: TrainConfig) -> Iterator[Problem]:
    if not config.output.do_train:
        yield Problem("do_train", False, tr("config.rule.do_train"))


def _steps(config: TrainConfig) -> Iterator[Problem]:
    optimisation = config.optimisation
    if optimisation.max_steps == 0 or optimisation.max_steps < -1:
        yield Problem("max_steps", optimisation.max_steps, tr("config.rule.max_steps"))
    if optimisation.warmup_ratio > 1:
        yield Problem("warmup_ratio", optimisation.warmup_ratio, tr("config.expect.le", bound=1))
    if optimisation.lr_scheduler_type not in LR_SCHEDULERS:
        expected = tr("config.expect.choice", choices=", ".join(LR_SCHEDULERS))
        yield Problem("lr_scheduler_type", optimisation.lr_scheduler_type, expected)
    for key in ("logging_steps", "save_steps", "eval_steps"):
        value = getattr(config.output, key)
        if value is not None and value > 1 and not float(value).is_integer():
            yield Problem(key, value, tr("config.rule.whole_steps"))


def _method(config: TrainConfig) -> Iterator[Problem]:
    if config.method.finetuning_type != "lora" and config.model.adapter_name_or_path:
        kind = config.method.finetuning_type
        yield Problem(
            "adapter_name_or_path", config.model.adapter_name_or_path, tr("config.rule.adapter", kind=kind)
        )
    if config.lora.use_dora and config.lora.pissa_init:
        yield Problem("pissa_init", True, tr("config.rule.pissa_dora"))
    if config.freeze.freeze_trainable_layers == 0:
        yield Problem("freeze_trainable_layers", 0, tr("config.rule.freeze_layers"))


CHECKS: tuple[Check, ...] = (_precision, _data, _evaluation, _training, _steps, _method)
