"""What the environment says, and nothing else, decides on language, home and caches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conch.core import env, text

VARIABLES = ("CONCH_LANG", "LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW"}, "zh"),
        ({"LANG": "ZH_cn"}, "zh"),
        ({"CONCH_LANG": "zh"}, "zh"),
        ({"CONCH_LANG": "zh-CN"}, "zh"),
        ({"CONCH_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"CONCH_LANG": "zh", "LC_ALL": "en_US.UTF-8"}, "zh"),
        ({"CONCH_LANG": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LC_ALL": "C", "LC_MESSAGES": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_language(environment: pytest.MonkeyPatch, variables: dict[str, str], expected: str) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    assert env.language() == expected
    assert text.language() == expected


def test_a_chosen_language_beats_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CONCH_LANG", "en")
    english = text.tr("runs.lost", name="x")
    text.set_language("zh")
    assert text.language() == "zh"
    assert text.tr("runs.lost", name="x") != english
    text.set_language(None)
    assert text.tr("runs.lost", name="x") == english


def test_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CONCH_HOME", "~/conch")
    assert env.home() == tmp_path / "conch"
    monkeypatch.setenv("CONCH_HOME", "relative")
    monkeypatch.chdir(tmp_path)
    assert env.home() == tmp_path / "relative"
    for unset in ("", None):
        monkeypatch.setenv("CONCH_HOME", unset) if unset is not None else monkeypatch.delenv("CONCH_HOME")
        assert env.home() == tmp_path / ".conch"


def test_hub_cache_follows_the_hub_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert env.hub_cache() == Path.home() / ".cache" / "huggingface" / "hub"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert env.hub_cache() == Path("/xdg/huggingface/hub")
    monkeypatch.setenv("HF_HOME", "/hf")
    assert env.hub_cache() == Path("/hf/hub")
    monkeypatch.setenv("HUGGINGFACE_HUB_CACHE", "/older")
    assert env.hub_cache() == Path("/older")
    monkeypatch.setenv("HF_HUB_CACHE", "/cache")
    assert env.hub_cache() == Path("/cache")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", True), ("TRUE", True), ("yes", True), ("0", False), ("", False), ("no", False)],
)
def test_offline(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    assert env.offline() is expected


def test_offline_by_the_other_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "1")
    assert env.offline() is True


def test_endpoints_and_the_cache_of_modelscope(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_ENDPOINT", "MODELSCOPE_ENDPOINT", "MODELSCOPE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    assert env.hub_endpoint() is None
    assert env.modelscope_endpoint() == "https://www.modelscope.cn"
    assert env.modelscope_cache() == Path.home() / ".cache" / "modelscope"
    monkeypatch.setenv("HF_ENDPOINT", "https://a.example/")
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", "https://b.example/")
    monkeypatch.setenv("MODELSCOPE_CACHE", "/ms")
    assert env.hub_endpoint() == "https://a.example"
    assert env.modelscope_endpoint() == "https://b.example"
    assert env.modelscope_cache() == Path("/ms")


@pytest.mark.parametrize(
    ("value", "expected"), [(None, None), ("", []), ("-1", []), ("0, 2", ["0", "2"]), ("GPU-1a", ["GPU-1a"])]
)
def test_visible_gpus(monkeypatch: pytest.MonkeyPatch, value: str | None, expected: list[str] | None) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if value is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert env.visible_gpus() == expected


def test_a_child_inherits_the_environment_with_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "1")
    monkeypatch.setenv("CHANGED", "old")
    child = env.child_environment(CHANGED="new", ADDED="x")
    assert (child["KEPT"], child["CHANGED"], child["ADDED"]) == ("1", "new", "x")


def test_quieting_libraries_overrides_no_choice_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSFORMERS_VERBOSITY", "debug")
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    env.quiet_libraries()
    child = env.child_environment()
    assert child["TRANSFORMERS_VERBOSITY"] == "debug"
    assert child["TQDM_DISABLE"] == "1"
    monkeypatch.delenv("TQDM_DISABLE")


def test_nobody_else_reads_the_environment() -> None:
    package = Path(env.__file__).parents[1]
    readers = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if any(word in file.read_text(encoding="utf-8") for word in ("os.environ", "os.getenv", "getenv("))
    }
    assert readers == {"core/env.py"}


@pytest.mark.parametrize(
    ("given", "kept", "added"),
    [
        ("", "", set(env.TENSOR_MALLOC)),
        ("glibc.malloc.check=1", "glibc.malloc.check=1", set(env.TENSOR_MALLOC)),
        (
            "glibc.malloc.tcache_count=3",
            "glibc.malloc.tcache_count=3",
            set(env.TENSOR_MALLOC) - {"tcache_count"},
        ),
    ],
)
def test_the_users_own_settings_of_the_allocator_stay(
    monkeypatch: pytest.MonkeyPatch, given: str, kept: str, added: set[str]
) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", given)
    set_to = env.tensor_malloc()["GLIBC_TUNABLES"]
    assert set_to.startswith(kept)
    more = set_to.removeprefix(kept).strip(":").split(":")
    assert {name.removeprefix("glibc.malloc.").partition("=")[0] for name in more} == added


def test_the_users_own_bounds_of_kernel_caches_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRU_CACHE_CAPACITY", "7")
    monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "")  # so that what is set below is taken back
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY")
    env.bound_kernel_caches()
    assert os.environ["LRU_CACHE_CAPACITY"] == "7"
    assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == "128"
