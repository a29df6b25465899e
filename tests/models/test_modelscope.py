"""ModelScope: our side with a made-up client library; all of it with the real one, where it is installed."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from conch.core import hubs
from conch.core.errors import ModelError
from conch.core.hubs import Tokens
from conch.models.hub import modelscope
from conch.models.pull import kept, pull
from conch.models.pull_events import Chosen, PullEvent
from conch.models.source import TryAgainError
from conch.models.wish import Wish
from tests.models.hub_server import Fault, Hub, serving
from tests.models.made_repo import QUICK, same_files, write_repo
from tests.models.modelscope_server import Scope, scoping

REPO = "made-org/made-model-1.5"
WEIGHTS = "model.safetensors"
INSTALLED = find_spec("modelscope_hub") is not None


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "ms-home"))
    monkeypatch.delenv("HF_ENDPOINT", raising=False)


@pytest.fixture
def scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scope]:
    with scoping(Scope(REPO, write_repo(tmp_path / "served"))) as served:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", served.url)
        yield served


class FakeError(Exception):
    pass


ERRORS = (
    *("NotExistError", "AuthenticationError", "PermissionDeniedError", "NetworkError", "ServerError"),
    "RateLimitError",
)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, scope: Scope) -> ModuleType:
    """A made-up `modelscope_hub` that lists what `scope` holds; `client.fails` is what it raises instead."""
    module: Any = ModuleType("modelscope_hub")
    module.__spec__ = ModuleSpec("modelscope_hub", None)
    module.HubError = FakeError
    for name in ERRORS:
        setattr(module, name, type(name, (FakeError,), {}))
    module.fails = None
    module.get_default_config = lambda: SimpleNamespace(token="ms-token")

    class HubApi:
        def __init__(self, endpoint: str, token: str | None) -> None:
            assert endpoint == scope.url
            assert token

        def list_repo_files(self, repo: str, kind: str, revision: str) -> list[Any]:
            if module.fails:
                raise module.fails
            assert (kind, revision) == ("model", "master")
            if repo != REPO:
                raise module.NotExistError("no")
            return [
                SimpleNamespace(path=e["Path"], size=e["Size"], sha256=e["Sha256"], type="blob")
                for e in scope.listed()
            ] + [SimpleNamespace(path="sub", size=0, sha256=None, type="tree")]

    module.HubApi = HubApi
    monkeypatch.setitem(sys.modules, "modelscope_hub", module)
    return module


@pytest.fixture(
    params=[
        "made-up",
        pytest.param(
            "real", marks=pytest.mark.skipif(not INSTALLED, reason="modelscope is not installed (optional)")
        ),
    ]
)
def either(request: pytest.FixtureRequest) -> None:
    """The made-up client library, then the real one."""
    if request.param == "made-up":
        request.getfixturevalue("client")


def get(**wish: Any) -> Path:
    return pull(Wish(REPO, source="modelscope", **wish), lambda _: None, QUICK)


def refused(call: Callable[[], object], key: str) -> ModelError:
    with pytest.raises(ModelError) as caught:
        call()
    assert caught.value.key == key, caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.usefixtures("either")
def test_a_model_arrives_in_modelscopes_own_cache(scope: Scope, tmp_path: Path) -> None:
    folder = get()
    assert folder == tmp_path / "ms" / "models" / REPO.replace("/", "--") / "snapshots" / "master"
    assert same_files(folder, scope.folder)
    scope.begun.clear()
    assert get() == folder
    assert scope.begun == {}


@pytest.mark.usefixtures("either")
def test_the_token_is_sent(scope: Scope) -> None:
    get(tokens=Tokens(modelscope="ms-mine"))
    assert scope.tokens == {"ms-mine"}


@pytest.mark.usefixtures("client")
def test_without_a_token_whoever_is_logged_in_is_asked_for(scope: Scope) -> None:
    get()
    assert scope.tokens == {"ms-token"}


@pytest.mark.usefixtures("either")
def test_a_broken_connection_is_gone_on_with(scope: Scope) -> None:
    scope.breaks_after[WEIGHTS] = 300_000
    assert same_files(get(), scope.folder)
    assert scope.begun[WEIGHTS] == [0, 300_000]


@pytest.mark.usefixtures("either")
def test_a_file_that_has_changed_on_the_main_branch(scope: Scope) -> None:
    folder = get()
    content = (scope.folder / WEIGHTS).read_bytes()
    (scope.folder / WEIGHTS).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    (folder / "tokenizer.json").unlink()
    assert same_files(get(), scope.folder)


@pytest.mark.usefixtures("either")
def test_a_model_that_is_not_there(scope: Scope) -> None:
    refused(
        lambda: pull(Wish("made-org/other", source="modelscope"), lambda _: None, QUICK), "models.no_repo"
    )


@pytest.mark.skipif(not INSTALLED, reason="modelscope is not installed (optional)")
def test_the_real_client_library_finds_what_we_fetched(scope: Scope, tmp_path: Path) -> None:
    from modelscope_hub.compat.snapshot_download import snapshot_download

    folder = get()
    found = snapshot_download(REPO, cache_dir=str(tmp_path / "ms"), local_files_only=True)
    assert Path(found).resolve() == folder.resolve()


@pytest.mark.parametrize(
    ("error", "key"),
    [
        ("NotExistError", "models.no_repo"),
        ("AuthenticationError", "models.gated"),
        ("NetworkError", "models.no_answer"),
        ("HubError", "models.hub_error"),
    ],
)
def test_what_the_library_raises_is_told_in_our_words(client: Any, error: str, key: str) -> None:
    client.fails = getattr(client, error)("it is so")
    refused(get, key)


def test_a_full_disk_is_no_fault_of_the_hub(client: Any) -> None:
    with pytest.raises(OSError, match="full"), modelscope._refusals(client, "a/b", "main"):
        raise OSError(errno.ENOSPC, "full")
    with pytest.raises(TryAgainError), modelscope._refusals(client, "a/b", "main"):
        raise OSError(errno.ECONNRESET, "reset")


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "modelscope_is_installed", lambda: False)
    assert "pip install modelscope" in refused(get, "models.no_modelscope").hint


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("place", ["models", "hub/models"])
def test_what_older_versions_kept_is_found(scope: Scope, tmp_path: Path, place: str) -> None:
    older = write_repo(tmp_path / "ms" / place / "made-org" / "made-model-1___5")
    assert kept(Wish(REPO)) == older


@pytest.mark.usefixtures("client")
def test_it_takes_over_and_the_files_at_hand_are_not_fetched_again(
    scope: Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scope.folder / WEIGHTS).unlink()
    write_repo(scope.folder, shards=2, rows=512)
    lost = "model-00002-of-00002.safetensors"
    heard: list[PullEvent] = []
    with serving(Hub(REPO, scope.folder)) as hub:
        hub.always[lost] = Fault(stalls_after=0)
        monkeypatch.setattr("conch.models.sources.probe", lambda *_: {hub.url: 0.1, "modelscope": 0.2})
        folder = pull(Wish(REPO, source=f"{hub.url},modelscope"), heard.append, QUICK)
    assert [event.source for event in heard if isinstance(event, Chosen)] == [hub.url, "modelscope"]
    assert same_files(folder, scope.folder)
    assert lost in scope.begun
    assert "model-00001-of-00002.safetensors" not in scope.begun
