"""Headers say what the weights are, and whatever is wrong with them is one kind of error."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file
from safetensors.torch import load_file

from conch.core.errors import ModelError
from conch.models.headers import Tensor, read_header, read_model_files
from tests.properties import quick, texts

KINDS = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I8": np.int8,
    "BOOL": np.bool_,
}

shapes = st.lists(st.integers(0, 5), max_size=3).map(tuple)
tensors = st.dictionaries(
    st.one_of(st.from_regex(r"[a-z]{1,5}(\.[a-z0-9]{1,4}){0,3}", fullmatch=True), texts).filter(
        lambda name: name != "__metadata__"
    ),
    st.builds(Tensor, st.sampled_from(sorted(KINDS)), shapes),
    max_size=6,
)


def write(file: Path, wanted: dict[str, Tensor]) -> Path:
    save_file({name: np.zeros(t.shape, KINDS[t.dtype]) for name, t in wanted.items()}, file)
    return file


@quick
@given(wanted=tensors)
def test_a_header_is_what_was_written(wanted: dict[str, Tensor], tmp_path: Path) -> None:
    assert read_header(write(tmp_path / "x.safetensors", wanted)) == wanted


@quick
@given(wanted=tensors, share=st.floats(0, 0.999))
def test_a_file_cut_short_anywhere_is_told(wanted: dict[str, Tensor], share: float, tmp_path: Path) -> None:
    file = write(tmp_path / "x.safetensors", wanted)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError):
        read_header(file)


@quick
@given(content=st.binary(max_size=80))
def test_any_bytes_are_a_header_or_one_kind_of_error(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)
    with pytest.raises(ModelError):
        read_header(file)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("abF32", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=6,
)
entries = st.fixed_dictionaries(
    {}, optional={"dtype": json_values, "shape": json_values, "data_offsets": json_values, "x": json_values}
)
headers = json_values | st.dictionaries(st.sampled_from(["a", "b", "__metadata__"]), json_values | entries)


def with_header(file: Path, header: Any, tail: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + tail)
    return file


@quick
@given(header=headers)
def test_any_json_is_a_header_or_one_kind_of_error(header: Any, tmp_path: Path) -> None:
    try:
        found = read_header(with_header(tmp_path / "x.safetensors", header))
    except ModelError:
        return
    assert all(isinstance(t.size, int) and t.size >= 0 for t in found.values())


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 100_000,
        {"a": {"dtype": "F32", "shape": [1], "data_offsets": []}},
        {"a": {"dtype": "F32", "shape": ["x"], "data_offsets": [0, 0]}},
        {"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 0]}},
        {"a": {"dtype": ["F32"], "shape": [1], "data_offsets": [0, 0]}},
        {"a": []},
        [],
        "text",
        b"\xff",
    ],
)
def test_headers_that_are_none(header: Any, tmp_path: Path) -> None:
    file = with_header(tmp_path / "x.safetensors", header)
    with pytest.raises(ModelError) as caught:
        read_header(file)
    assert caught.value.key == "models.bad_weights"
    assert str(file) in caught.value.message


def test_bytes_beyond_the_tensors_are_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        read_header(with_header(tmp_path / "x.safetensors", {}, b"more"))


# folders


def test_a_model_folder_is_read_by_its_headers(tiny_folder: Path) -> None:
    files = read_model_files(tiny_folder)
    weights = load_file(tiny_folder / "model.safetensors")
    assert {name: t.shape for name, t in files.tensors.items()} == {
        n: tuple(w.shape) for n, w in weights.items()
    }
    assert files.parameters == sum(weight.numel() for weight in weights.values())
    assert files.dtype == "F32"
    assert files.config["model_type"] == "llama"


def test_the_format_of_most_weights_is_that_of_the_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    write(
        tmp_path / "x.safetensors",
        {"a": Tensor("F16", (5, 5)), "b": Tensor("F32", (2, 2)), "c": Tensor("F32", ())},
    )
    assert read_model_files(tmp_path).dtype == "F16"


def test_shards_count_together(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    names = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    for number, name in enumerate(names):
        write(tmp_path / name, {f"t{number}": Tensor("F32", (3, 3))})
    index = {"weight_map": {"t0": names[0], "t1": names[1]}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert read_model_files(tmp_path).parameters == 18


@pytest.mark.parametrize("content", ["", "[]", "7", '{"a": 1}', '{"weight_map": []}', "{" * 100_000, "\x00"])
def test_an_index_that_is_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    write(tmp_path / "x.safetensors", {})
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(ModelError) as caught:
        read_model_files(tmp_path)
    assert caught.value.key == "models.bad_config"


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"{", b"[" * 100_000, b"\xff\xfe"])
def test_a_config_that_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ModelError) as caught:
        read_model_files(tmp_path)
    assert caught.value.key == "models.bad_config"
    assert "config.json" in caught.value.message
