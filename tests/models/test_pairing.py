"""Whether an adapter belongs on what it is put on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from conch.config.model import ModelConfig
from conch.models.load import load
from conch.models.locate import write_below
from conch.models.pairing import PROOF, strangers
from tests.models.folders import add_adapter
from tests.tiny import save_tiny


def found(base: Path, *adapters: Path, below: tuple[Path, ...] = ()) -> list[str]:
    return [notice.key.removeprefix("models.adapter_") for notice in strangers(base, below, adapters)]


@pytest.fixture
def copied(tiny_folder: Path, tmp_path: Path) -> Path:
    """The same weights elsewhere."""
    return shutil.copytree(tiny_folder, tmp_path / "copy")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another model of the same shape."""
    return save_tiny(tmp_path / "other", seed=1)


def renamed(adapter: Path, base: str, folder: Path) -> Path:
    """The adapter, as if it had been trained on `base`."""
    shutil.copytree(adapter, folder)
    file = folder / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "base_model_name_or_path": base}))
    return folder


def test_its_own_base_and_a_copy_of_it_are_right(tiny_folder: Path, tiny_adapter: Path, copied: Path) -> None:
    assert found(tiny_folder, tiny_adapter) == []
    assert found(copied, tiny_adapter) == []


def test_another_model_of_the_same_shape_is_a_stranger(tiny_adapter: Path, other: Path) -> None:
    assert found(other, tiny_adapter) == ["stranger"]


def test_an_export_with_an_adapter_merged_into_it_is_told_as_such(tiny_adapter: Path, other: Path) -> None:
    (other / PROOF).write_text("{}")
    assert found(other, tiny_adapter) == ["on_merged"]


def test_an_adapter_put_on_twice(tiny_folder: Path, tiny_adapter: Path) -> None:
    assert found(tiny_folder, tiny_adapter, below=(tiny_adapter,)) == ["twice"]
    assert found(tiny_folder, tiny_adapter, tiny_adapter) == ["twice"]


def test_an_adapter_on_others_than_it_was_trained_on(
    tiny_folder: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    second = add_adapter(tiny_folder, tmp_path / "second", seed=2)
    assert found(tiny_folder, second, below=(tiny_adapter,)) == ["other_below"]
    write_below(second, (tiny_adapter,))
    assert found(tiny_folder, second, below=(tiny_adapter,)) == []
    assert found(tiny_folder, second) == ["other_below"]


@pytest.mark.parametrize(
    ("recorded", "right"),
    [
        ("someone/tiny-llama", True),
        ("someone/else", False),
        ("/gone/tiny-llama", True),
        ("/gone/else", False),
    ],
)
def test_a_base_of_another_machine_is_known_by_its_name(
    recorded: str, right: bool, tiny_folder: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    adapter = renamed(tiny_adapter, recorded, tmp_path / "renamed")
    assert found(tiny_folder, adapter) == ([] if right else ["stranger"])


def test_a_hub_cache_is_known_by_its_folder(tiny_folder: Path, tiny_adapter: Path, tmp_path: Path) -> None:
    cache = shutil.copytree(tiny_folder, tmp_path / "models--org--name" / "snapshots" / "0abc")
    assert found(cache, renamed(tiny_adapter, "org/name", tmp_path / "a")) == []
    assert found(cache, renamed(tiny_adapter, "org/other", tmp_path / "b")) == ["stranger"]


def test_a_loaded_model_brings_what_is_odd_about_it(other: Path, tiny_adapter: Path) -> None:
    config = ModelConfig(model_name_or_path=str(other), adapter_name_or_path=(str(tiny_adapter),))
    assert [notice.key for notice in load(config, dtype="float32").notices] == ["models.adapter_stranger"]
