"""What the field calls our keys elsewhere, for a hint to who types one of these words. None is accepted."""

from __future__ import annotations

_WORDS = {
    "model_name_or_path": "model model_name model_path model_id base_model pretrained_model "
    "pretrained_model_name_or_path",
    "adapter_name_or_path": "adapter adapters adapter_path lora_path lora_weights",
    "dataset": "data datasets dataset_name dataset_path data_path data_file data_files train_file train_data "
    "train_dataset training_data",
    "eval_dataset": "eval_data eval_file val_data val_file valid_data validation_file test_file",
    "val_size": "val validation_size val_split validation_split test_size eval_size eval_split "
    "val_ratio val_set_size",
    "template": "chat_template prompt_template conv_template",
    "default_system": "system system_prompt system_message",
    "cutoff_len": "max_len max_seq_length max_seq_len seq_length seq_len sequence_len "
    "sequence_length block_size context_length model_max_length",
    "max_samples": "limit num_samples max_train_samples",
    "finetuning_type": "method tuning tuner tuner_type train_type peft peft_type fine_tuning_type",
    "lora_rank": "rank r lora_r lora_dim",
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
    "lora_target": "target_modules lora_target_modules target lora_modules",
    "per_device_train_batch_size": "batch_size batch bs train_batch_size micro_batch_size "
    "per_gpu_train_batch_size per_device_batch_size",
    "per_device_eval_batch_size": "eval_batch_size val_batch_size",
    "gradient_accumulation_steps": "gradient_accumulation grad_accum grad_accumulation accumulation_steps "
    "accumulate_grad_batches gradient_accumulation_step",
    "learning_rate": "lr rate learn_rate peak_lr max_lr",
    "num_train_epochs": "epochs epoch num_epochs n_epochs max_epochs train_epochs nepochs",
    "max_steps": "steps num_steps train_steps max_train_steps total_steps num_train_steps",
    "lr_scheduler_type": "scheduler lr_scheduler lr_schedule scheduler_type schedule",
    "warmup_ratio": "warmup warmup_fraction",
    "warmup_steps": "num_warmup_steps lr_warmup_steps",
    "weight_decay": "wd decay",
    "max_grad_norm": "grad_clip clip_grad gradient_clipping gradient_clip_val clip grad_norm clip_grad_norm",
    "optim": "optimizer optimiser",
    "seed": "random_seed",
    "bf16": "precision dtype torch_dtype mixed_precision",
    "gradient_checkpointing": "checkpointing use_gradient_checkpointing",
    "output_dir": "output out out_dir save_dir save_path output_path output_folder",
    "run_name": "name experiment experiment_name",
    "logging_steps": "log_steps log_every log_interval logging_interval",
    "save_steps": "save_every save_interval checkpoint_steps checkpoint_every",
    "eval_steps": "eval_every eval_interval evaluation_steps val_steps",
    "eval_strategy": "evaluation_strategy",
    "save_total_limit": "max_checkpoints keep_checkpoints",
    "early_stopping_steps": "early_stopping patience early_stopping_patience",
    "resume_from_checkpoint": "resume checkpoint resume_from",
    "report_to": "tracker trackers wandb logger use_wandb",
    "export_dir": "to export_path export_folder",
}

ALIASES = {word: key for key, words in _WORDS.items() for word in words.split()}
"""A word that is no key of ours to the key that it most likely means."""
