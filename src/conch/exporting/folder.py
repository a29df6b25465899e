"""A merged model → a model folder: weights in shards, config, tokenizer with its chat template."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from conch.config.export import ExportConfig
from conch.config.model import ModelConfig
from conch.data.template import ChatTemplate
from conch.exporting.shards import write_shards
from conch.models.load import load_tokenizer
from conch.models.merging import Model

COPIED = ("generation_config.json", "*.py")
"""Files of the base that belong to an export as they are."""


def write_folder(model: Model, folder: Path, dtype: str, config: ExportConfig) -> None:
    """Write `model` in the number format `dtype`; shards, template and consent to code are the config's."""
    write_shards(folder, model.tensors, dtype, config.export_size * 10**9)
    text = json.dumps(_config(model, dtype), ensure_ascii=False, indent=2, sort_keys=True)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")
    for pattern in COPIED:
        for file in model.config.glob(pattern):
            shutil.copyfile(file, folder / file.name)
    tokenizer = load_tokenizer(
        model.tokenizer,
        ModelConfig(model_name_or_path=str(folder), trust_remote_code=config.trust_remote_code),
    )
    if config.template:
        tokenizer.chat_template = ChatTemplate.of(tokenizer, config.template).kept_source()
    tokenizer.save_pretrained(folder)


def _config(model: Model, dtype: str) -> dict[str, Any]:
    """The base's config with what the export changed."""
    config: dict[str, Any] = json.loads((model.config / "config.json").read_text(encoding="utf-8"))
    config.pop("quantization_config", None)
    for name in ("torch_dtype", "dtype"):  # older readers know the first, newer ones both
        if name in config:
            config[name] = dtype
    config.setdefault("torch_dtype" if "dtype" not in config else "dtype", dtype)
    inner = config.get("text_config", config)
    if model.untied:
        config["tie_word_embeddings"] = inner["tie_word_embeddings"] = False
    rows = model.rows()
    if rows is not None and "vocab_size" in inner:
        inner["vocab_size"] = rows
    return config
