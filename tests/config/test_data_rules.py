"""What must hold between the keys of mixing, streaming and kept tokens."""

from __future__ import annotations

from typing import Any

import pytest

from conch.config import load_train
from conch.core.errors import ConfigErrors

NEEDED = {"model_name_or_path": "m", "dataset": "a,b"}


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"interleave_probs": "0.5,0.5"}, "interleave_probs"),
        ({"interleave_probs": "1.0", "mix_strategy": "interleave_under"}, "interleave_probs"),
        ({"interleave_probs": "0.5,0.6", "mix_strategy": "interleave_over"}, "interleave_probs"),
        ({"interleave_probs": "0,1", "mix_strategy": "interleave_over"}, "interleave_probs"),
        ({"interleave_probs": "a,b", "mix_strategy": "interleave_over"}, "interleave_probs"),
        ({"mix_strategy": "interleave"}, "mix_strategy"),
        ({"streaming": True}, "max_steps"),
        ({"streaming": True, "max_steps": 5, "val_size": 0.1}, "val_size"),
        ({"streaming": True, "max_steps": 5, "tokenized_path": "x"}, "tokenized_path"),
        ({"buffer_size": 0}, "buffer_size"),
        ({"preprocessing_num_workers": 0}, "preprocessing_num_workers"),
        ({"stage": "pt", "cutoff_len": 1}, "cutoff_len"),
        ({"dataset": None}, "dataset"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigErrors) as error:
        load_train(values={**NEEDED, **settings})
    assert [problem.key for problem in error.value.problems] == [key]
    assert error.value.problems[0].expected


@pytest.mark.parametrize(
    "settings",
    [
        {"interleave_probs": "0.3,0.7", "mix_strategy": "interleave_under"},
        {"interleave_probs": [0.1, 0.9], "mix_strategy": "interleave_over"},
        {"streaming": True, "max_steps": 5, "val_size": 100},
        {"dataset": None, "tokenized_path": "./tokens"},
        {"tool_format": "qwen"},
    ],
)
def test_what_makes_sense_is_taken(settings: dict[str, Any]) -> None:
    load_train(values={**NEEDED, **settings})


@pytest.mark.parametrize(
    ("settings", "stage", "packs"),
    [
        ({}, "sft", False),
        ({}, "pt", True),
        ({"packing": False}, "pt", False),
        ({"packing": True}, "sft", True),
        ({"neat_packing": True}, "sft", True),
        ({"packing": False, "neat_packing": True}, "sft", True),
    ],
)
def test_when_rows_are_packed(settings: dict[str, Any], stage: str, packs: bool) -> None:
    assert load_train(values={**NEEDED, **settings}).config.data.packs(stage) is packs
