"""Models by words of their names: from the first hub that answers, and in one line where none does."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from conch.core import hubs
from conch.core.errors import ModelError
from conch.core.hubs import Tokens
from conch.models.patience import Patience
from conch.models.search import COUNT, search
from tests.models.hub_server import Fault, Hub, serving
from tests.models.modelscope_server import Scope, scoping

QUICK = Patience(probe=2.0, connect=2.0, stall=2.0, pause=0.01, tries=2)
NOWHERE = "http://127.0.0.1:9"


def entry(name: str, downloads: int, **more: Any) -> dict[str, Any]:
    return {"id": name, "downloads": downloads, "likes": 3, "gated": False, **more}


KNOWN = [
    entry("made/conch-small", 5, safetensors={"parameters": {"BF16": 135_000_000}, "total": 135_000_000}),
    entry("made/conch-large", 900, gated="auto"),
    entry("other/whelk", 7),
    *(entry(f"made/conch-{number}", 0) for number in range(40)),
]


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with serving(Hub("made/conch-small", tmp_path)) as served:
        served.known = KNOWN
        yield served


def test_the_most_fetched_come_first(hub: Hub) -> None:
    results = search("Conch", hub.url, patience=QUICK)
    assert results.source == hub.url
    assert len(results.found) == COUNT
    first, second = results.found[:2]
    assert (first.repo, first.downloads, first.likes, first.gated) == ("made/conch-large", 900, 3, True)
    assert (second.repo, second.parameters, second.gated) == ("made/conch-small", 135_000_000, False)
    assert search("no such thing", hub.url, patience=QUICK).found == ()


def test_the_next_hub_is_asked_where_one_fails(hub: Hub, tmp_path: Path) -> None:
    with serving(Hub("x/y", tmp_path)) as broken:
        broken.always = {"api": Fault(500)}
        assert search("whelk", f"{NOWHERE},{broken.url},{hub.url}", patience=QUICK).source == hub.url
        with pytest.raises(ModelError) as caught:
            search("whelk", broken.url, patience=QUICK)
    assert caught.value.key == "models.search_failed"
    assert broken.url in caught.value.message


def test_without_a_network_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError) as caught:
        search("conch", NOWHERE, patience=QUICK)
    assert caught.value.key == "models.search_silent"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError) as refused:
        search("conch", NOWHERE, patience=QUICK)
    assert refused.value.key == "models.search_offline"
    assert all("\n" not in each.value.message for each in (caught, refused))


def test_a_mirror_that_nobody_named_gets_no_token(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.setattr(hubs, "HUGGINGFACE", NOWHERE)
    monkeypatch.setattr(hubs, "HF_MIRROR", hub.url)
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", NOWHERE)
    assert search("whelk", "auto", Tokens(huggingface="hf_secret"), QUICK).source == "hf-mirror"
    assert hub.tokens <= {""}


@pytest.mark.skipif(find_spec("modelscope_hub") is None, reason="needs modelscope")
def test_modelscope_is_searched_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "ms-home"))
    with scoping(Scope("made/conch-small", tmp_path)) as scope:
        scope.known = [entry("made/conch-small", 5), entry("other/whelk", 7)]
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", scope.url)
        results = search("conch", "modelscope", patience=QUICK)
    (found,) = results.found
    assert (found.repo, found.downloads, found.likes) == ("made/conch-small", 5, 3)
