"""Keys that users' files may hold and that have no node of their own.

Each known key is honoured (a node's field), handed on to transformers (`PASSTHROUGH`), refused
with a reason until it is built (`LATER`), or accepted with a warning (`NO_EFFECT`). None is
silently ignored.
"""

from __future__ import annotations

from typing import Any, NamedTuple

PASSTHROUGH: dict[str, type] = {
    "accelerator_config": dict,
    "adam_beta1": float,
    "adam_beta2": float,
    "adam_epsilon": float,
    "average_tokens_across_devices": bool,
    "bf16_full_eval": bool,
    "dataloader_drop_last": bool,
    "dataloader_in_order": bool,
    "dataloader_multiprocessing_context": str,
    "dataloader_num_workers": int,
    "dataloader_persistent_workers": bool,
    "dataloader_pin_memory": bool,
    "dataloader_prefetch_factor": int,
    "ddp_find_unused_parameters": bool,
    "eval_delay": float,
    "eval_on_start": bool,
    "fp16_full_eval": bool,
    "full_determinism": bool,
    "gradient_checkpointing": bool,
    "gradient_checkpointing_kwargs": dict,
    "ignore_data_skip": bool,
    "logging_nan_inf_filter": bool,
    "logging_strategy": str,
    "optim_args": str,
    "optim_target_modules": list,
    "restore_callback_states_from_checkpoint": bool,
    "tf32": bool,
    "torch_empty_cache_steps": int,
    "use_cache": bool,
    "use_cpu": bool,
}
"""Fields of transformers' TrainingArguments that are handed on, with the type each takes."""


class Later(NamedTuple):
    reason: str
    """Key of the text that says why it is refused."""
    harmless: tuple[Any, ...] = (None, False)
    """Values that ask for nothing and are therefore accepted."""


_METHOD = "config.later.method"
_MEDIA = "config.later.media"
_CLUSTER = "config.later.cluster"
_MODEL = "config.later.model"
_PREDICT = "config.later.predict"
_HUB = "config.later.hub"
_TRACKERS = "config.later.trackers"
_TRAINER = "config.later.trainer"

LATER: dict[str, Later] = {
    "quantization_device_map": Later(_CLUSTER),
    **dict.fromkeys(
        (
            "use_unsloth",
            "use_unsloth_gc",
            "shift_attn",
            "mixture_of_depths",
            "use_kt",
            "kt_optimize_rule",
            "moe_aux_loss_coef",
            "new_special_tokens_config",
            "pissa_convert",
            "adapter_folder",
            "split_special_tokens",
            "upcast_lmhead_output",
        ),
        Later(_MODEL),
    ),
    "init_special_tokens": Later(_MODEL, (None, "noise_init")),
    **dict.fromkeys(
        (
            "use_galore",
            "use_apollo",
            "use_badam",
            "use_adam_mini",
            "use_muon",
            "use_llama_pro",
            "use_dft_loss",
            "use_asft_loss",
            "use_eaft_loss",
            "oft_rank",
            "oft_block_size",
            "oft_target",
            "module_dropout",
            "galore_target",
            "galore_rank",
            "galore_update_interval",
            "galore_scale",
            "galore_proj_type",
            "galore_layerwise",
            "apollo_target",
            "apollo_rank",
            "apollo_update_interval",
            "apollo_scale",
            "apollo_proj",
            "apollo_proj_type",
            "apollo_scale_type",
            "apollo_layerwise",
            "apollo_scale_front",
            "badam_mode",
            "badam_start_block",
            "badam_switch_mode",
            "badam_switch_interval",
            "badam_update_ratio",
            "badam_mask_mode",
            "badam_verbose",
            "ld_alpha",
            "pref_beta",
            "pref_ftx",
            "pref_loss",
            "pref_bco_weight",
            "simpo_gamma",
            "dpo_label_smoothing",
            "kto_chosen_weight",
            "kto_rejected_weight",
            "ppo_buffer_size",
            "ppo_epochs",
            "ppo_score_norm",
            "ppo_target",
            "ppo_whiten_rewards",
            "ref_model",
            "ref_model_adapters",
            "ref_model_quantization_bit",
            "reward_model",
            "reward_model_adapters",
            "reward_model_quantization_bit",
            "reward_model_type",
        ),
        Later(_METHOD),
    ),
    **dict.fromkeys(
        (
            "media_dir",
            "image_max_pixels",
            "image_min_pixels",
            "image_do_pan_and_scan",
            "crop_to_patches",
            "video_max_pixels",
            "video_min_pixels",
            "video_fps",
            "video_maxlen",
            "use_audio_in_video",
            "audio_sampling_rate",
            "freeze_vision_tower",
            "freeze_multi_modal_projector",
            "freeze_language_model",
        ),
        Later(_MEDIA, (None, False, True)),
    ),
    **dict.fromkeys(
        (
            "deepspeed",
            "fsdp",
            "fsdp_config",
            "fp8",
            "fp8_backend",
            "fp8_enable_fsdp_float8_all_gather",
            "fsdp_transformer_layer_cls_to_wrap",
            "parallelism_config",
            "use_mca",
            "tensor_model_parallel_size",
            "pipeline_model_parallel_size",
            "expert_model_parallel_size",
            "context_parallel_size",
            "virtual_pipeline_model_parallel_size",
            "sequence_parallel",
            "recompute_granularity",
            "ray_run_name",
            "ray_storage_path",
            "ray_storage_filesystem",
            "ray_num_workers",
            "resources_per_worker",
            "placement_strategy",
            "ray_init_kwargs",
            "master_addr",
            "master_port",
        ),
        Later(_CLUSTER),
    ),
    **dict.fromkeys(
        ("generation_config", "eval_num_beams", "generation_num_beams", "generation_max_length"),
        Later(_PREDICT),
    ),
    "num_return_sequences": Later(_PREDICT, (None, 1)),
    **dict.fromkeys(
        (
            "om_hub_token",
            "push_to_hub",
            "hub_model_id",
            "hub_token",
            "hub_private_repo",
            "hub_always_push",
            "hub_revision",
        ),
        Later(_HUB),
    ),
    "hub_strategy": Later(_HUB, (None, "every_save")),
    **dict.fromkeys(
        (
            "swanlab_lark_webhook_url",
            "swanlab_lark_secret",
            "trackio_bucket_id",
            "trackio_static_space_id",
        ),
        Later(_TRACKERS),
    ),
    "swanlab_api_key": Later("config.later.swanlab_key"),
    "label_smoothing_factor": Later(_TRAINER, (None, 0, 0.0)),
    **dict.fromkeys(
        (
            "activation_checkpointing",
            "activation_checkpointing_kwargs",
            "auto_find_batch_size",
            "debug",
            "disable_shuffling",
            "enable_jit_checkpoint",
            "group_by_length",
            "liger_kernel_config",
            "torch_compile",
            "torch_compile_backend",
            "torch_compile_mode",
            "use_liger_kernel",
        ),
        Later(_TRAINER),
    ),
    "train_sampling_strategy": Later(_TRAINER, (None, "random")),
}
"""Keys that are refused until they are built, unless they ask for nothing."""

LATER_VALUES: dict[str, dict[str, str]] = {
    "stage": dict.fromkeys(("rm", "dpo", "kto", "ppo", "grpo"), _METHOD),
    "finetuning_type": {"oft": _METHOD},
    "infer_backend": dict.fromkeys(("vllm", "sglang"), "config.later.backend"),
    "quantization_method": dict.fromkeys(
        ("gptq", "awq", "aqlm", "quanto", "eetq", "hqq", "mxfp4", "fp8"), "config.later.quantization"
    ),
}
"""Known values of honoured keys that are refused until they are built."""

NO_EFFECT: dict[str, str] = {
    "use_fast_tokenizer": "config.no_effect.fast_tokenizer",
    "use_v1_kernels": "config.no_effect.kernels",
    "use_reentrant_gc": "config.no_effect.reentrant",
    "ddp_timeout": "config.no_effect.one_process",
    "preprocessing_batch_size": "config.no_effect.workers",
    "tool_format": "config.no_effect.tool_format",
    "ignore_pad_token_for_loss": "config.no_effect.padding",
    "logging_dir": "config.no_effect.logging_dir",
    "low_cpu_mem_usage": "config.no_effect.low_memory",
    "offload_folder": "config.no_effect.low_memory",
    "print_param_status": "config.no_effect.always_told",
    "include_effective_tokens_per_second": "config.no_effect.always_told",
    "include_num_input_tokens_seen": "config.no_effect.always_told",
    "save_safetensors": "config.no_effect.safetensors",
    "use_kv_cache": "config.no_effect.generation",
    **dict.fromkeys(
        ("disable_tqdm", "log_level", "log_level_replica", "log_on_each_node"), "config.no_effect.output"
    ),
    **dict.fromkeys(
        (
            "ddp_backend",
            "ddp_broadcast_buffers",
            "ddp_bucket_cap_mb",
            "ddp_static_graph",
            "local_rank",
            "save_on_each_node",
        ),
        "config.no_effect.one_process",
    ),
    **dict.fromkeys(
        (
            "batch_eval_metrics",
            "eval_accumulation_steps",
            "eval_do_concat_batches",
            "eval_use_gather_object",
            "include_for_metrics",
            "label_names",
            "length_column_name",
            "prediction_loss_only",
            "remove_unused_columns",
            "skip_memory_metrics",
        ),
        "config.no_effect.trainer",
    ),
}
"""Keys that are accepted with a warning that says why they change nothing."""

TRAIN_NO_EFFECT: dict[str, str] = {"infer_dtype": "config.no_effect.infer_dtype"}
"""Keys of other jobs that a training accepts with a warning where they ask for something."""

EXPORT_LATER: dict[str, Later] = {
    "export_quantization_bit": Later("config.later.export"),
    "export_quantization_dataset": Later("config.later.export"),
    "export_quantization_maxlen": Later("config.later.export", (None, 1024)),
    "export_quantization_nsamples": Later("config.later.export", (None, 128)),
}
"""Keys of an export that are refused until they are built."""

EXPORT_NO_EFFECT: dict[str, str] = {
    "export_legacy_format": "config.no_effect.safetensors",
    **dict.fromkeys(("resize_vocab", "add_tokens", "add_special_tokens"), "config.no_effect.export_tokens"),
}
"""Keys that an export accepts with a warning where they ask for something."""
