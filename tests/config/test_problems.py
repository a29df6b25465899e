"""All problems of a config at once, each with key, value, expectation, place and suggestion."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conch.config import ExportConfig, ServeConfig, build, load_export, load_train
from conch.config.model import ModelConfig
from conch.config.types import Node
from conch.core import text
from conch.core.errors import ConfigErrors, Problem

NEEDED = {"model_name_or_path": "m", "dataset": "d"}


def problems(**values: object) -> list[Problem]:
    with pytest.raises(ConfigErrors) as error:
        load_train(values={**NEEDED, **values})
    return list(error.value.problems)


BROKEN = """\
model_name_or_path: m
dataset: d
lora_rnak: 16
lora_rank: 0
learning_rate: fast
media_dir: ./media
bf16: maybe
stage: dpo
finetuning_type: lroa
tf32: perhaps
val_size: -1
max_steps: 1.5
"""


def test_every_problem_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(BROKEN)
    with pytest.raises(ConfigErrors) as error:
        load_train(file, ["lora_alpha=much"])
    found = error.value.problems
    wrong = [line.partition(":")[0] for line in BROKEN.splitlines()[2:]]
    assert [p.key for p in found] == [*wrong, "lora_alpha"]
    assert [p.where for p in found] == [f"broken.yaml line {n}" for n in range(3, 13)] + ["command line"]
    assert len(str(error.value).splitlines()) == 1 + len(found)
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("lora_rank", 0, "at least 1"),
        ("lora_rank", "x", "a whole number"),
        ("lora_rank", True, "a number"),
        ("learning_rate", 0, "more than 0"),
        ("learning_rate", "fast", "a number"),
        ("lora_dropout", 2, "at most 1"),
        ("warmup_ratio", 1.5, "at most 1"),
        ("infer_dtype", "bf8", "one of auto, float16, bfloat16, float32"),
        ("bf16", "maybe", "true or false"),
        ("output_dir", [1], "text"),
        ("dataset", {"a": 1}, "a list, or names separated by commas"),
        ("lr_scheduler_kwargs", 3, "a mapping of names to values"),
        ("flash_attn", "fa9", "one of auto, disabled, sdpa, fa2, fa3"),
        ("save_strategy", "step", "one of no, steps, epoch"),
        ("lora_rnak", 3, "a known key"),
        ("num_beams", 0, "at least 1"),
        ("infer_backend", "mlx", "one of huggingface, llamacpp, auto"),
        ("report_to", "nobody", "one of none, all, tensorboard, wandb, swanlab, mlflow, trackio"),
    ],
)
def test_what_was_expected(key: str, value: object, expected: str) -> None:
    (problem,) = problems(**{key: value})
    assert (problem.key, problem.value, problem.expected) == (key, value, expected)
    assert problem.where == "Python call"


def test_a_required_key_that_is_missing() -> None:
    with pytest.raises(ConfigErrors) as error:
        load_train(words=["dataset=d"])
    (problem,) = error.value.problems
    assert (problem.key, problem.where) == ("model_name_or_path", "")
    assert "required" in problem.expected


@pytest.mark.parametrize("value", ["", None])
def test_a_required_key_that_is_empty(value: object) -> None:
    assert [p.key for p in problems(model_name_or_path=value)] == ["model_name_or_path"]


@pytest.mark.parametrize(
    ("key", "value", "suggestion"),
    [
        ("lora_rnak", 1, "lora_rank"),
        ("learning_rat", 1, "learning_rate"),
        ("evaluation_strategy", "steps", "eval_strategy"),
        ("num_epochs", 3, "num_train_epochs"),
        ("adam_epsilo", 0.9, "adam_epsilon"),
        ("flash_attn", "dpa", "sdpa"),
        ("finetuning_type", "lroa", "lora"),
        ("zzz", 1, ""),
    ],
)
def test_did_you_mean(key: str, value: object, suggestion: str) -> None:
    (problem,) = problems(**{key: value})
    assert problem.suggestion == suggestion
    assert (f"did you mean '{suggestion}'" in problem.sentence()) is bool(suggestion)


def test_a_key_written_twice(tmp_path: Path) -> None:
    file = tmp_path / "twice.yaml"
    file.write_text("model_name_or_path: m\nseed: 1\ndataset: d\nseed: 2\nlora_rank: 1\nlora_rank: 2\n")
    with pytest.raises(ConfigErrors) as error:
        load_train(file)
    assert [(p.key, p.where) for p in error.value.problems] == [
        ("seed", "twice.yaml line 4"),
        ("lora_rank", "twice.yaml line 6"),
    ]
    assert "twice.yaml line 2" in error.value.problems[0].expected


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"bf16": True, "fp16": True}, "fp16"),
        ({"pure_bf16": True, "bf16": False}, "pure_bf16"),
        ({"dataset": None}, "dataset"),
        ({"dataset": ","}, "dataset"),
        ({"val_size": 0.1, "eval_dataset": "e"}, "val_size"),
        ({"val_size": 2.5}, "val_size"),
        ({"eval_strategy": "steps"}, "eval_strategy"),
        ({"eval_steps": 5}, "eval_strategy"),
        ({"load_best_model_at_end": True}, "load_best_model_at_end"),
        ({"load_best_model_at_end": True, "val_size": 0.1, "save_strategy": "steps"}, "save_strategy"),
        ({"early_stopping_steps": 3, "val_size": 0.1}, "early_stopping_steps"),
        ({"max_steps": 0}, "max_steps"),
        ({"max_steps": -2}, "max_steps"),
        ({"lr_scheduler_type": "cosinus"}, "lr_scheduler_type"),
        ({"logging_steps": 1.5}, "logging_steps"),
        ({"save_steps": 2.5}, "save_steps"),
        ({"eval_steps": 2.5, "val_size": 0.1}, "eval_steps"),
        ({"finetuning_type": "full", "adapter_name_or_path": "a"}, "adapter_name_or_path"),
        ({"use_dora": True, "pissa_init": True}, "pissa_init"),
        ({"quantization_bit": 4, "quantization_method": "int8"}, "quantization_bit"),
        ({"quantization_method": "int8"}, "quantization_bit"),
        ({"quantization_bit": 16}, "quantization_bit"),
        ({"quantization_bit": 8, "finetuning_type": "full"}, "quantization_bit"),
        ({"quantization_bit": 8, "quantization_method": "int8", "use_dora": True}, "use_dora"),
        ({"quantization_bit": 4, "quantization_method": "gptq"}, "quantization_method"),
        ({"freeze_trainable_layers": 0}, "freeze_trainable_layers"),
        ({"do_train": False}, "do_train"),
        ({"do_train": True, "do_predict": True}, "do_predict"),
        ({"do_predict": True, "predict_with_generate": False}, "predict_with_generate"),
        ({"do_predict": True, "stage": "pt"}, "do_predict"),
        ({"do_predict": True, "num_beams": 2, "do_sample": True}, "num_beams"),
        ({"do_predict": True, "num_beams": 2, "infer_backend": "llamacpp"}, "num_beams"),
        ({"infer_backend": "vllm"}, "infer_backend"),
    ],
)
def test_rules_between_keys(values: dict[str, object], key: str) -> None:
    found = problems(**values)
    assert [p.key for p in found] == [key]
    assert found[0].expected


@pytest.mark.parametrize(
    "values",
    [
        {"bf16": True},
        {"pure_bf16": True},
        {"val_size": 10},
        {"val_size": 0.5, "eval_steps": 0.5},
        {"eval_dataset": "e", "eval_strategy": "steps"},
        {"load_best_model_at_end": True, "val_size": 0.1, "save_strategy": "epoch"},
        {"max_steps": -1},
        {"logging_steps": 0.1},
        {"adapter_name_or_path": "a,b"},
        {"freeze_trainable_layers": -2},
        {"do_predict": True},
        {"do_predict": True, "do_train": False, "streaming": True},
        {"do_predict": True, "do_train": True, "val_size": 0.1},
        {"do_predict": True, "num_beams": 4, "length_penalty": 0.5, "temperature": 0},
    ],
)
def test_what_the_rules_allow(values: dict[str, object]) -> None:
    load_train(values={**NEEDED, **values})


def test_problems_are_told_in_chinese() -> None:
    text.set_language("zh")
    with pytest.raises(ConfigErrors) as error:
        load_train(words=["model_name_or_path=m", "dataset=d", "lora_rnak=1"])
    assert "您是想写 'lora_rank' 吗？" in str(error.value)
    assert "命令行" in str(error.value)


def test_an_export_tells_every_problem_too() -> None:
    with pytest.raises(ConfigErrors) as error:
        load_export(words=["export_dri=x", "export_size=0", "export_quantization_bit=4"])
    found = {p.key: p for p in error.value.problems}
    assert set(found) == {
        "export_dri",
        "export_size",
        "export_quantization_bit",
        "model_name_or_path",
        "export_dir",
    }
    assert found["export_dri"].suggestion == "export_dir"


def test_an_export_file_of_llama_factory_loads() -> None:
    values = {"template": "llama3", "finetuning_type": "lora", "export_legacy_format": False}
    values |= {
        "model_name_or_path": "m",
        "adapter_name_or_path": "a",
        "export_dir": "x",
        "export_device": "cpu",
    }
    loaded = load_export(values={**values, "trust_remote_code": True, "export_size": 5})
    assert (loaded.config.adapter_name_or_path, loaded.config.export_size) == (("a",), 5)
    assert loaded.warnings == ()


# checks beside wrong keys


@pytest.mark.parametrize(
    "values",
    [
        {"lora_rank": "x", "dataset": None},
        {"unheard_of_": 1, "bf16": True, "fp16": True},
        {"tf32": "perhaps", "val_size": 2.5},
        {"seed": "x", "save_steps": 2.5, "freeze_trainable_layers": 0},
        {"stage": "dpo", "use_dora": True, "pissa_init": True},
    ],
)
def test_a_wrong_key_hides_no_rule_between_others(values: dict[str, object]) -> None:
    told = {problem.key for problem in problems(**values)}
    hidden = {"bf16", "use_dora"}
    assert told == values.keys() - hidden


def test_a_rule_is_not_judged_by_a_node_that_has_problems() -> None:
    assert [p.key for p in problems(val_size="x", eval_strategy="steps")] == ["val_size"]


# secrets


@pytest.mark.parametrize(
    "key",
    ["hf_hub_tokne", "hf_token", "hub_tokn", "api_key", "OPENAI_API_KEY", "my_password", "client_secret"],
)
@pytest.mark.parametrize("load", [load_train, load_export])
def test_what_may_be_a_secret_is_not_shown(key: str, load: Callable[..., object]) -> None:
    with pytest.raises(ConfigErrors) as error:
        load(words=[f"{key}=hf_abcdef", "lora_rank=x"])
    assert "hf_abcdef" not in error.value.message
    assert "hf_abcdef" not in str(error.value.to_dict())
    assert "lora_rank = 'x'" in error.value.message


def test_a_known_key_is_shown_although_it_speaks_of_tokens() -> None:
    assert "'many'" in problems(max_new_tokens="many")[0].sentence()


# how values are shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(True, "true"), ([1, None, "a"], '[1, null, "a"]'), ({"a": False}, '{"a": false}')],
)
def test_a_value_is_shown_as_a_file_writes_it(value: object, shown: str) -> None:
    assert Problem("k", value, "x").sentence().startswith(f"k = {shown}: ")


def test_what_nobody_set_is_said_to_be_unset() -> None:
    assert Problem("k", None, "x").sentence() == "k is not set: expected x"
    assert Problem("k", None, "x", "a.yaml line 3").sentence().startswith("k = null: ")


def test_a_list_that_holds_itself_is_refused_like_any_other() -> None:
    itself: list[object] = []
    itself.append(itself)
    with pytest.raises(ConfigErrors, match="lora_rank") as error:
        load_train(values={**NEEDED, "lora_rank": itself})
    assert json.dumps(error.value.to_dict())


# one node by itself


def test_a_node_is_built_or_every_problem_of_it_told() -> None:
    made = build(ModelConfig, {"model_name_or_path": "m", "infer_dtype": "bf16", "cache_dir": None})
    assert (made.infer_dtype, made.cache_dir) == ("bfloat16", None)
    values = {"model_name_or_path": "", "trust_remote_cod": True, "flash_attn": "fa9", "hub_token": "hf_abc"}
    with pytest.raises(ConfigErrors) as error:
        build(ModelConfig, values)
    found = {p.key: p for p in error.value.problems}
    assert list(found) == list(values)
    assert found["trust_remote_cod"].suggestion == "trust_remote_code"
    assert "hf_abc" not in error.value.message


@pytest.mark.parametrize("node", [ModelConfig, ExportConfig, ServeConfig])
def test_nothing_is_no_model(node: type[Node]) -> None:
    key = "model" if node is ServeConfig else "model_name_or_path"
    with pytest.raises(ConfigErrors, match=f"{key} = ''"):
        build(node, {key: "", **({"export_dir": "x"} if node is ExportConfig else {})})
