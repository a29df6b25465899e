"""All that the tokens of a job depend on: files, tokenizer, template, settings, and our own code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from conch.core import conversation
from conch.core.errors import DataError
from conch.data.opened import Datasets
from conch.data.reading import Opened
from conch.data.template import ChatTemplate

FORMAT = 1
"""Of the kept tokens; another one tells those of earlier versions apart."""
_SETTINGS = {
    *("cutoff_len", "default_system", "eval_on_each_dataset", "interleave_probs", "mask_history"),
    *("max_samples", "mix_strategy", "train_on_prompt", "val_size"),
}
"""The keys of a DataConfig that tokens depend on by themselves."""
Fingerprint = Mapping[str, Any]
"""What tokens depend on, by name."""


def fingerprint(
    datasets: Datasets, template: ChatTemplate, stage: str, seed: int, *, made_already: bool = False
) -> Fingerprint | None:
    """What the tokens of a job depend on; None where that can't be told.

    Tokens that were `made_already` outlive the files they were made of, which need not be there.
    """
    tokenizer = _tokenizer_digest(template.tokenizer)
    if tokenizer is None:
        return None
    config = datasets.config
    settings = config.model_dump(include=_SETTINGS)
    return {
        "format": FORMAT,
        "stage": stage,
        "model": tokenizer,
        "template": digest([template.source, template.end_of_turn]),
        "enable_thinking": template.thinking,
        "packing": stage == "pt" and config.packs(stage),
        **settings,
        "seed": seed,
        "code": _code_digest(),
        **_data_parts(datasets, made_already),
    }


def digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _tokenizer_digest(tokenizer: Any) -> str | None:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        content = backend.to_str()
    elif hasattr(tokenizer, "get_vocab"):
        content = json.dumps(sorted(tokenizer.get_vocab().items()))
    else:
        return None
    ends = [
        tokenizer.eos_token_id,
        getattr(tokenizer, "bos_token_id", None),
        sorted(tokenizer.all_special_ids),
    ]
    return digest([type(tokenizer).__name__, content, ends])


@cache
def _code_digest() -> str:
    """Our own code: what it makes of a row may change with it."""
    here = Path(__file__).parent
    files = [*sorted(here.rglob("*.py")), Path(conversation.__file__)]
    return digest([_file_digest(file) for file in files])


def _data_parts(datasets: Datasets, made_already: bool) -> dict[str, Any]:
    """The content of the dataset files, and their paths, which origins name; None where they are gone."""
    config = datasets.config
    if made_already and not config.dataset and not config.eval_dataset:
        return {"data": None, "files": None}
    try:
        opened = [list(map(datasets.opened, names)) for names in (config.dataset, config.eval_dataset)]
    except DataError:
        if not made_already:
            raise
        return {"data": None, "files": None}
    content = [[_described(one) for one in several] for several in opened]
    return {"data": digest(content), "files": [[f.shown for f in one.files] for s in opened for one in s]}


def _described(opened: Opened) -> dict[str, Any]:
    """What the rows of a dataset depend on: how it is described, and what is in its files."""
    dataset = opened.dataset
    files = [[_file_digest(file.path), file.member] for file in opened.files]
    read = [
        dataset.formatting,
        dataset.ranking,
        dict(dataset.columns),
        dict(dataset.tags),
        dataset.num_samples,
    ]
    return {"read": read, "format": opened.format.name, "files": files}


def _file_digest(path: Path) -> str:
    made = hashlib.blake2b()
    try:
        with path.open("rb") as file:
            while chunk := file.read(2**20):
                made.update(chunk)
    except OSError as error:
        raise DataError("data.unreadable", file=path, reason=error.strerror or error) from error
    return made.hexdigest()
