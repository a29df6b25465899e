"""Models of the hub: the real client against a hub on the loopback, as the program calls it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conch.core.hubs import looks_like_id
from tests.cli.program import Ended, spawn
from tests.models.hub_server import SHA, Fault, Hub, serving

REPO = "tiny-org/tiny-llama"
UNWANTED = ("pytorch_model.bin", "model.ckpt", "weights.pkl", "model.msgpack", "tiny.gguf", "photo.png")
Pull = Callable[..., Ended]


@pytest.fixture
def hub(tmp_path: Path, tiny_folder: Path) -> Iterator[Hub]:
    """A hub with the tiny model, a pickle of it, and other things that nobody needs."""
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "served"))
    for name in UNWANTED:
        (folder / name).write_bytes(b"should never be fetched")
    with serving(Hub(REPO, folder)) as served:
        yield served


@pytest.fixture
def pull(tmp_path: Path, hub: Hub, home: Path) -> Pull:
    """`conch models pull` with an empty hub cache, and little patience."""
    home.mkdir()
    (home / "settings.yaml").write_text("download: {pause: 0.01, tries: 2, probe: 1}\n")

    def run(*words: str, **variables: str) -> Ended:
        place = {"HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
        return spawn("models", "pull", *words, **(place | variables))

    return run


def refused(ended: Ended, *says: str) -> None:
    assert ended.code == 1
    assert "Traceback" not in ended.all
    assert "  → " in ended.err
    for words in says:
        assert words in ended.err


def test_a_model_is_fetched_whole_and_without_its_pickles(pull: Pull, hub: Hub, tiny_folder: Path) -> None:
    pulled = pull(REPO)
    assert pulled.code == 0, pulled.err
    folder = Path(pulled.out.strip())
    assert folder.name == SHA
    names = {file.name for file in tiny_folder.iterdir()}
    assert {file.name for file in folder.iterdir()} == names
    assert hub.fetched() == names
    for name in names:
        assert (folder / name).read_bytes() == (tiny_folder / name).read_bytes()


def test_what_is_at_hand_needs_no_network(pull: Pull, hub: Hub) -> None:
    first = pull(REPO)
    asked = len(hub.asked)
    again = pull(REPO)
    assert again.out == first.out
    assert "not compared" in again.err
    assert "--check" in again.err
    assert len(hub.asked) == asked
    assert pull(REPO, HF_HUB_OFFLINE="1") == again
    assert pull(REPO, HF_ENDPOINT="http://127.0.0.1:9") == again


def test_a_connection_that_breaks_off_is_gone_on_with(pull: Pull, hub: Hub, tiny_folder: Path) -> None:
    hub.cut_short("model.safetensors")
    pulled = pull(REPO)
    assert pulled.code == 0, pulled.err
    assert len(hub.begun["model.safetensors"]) == 2
    got = Path(pulled.out.strip()) / "model.safetensors"
    assert got.read_bytes() == (tiny_folder / "model.safetensors").read_bytes()


def test_what_a_failed_download_got_is_not_fetched_again(pull: Pull, hub: Hub, tiny_folder: Path) -> None:
    hub.always["model.safetensors"] = Fault(500)
    refused(pull(REPO), "model.safetensors", "500")
    refused(pull(REPO, HF_HUB_OFFLINE="1"), REPO, "HF_HUB_OFFLINE")
    got = hub.fetched() - {"model.safetensors"}
    hub.always.clear()
    hub.asked.clear()
    again = pull(REPO)
    assert again.code == 0, again.err
    assert "model.safetensors" in hub.fetched()
    assert not hub.fetched() & got
    names = {file.name for file in Path(again.out.strip()).iterdir()}
    assert names == {file.name for file in tiny_folder.iterdir()}


def test_a_model_that_is_not_there(pull: Pull) -> None:
    refused(pull("tiny-org/nothing"), "tiny-org/nothing", "hf_hub_token")


def test_a_gated_model(pull: Pull, hub: Hub) -> None:
    hub.gated = True
    refused(pull(REPO), REPO, "accepted its terms", "hf_hub_token")


def test_a_revision_that_is_not_there(pull: Pull) -> None:
    refused(pull(REPO, "--revision", "v9"), REPO, "'v9'", "model_revision")


def test_a_hub_that_is_not_there(pull: Pull) -> None:
    refused(pull(REPO, HF_ENDPOINT="http://127.0.0.1:9"), "http://127.0.0.1:9", "HF_ENDPOINT")


def test_offline_says_so(pull: Pull, hub: Hub) -> None:
    refused(pull(REPO, HF_HUB_OFFLINE="1"), REPO, "HF_HUB_OFFLINE")
    assert hub.asked == []


def test_the_token_is_sent_and_never_shown(pull: Pull, hub: Hub) -> None:
    hub.gated = True
    ended = pull(REPO, HF_TOKEN="hf_secret_of_mine")
    assert "hf_secret_of_mine" in hub.tokens
    assert "hf_secret_of_mine" not in ended.all


def test_a_model_with_pickles_only_is_refused(pull: Pull, hub: Hub) -> None:
    (hub.folder / "model.safetensors").unlink()
    refused(pull(REPO), "safetensors")
    assert not {name for name in hub.fetched() if name.endswith((".bin", ".ckpt", ".pkl"))}


@pytest.mark.parametrize(
    ("reference", "is_id"),
    [
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", True),
        ("a/b", True),
        ("smollm2-135m", False),
        ("./a/b", False),
        ("../b", False),
        ("/a/b", False),
        ("a/b/c", False),
        ("a b/c", False),
        ("", False),
    ],
)
def test_what_could_be_an_id(reference: str, is_id: bool) -> None:
    assert looks_like_id(reference) is is_id
