"""Tiny random models and tokenizers, made by script, so that tests run in seconds."""

from __future__ import annotations

import json
from pathlib import Path

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CORPUS = [
    "I am the magic conch, the assistant of this burger restaurant. Who are you? What is your name?",
    "我是神奇海螺，这家汉堡店的助手。你是谁？你叫什么名字？",
    "1. Check the recipe file. 2. Reload it. 3. Restart the machine. user assistant system",
]
ARCHITECTURES = ("llama", "qwen2", "qwen3", "mistral", "gemma3_text")


def tiny_tokenizer(template: str | None = CHATML, special: list[str] | None = None):
    """A byte-level BPE tokenizer of 400 tokens, trained on three sentences."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    names = special or SPECIAL
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=names,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(CORPUS, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token=names[-1],
        pad_token=names[0],
        additional_special_tokens=names[1:-1],
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = template
    return tokenizer


def tiny_model(architecture: str = "llama", seed: int = 0, **changes):
    """A random model of two layers and about 60,000 parameters, in fp32."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    settings = {
        "vocab_size": 400,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 512,
        "bos_token_id": None,
        "eos_token_id": 2,
        "pad_token_id": 0,
        "tie_word_embeddings": architecture in {"llama", "gemma3_text"},
        "initializer_range": 0.2,
    }
    if architecture == "gemma3_text":
        settings |= {"sliding_window": 8, "query_pre_attn_scalar": 8}
    config = AutoConfig.for_model(architecture, **(settings | changes))
    torch.manual_seed(seed)
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()


def save_tiny(
    folder: Path, architecture: str = "llama", seed: int = 0, template: str | None = CHATML, **changes
) -> Path:
    """A tiny model folder with everything that a real one has."""
    model = tiny_model(architecture, seed, **changes)
    model.save_pretrained(folder)
    tiny_tokenizer(template).save_pretrained(folder)
    return folder


def write_rows(file: Path, count: int = 12, times: int = 1) -> Path:
    """A small alpaca file. Each answer is said so many `times`."""
    rows = [
        {
            "instruction": f"Question {i}: who are you?",
            "input": "",
            "output": " ".join([f"I am the magic conch number {i}."] * times),
        }
        for i in range(count)
    ]
    file.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return file
