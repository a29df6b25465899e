"""Every key that a user's file may hold is honoured, refused with a reason, or warned about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conch.config import load, load_export, load_train
from conch.config.export import ExportConfig
from conch.config.keys import EXPORT_LATER, LATER, NO_EFFECT, PASSTHROUGH
from conch.config.load import FIELD_NODES
from conch.config.optimisation import LR_SCHEDULERS
from conch.core.errors import ConfigErrors
from conch.core.text import tr

NEEDED = {"model_name_or_path": "m", "dataset": "d"}

# What the design names, each with a value that asks for something other than the default.
MODEL = {
    "model_name_or_path": "other",
    "model_revision": "abc",
    "cache_dir": "./cache",
    "trust_remote_code": True,
    "flash_attn": "sdpa",
    "rope_scaling": "linear",
    "resize_vocab": True,
    "add_tokens": "<a>,<b>",
    "add_special_tokens": "<c>",
    "adapter_name_or_path": "a,b",
    "quantization_bit": 4,
    "quantization_method": "int8",
    "quantization_type": "fp4",
    "disable_gradient_checkpointing": True,
    "upcast_layernorm": True,
    "low_cpu_mem_usage": False,
    "hf_hub_token": "t",
    "ms_hub_token": "t",
    "print_param_status": True,
    "infer_dtype": "float16",
    "enable_liger_kernel": True,
    "train_from_scratch": True,
    "use_unsloth": True,
    "use_unsloth_gc": True,
    "shift_attn": True,
    "mixture_of_depths": "convert",
    "use_kt": True,
    "moe_aux_loss_coef": 0.1,
    "image_max_pixels": 1,
    "image_min_pixels": 1,
    "image_do_pan_and_scan": 1,
    "video_max_pixels": 1,
    "video_min_pixels": 1,
    "video_fps": 1.0,
    "video_maxlen": 1,
    "audio_sampling_rate": 1,
    "new_special_tokens_config": "x.yaml",
    "init_special_tokens": "desc_init",
    "use_fast_tokenizer": True,
    "use_v1_kernels": True,
    "use_reentrant_gc": True,
}
DATA = {
    "dataset": "other",
    "eval_dataset": "held_out",
    "dataset_dir": "./data",
    "template": "chatml",
    "cutoff_len": 100,
    "train_on_prompt": True,
    "mask_history": True,
    "streaming": True,
    "buffer_size": 10,
    "mix_strategy": "interleave_under",
    "interleave_probs": "0.5,0.5",
    "overwrite_cache": True,
    "preprocessing_num_workers": 4,
    "preprocessing_batch_size": 10,
    "max_samples": 10,
    "ignore_pad_token_for_loss": True,
    "val_size": 0.1,
    "eval_on_each_dataset": True,
    "packing": True,
    "neat_packing": True,
    "default_system": "be brief",
    "enable_thinking": False,
    "tool_format": "qwen",
    "tokenized_path": "./tokens",
    "media_dir": "./media",
}
METHOD = {
    "finetuning_type": "full",
    "stage": "pt",
    "lora_rank": 4,
    "lora_alpha": 4,
    "lora_dropout": 0.1,
    "lora_target": "q_proj",
    "additional_target": "embed_tokens",
    "use_rslora": True,
    "use_dora": True,
    "pissa_init": True,
    "pissa_iter": 4,
    "pissa_convert": True,
    "loraplus_lr_ratio": 4.0,
    "loraplus_lr_embedding": 1e-5,
    "create_new_adapter": True,
    "freeze_trainable_layers": 1,
    "freeze_trainable_modules": "mlp",
    "freeze_extra_modules": "embed_tokens",
    "pure_bf16": True,
    "compute_accuracy": True,
    "plot_loss": False,
    "early_stopping_steps": 3,
    "include_effective_tokens_per_second": True,
    "neftune_noise_alpha": 5.0,
    "optim": "adafactor",
    "lr_scheduler_type": "cosine",
    "pref_beta": 0.2,
    "pref_ftx": 0.2,
    "pref_loss": "orpo",
    "pref_bco_weight": 0.1,
    "simpo_gamma": 1.0,
    "dpo_label_smoothing": 0.1,
    "kto_chosen_weight": 2.0,
    "kto_rejected_weight": 2.0,
    "ppo_buffer_size": 2,
    "ppo_epochs": 2,
    "ppo_score_norm": True,
    "ppo_target": 1.0,
    "ppo_whiten_rewards": True,
    "ref_model": "r",
    "ref_model_adapters": "r",
    "ref_model_quantization_bit": 4,
    "reward_model": "r",
    "reward_model_adapters": "r",
    "reward_model_quantization_bit": 4,
    "reward_model_type": "full",
    "use_galore": True,
    "use_apollo": True,
    "use_badam": True,
    "use_adam_mini": True,
    "use_muon": True,
    "use_llama_pro": True,
    "use_dft_loss": True,
    "use_asft_loss": True,
    "use_eaft_loss": True,
    "fp8": True,
    "fp8_backend": "te",
    "fp8_enable_fsdp_float8_all_gather": True,
    "deepspeed": "ds.json",
    "fsdp": "full_shard",
    "fsdp_config": "fsdp.json",
    "ray_run_name": "r",
    "ray_num_workers": 4,
    "ray_storage_path": "./ray",
    "tensor_model_parallel_size": 2,
    "pipeline_model_parallel_size": 2,
    "ddp_timeout": 180000000,
}
RUN = {
    "output_dir": "./out",
    "overwrite_output_dir": True,
    "do_train": False,
    "do_eval": True,
    "do_predict": True,
    "predict_with_generate": True,
    "logging_steps": 1,
    "save_steps": 7,
    "save_strategy": "epoch",
    "save_total_limit": 2,
    "save_only_model": True,
    "eval_strategy": "steps",
    "eval_steps": 5,
    "load_best_model_at_end": True,
    "metric_for_best_model": "eval_loss",
    "resume_from_checkpoint": "auto",
    "seed": 7,
    "report_to": "wandb",
    "run_name": "r",
    "use_swanlab": True,
    "swanlab_project": "p",
    "swanlab_mode": "local",
    "project": "p",
    "trackio_space_id": "me/space",
    "swanlab_run_name": "r",
    "swanlab_workspace": "w",
    "swanlab_api_key": "k",
    "swanlab_logdir": "./logs",
}
GENERATION = {
    "do_sample": True,
    "temperature": 0.5,
    "top_p": 0.5,
    "top_k": 5,
    "num_beams": 4,
    "max_new_tokens": 5,
    "max_length": 5,
    "repetition_penalty": 1.1,
    "length_penalty": 2.0,
    "skip_special_tokens": False,
    "infer_backend": "vllm",
}
EXPORT = {
    "export_dir": "./export",
    "export_size": 2,
    "export_device": "auto",
    "export_legacy_format": True,
    "export_hub_model_id": "a/b",
    "export_quantization_bit": 4,
    "export_quantization_dataset": "c4",
    "export_quantization_nsamples": 64,
    "export_quantization_maxlen": 512,
}
TRAIN = {**MODEL, **DATA, **METHOD, **RUN, **GENERATION}


def fate(key: str, value: Any) -> str:
    """What becomes of a key: honoured, refused or warned about."""
    try:
        loaded = load_train(values={**NEEDED, key: value})
    except ConfigErrors as error:
        (problem,) = error.problems
        assert problem.expected != tr("config.expect.known_key"), f"{key} is refused without a reason"
        return "refused"
    if any(warning.startswith(f"{key} ") for warning in loaded.warnings):
        return "warned"
    flat = loaded.config.to_flat(secrets=True)
    default = load_train(values=NEEDED).config.to_flat(secrets=True)
    assert flat.get(key) != default.get(key), f"{key} is silently ignored"
    return "honoured"


@pytest.mark.parametrize("key", TRAIN)
def test_no_key_is_silently_ignored(key: str) -> None:
    assert fate(key, TRAIN[key]) in {"honoured", "refused", "warned"}


def export_fate(key: str, value: Any) -> str:
    """What becomes of a key in an export."""
    try:
        loaded = load_export(values={"model_name_or_path": "m", "export_dir": "x", key: value})
    except ConfigErrors as error:
        (problem,) = error.problems
        assert problem.key == key
        assert problem.expected != tr("config.expect.known_key"), f"{key} is refused without a reason"
        return "refused"
    if any(warning.startswith(f"{key} ") for warning in loaded.warnings):
        return "warned"
    assert key in ExportConfig.model_fields, f"{key} is silently ignored"
    assert getattr(loaded.config, key) != ExportConfig.model_fields[key].default
    return "honoured"


@pytest.mark.parametrize("key", {**TRAIN, **EXPORT})
def test_no_key_of_an_export_is_silently_ignored(key: str) -> None:
    assert export_fate(key, {**TRAIN, **EXPORT}[key]) in {"honoured", "refused", "warned"}


@pytest.mark.parametrize(
    ("key", "value", "fate"),
    [
        ("export_legacy_format", True, "warned"),
        ("export_hub_model_id", "a/b", "honoured"),
        ("quantization_method", "int8", "warned"),
        ("quantization_device_map", "auto", "refused"),
        ("flash_attn", "zzz", "refused"),
        ("flash_attn", "sdpa", "warned"),
        ("lora_rank", "x", "refused"),
        ("stage", "dpo", "refused"),
        ("resize_vocab", True, "warned"),
        ("add_tokens", "<a>,<b>", "warned"),
        ("tf32", "perhaps", "refused"),
        ("dataloader_num_workers", 4, "warned"),
        ("ddp_timeout", 1, "warned"),
    ],
)
def test_what_an_export_makes_of_keys_of_a_training(key: str, value: object, fate: str) -> None:
    assert export_fate(key, value) == fate


def test_an_export_names_every_key_that_it_can_not_use() -> None:
    with pytest.raises(ConfigErrors) as error:
        load_export(words=["model_name_or_path=m", "quantization_device_map=auto", "flash_attn=zzz"])
    assert [p.key for p in error.value.problems] == ["quantization_device_map", "flash_attn", "export_dir"]


@pytest.mark.parametrize("value", ["rm", "dpo", "kto", "ppo", "grpo"])
def test_later_stages_say_that_they_come_later(value: str) -> None:
    with pytest.raises(ConfigErrors) as error:
        load_train(values={**NEEDED, "stage": value})
    assert error.value.problems[0].expected == tr("config.later.method")


@pytest.mark.parametrize(
    "value", ["tensorboard", "wandb", "swanlab", "mlflow", "trackio", "all", "wandb, mlflow"]
)
def test_trackers_are_known(value: str) -> None:
    config = load_train(values={**NEEDED, "report_to": value}).config
    assert config.trackers.report_to == tuple(value.split(", "))


def test_a_key_of_a_tracker_is_refused_with_a_way_out() -> None:
    with pytest.raises(ConfigErrors) as error:
        load_train(values={**NEEDED, "swanlab_api_key": "SECRET"})
    assert "SWANLAB_API_KEY" in error.value.message
    assert "SECRET" not in error.value.message


@pytest.mark.parametrize("value", ["nobody", ["none", "comet_ml"]])
def test_an_unknown_tracker_is_refused(value: object) -> None:
    with pytest.raises(ConfigErrors) as error:
        load_train(values={**NEEDED, "report_to": value})
    assert error.value.problems[0].key == "report_to"


@pytest.mark.parametrize("key", LATER)
def test_a_later_key_that_asks_for_nothing_does_no_harm(key: str) -> None:
    forms = {form for value in LATER[key].harmless for form in (value, str(value), str(value).lower())}
    for value in forms:
        assert load_train(values={**NEEDED, key: value}).warnings == ()


def test_one_and_one_point_nothing_are_alike() -> None:
    for value in (1, 1.0, "1", "1.0"):
        load_train(values={**NEEDED, "length_penalty": value})


@pytest.mark.parametrize("key", EXPORT_LATER)
def test_a_later_export_key_that_asks_for_nothing_does_no_harm(key: str) -> None:
    for value in EXPORT_LATER[key].harmless:
        load_export(values={"model_name_or_path": "m", "export_dir": "x", key: value})


def test_no_key_is_in_two_tables() -> None:
    tables = [set(FIELD_NODES), set(PASSTHROUGH), set(LATER), set(NO_EFFECT)]
    assert sum(map(len, tables)) == len(load.TRAIN.known())


LLAMA_FACTORY = """\
### model
model_name_or_path: meta-llama/Meta-Llama-3-8B-Instruct
trust_remote_code: true

### method
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 8
lora_target: all

### dataset
dataset: identity,alpaca_en_demo
dataset_dir: data
template: llama3
cutoff_len: 2048
max_samples: 1000
overwrite_cache: true
preprocessing_num_workers: 16
dataloader_num_workers: 4
packing: false
enable_thinking: true

### output
output_dir: saves/llama3-8b/lora/sft
logging_steps: 10
save_steps: 500
plot_loss: true
overwrite_output_dir: true
save_only_model: false
report_to: none  # choices: [none, wandb, tensorboard, swanlab, mlflow]

### train
per_device_train_batch_size: 1
gradient_accumulation_steps: 8
learning_rate: 1.0e-4
num_train_epochs: 3.0
lr_scheduler_type: cosine
warmup_ratio: 0.1
bf16: true
ddp_timeout: 180000000
resume_from_checkpoint: null
flash_attn: auto
include_num_input_tokens_seen: true
max_grad_norm: 1.0
optim: adamw_torch
warmup_steps: 0

### eval
val_size: 0.1
per_device_eval_batch_size: 1
eval_strategy: steps
eval_steps: 500
"""


def test_a_file_of_llama_factory_loads_unchanged(tmp_path: Path) -> None:
    (tmp_path / "sft.yaml").write_text(LLAMA_FACTORY)
    loaded = load_train(tmp_path / "sft.yaml")
    config = loaded.config
    assert config.data.dataset == ("identity", "alpaca_en_demo")
    assert (config.optimisation.learning_rate, config.optimisation.num_train_epochs) == (1e-4, 3)
    assert (config.lora.lora_rank, config.lora.alpha(), config.lora.lora_target) == (8, 16, ("all",))
    assert config.output.eval_when(True) == "steps"
    assert config.precision.bf16 is True
    assert config.passthrough == {"dataloader_num_workers": 4}
    warned = {warning.partition(" ")[0] for warning in loaded.warnings}
    assert warned == {"ddp_timeout", "include_num_input_tokens_seen"}


def test_generation_keys_are_warned_about_while_training() -> None:
    assert fate("temperature", 0.5) == "warned"
    assert load_train(values={**NEEDED, "max_new_tokens": "1024", "temperature": None}).warnings == ()


@pytest.mark.parametrize("value", ["bfloat16", "bf16", "fp32"])
def test_the_number_format_of_chat_is_warned_about_while_training(value: str) -> None:
    assert fate("infer_dtype", value) == "warned"
    assert load_train(values={**NEEDED, "infer_dtype": "auto"}).warnings == ()


def test_names_agree_with_transformers() -> None:
    """About three seconds: imports transformers."""
    from dataclasses import fields

    from transformers import SchedulerType, TrainingArguments

    theirs = {field.name for field in fields(TrainingArguments)}
    assert set(PASSTHROUGH) <= theirs
    assert theirs - load.TRAIN.known() == set(), "fields of TrainingArguments that a user's file may hold"
    assert set(LR_SCHEDULERS) == {scheduler.value for scheduler in SchedulerType}
    for key, value in {bool: True, int: 1, float: 0.5}.items():
        names = [name for name, kind in PASSTHROUGH.items() if kind is key]
        assert names
        for name in names:
            assert load_train(values={**NEEDED, name: value}).config.passthrough == {name: value}


def test_every_honoured_key_is_read_by_somebody() -> None:
    """A key that no other layer asks for would be accepted and forgotten."""
    import ast

    from conch.config import load
    from conch.config.train import NODES

    package = Path(load.__file__).parents[1]
    read = {
        node.attr
        for path in package.rglob("*.py")
        if "text" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    read |= {"logging_steps", "save_steps", "eval_steps", "after_command"}  # asked for by name
    unread = {key for name, node in NODES.items() if name != "generation" for key in node.model_fields} - read
    assert unread == set()
