"""What must hold between keys. One small function each.

The parameters of a check are named after the nodes that it looks at. A node that could not be
built hides only the checks that need it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from inspect import signature

from conch.config.data import DataConfig
from conch.config.method import FreezeConfig, LoraConfig, MethodConfig
from conch.config.model import MODEL_SOURCES, ModelConfig
from conch.config.optimisation import LR_SCHEDULERS, OptimisationConfig, PrecisionConfig
from conch.config.output import GenerationConfig, OutputConfig
from conch.config.prediction import PredictionConfig
from conch.config.quantization import QuantizationConfig
from conch.config.types import Node
from conch.core import hubs
from conch.core.errors import Problem
from conch.core.text import tr

Check = Callable[..., Iterator[Problem]]


def cross_checks(nodes: Mapping[str, Node | None], where: Mapping[str, str]) -> list[Problem]:
    """Every rule that the nodes break, with the place that set the key. None is a node that has problems."""
    found: list[Problem] = []
    for check in CHECKS:
        seen = [nodes[name] for name in signature(check).parameters]
        if all(node is not None for node in seen):
            found.extend(check(*seen))
    return [replace(problem, where=where.get(problem.key, "")) for problem in found]


def _source(model: ModelConfig, data: DataConfig) -> Iterator[Problem]:
    yield from source_problems({"model_source": model.model_source, "dataset_source": data.dataset_source})


def source_problems(named: Mapping[str, str | None]) -> Iterator[Problem]:
    """What is wrong with sources, by the key that names each."""
    for key, source in named.items():
        if source is not None and not hubs.is_setting(source):
            expected = tr("config.rule.model_source", choices=", ".join(MODEL_SOURCES))
            yield Problem(key, source, expected)


def _precision(precision: PrecisionConfig) -> Iterator[Problem]:
    if precision.bf16 and precision.fp16:
        yield Problem("fp16", True, tr("config.rule.one_precision"))
    if precision.pure_bf16 and precision.bf16 is False:
        yield Problem("pure_bf16", True, tr("config.rule.pure_bf16"))


def _data(data: DataConfig, output: OutputConfig) -> Iterator[Problem]:
    asked = bool(data.eval_dataset) and not output.trains()
    if not data.dataset and not data.tokenized_path and not asked:
        yield Problem("dataset", None, tr("config.rule.dataset"))
    if data.val_size and data.eval_dataset:
        yield Problem("val_size", data.val_size, tr("config.rule.val_or_eval"))
    if data.val_size > 1 and not float(data.val_size).is_integer():
        yield Problem("val_size", data.val_size, tr("config.rule.val_size"))


def _texts(data: DataConfig, method: MethodConfig) -> Iterator[Problem]:
    if method.stage == "pt" and data.cutoff_len < 2:  # the first token of a row has nothing before it
        yield Problem("cutoff_len", data.cutoff_len, tr("config.expect.ge", bound=2))


def _mixing(data: DataConfig) -> Iterator[Problem]:
    shares = data.interleave_probs
    if not shares:
        return
    if data.mix_strategy == "concat":
        yield Problem("interleave_probs", shares, tr("config.rule.shares_interleave"))
    elif len(shares) != len(data.dataset):
        count = len(data.dataset)
        yield Problem("interleave_probs", shares, tr("config.rule.shares_count", count=count))
    elif not math.isclose(sum(shares), 1, abs_tol=1e-6):
        yield Problem("interleave_probs", shares, tr("config.rule.shares_sum"))


def _streaming(data: DataConfig, optimisation: OptimisationConfig, output: OutputConfig) -> Iterator[Problem]:
    if not data.streaming:
        return
    if optimisation.max_steps == -1 and output.trains():
        yield Problem("max_steps", optimisation.max_steps, tr("config.rule.stream_steps"))
    if 0 < data.val_size < 1:
        yield Problem("val_size", data.val_size, tr("config.rule.stream_val_size"))
    if data.tokenized_path:
        yield Problem("tokenized_path", data.tokenized_path, tr("config.rule.stream_tokens"))


def _evaluation(output: OutputConfig, data: DataConfig) -> Iterator[Problem]:
    has_eval = bool(data.val_size or data.eval_dataset)
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


def _training(output: OutputConfig) -> Iterator[Problem]:
    if not output.trains() and not output.do_predict:
        yield Problem("do_train", False, tr("config.rule.do_train"))


def _predicting(
    output: OutputConfig, data: DataConfig, method: MethodConfig, prediction: PredictionConfig
) -> Iterator[Problem]:
    if not output.do_predict:
        return
    if prediction.predict_with_generate is False:
        yield Problem("predict_with_generate", False, tr("config.rule.predict_generates"))
    if method.stage == "pt":
        yield Problem("do_predict", True, tr("config.rule.predict_answers"))
    if not (data.eval_dataset or data.val_size) and (output.trains() or not data.dataset):
        yield Problem("do_predict", True, tr("config.rule.predict_rows"))


def _beams(prediction: PredictionConfig, generation: GenerationConfig) -> Iterator[Problem]:
    if prediction.num_beams == 1:
        return
    if generation.samples():
        yield Problem("num_beams", prediction.num_beams, tr("config.rule.beams_sample"))
    if prediction.infer_backend != "huggingface":
        yield Problem("num_beams", prediction.num_beams, tr("config.rule.beams_engine"))


def _steps(optimisation: OptimisationConfig) -> Iterator[Problem]:
    if optimisation.max_steps == 0 or optimisation.max_steps < -1:
        yield Problem("max_steps", optimisation.max_steps, tr("config.rule.max_steps"))
    if optimisation.lr_scheduler_type not in LR_SCHEDULERS:
        expected = tr("config.expect.choice", choices=", ".join(LR_SCHEDULERS))
        yield Problem("lr_scheduler_type", optimisation.lr_scheduler_type, expected)


def _whole_steps(output: OutputConfig) -> Iterator[Problem]:
    for key in ("logging_steps", "save_steps", "eval_steps"):
        value = getattr(output, key)
        if value is not None and value > 1 and not float(value).is_integer():
            yield Problem(key, value, tr("config.rule.whole_steps"))


def _adapters(method: MethodConfig, model: ModelConfig) -> Iterator[Problem]:
    given, kind = model.adapter_name_or_path, method.finetuning_type
    if given and kind != "lora":
        yield Problem("adapter_name_or_path", given, tr("config.rule.adapter", kind=kind))


def _lora(lora: LoraConfig) -> Iterator[Problem]:
    if lora.use_dora and lora.pissa_init:
        yield Problem("pissa_init", True, tr("config.rule.pissa_dora"))


def _quantization(
    quantization: QuantizationConfig, method: MethodConfig, lora: LoraConfig
) -> Iterator[Problem]:
    bits, int8 = quantization.quantization_bit, quantization.quantization_method == "int8"
    if int8 and bits != 8:
        yield Problem("quantization_bit", bits, tr("config.rule.int8_bits"))
    if bits and method.finetuning_type != "lora":
        yield Problem("quantization_bit", bits, tr("config.rule.quantised_lora"))
    for key in ("use_dora", "pissa_init"):
        if int8 and getattr(lora, key):
            yield Problem(key, True, tr("config.rule.int8_lora"))


def _freeze(freeze: FreezeConfig) -> Iterator[Problem]:
    if freeze.freeze_trainable_layers == 0:
        yield Problem("freeze_trainable_layers", 0, tr("config.rule.freeze_layers"))


CHECKS: tuple[Check, ...] = (
    *(_source, _precision, _data, _texts, _mixing, _streaming, _evaluation, _training, _steps, _whole_steps),
    *(_predicting, _beams, _adapters, _lora, _quantization, _freeze),
)
