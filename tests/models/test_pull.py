"""Downloads: whatever goes wrong on the way, the model arrives whole, or the reason is told; no byte twice.

The real client library against hubs on the loopback.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from conch.core.errors import ModelError
from conch.core.hubs import Tokens
from conch.models import disk
from conch.models.fetching import Fetcher
from conch.models.patience import Patience
from conch.models.pull import kept, pull
from conch.models.pull_events import (
    Chosen,
    Damaged,
    Fetched,
    GivenUp,
    Listed,
    Narrator,
    Probed,
    Pulled,
    PullEvent,
    Waiting,
)
from conch.models.source import Listing, RemoteFile, incomplete
from conch.models.wish import Wish
from tests.models.hub_server import SHA, Fault, Hub, etag, serving
from tests.models.made_repo import QUICK, same_files, write_repo

REPO = "made-org/made-model"
WEIGHTS = "model.safetensors"
Get = Callable[..., Path]


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Caches of our own, and leave to use the (loopback) network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    monkeypatch.delenv("HF_ENDPOINT", raising=False)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with serving(Hub(REPO, write_repo(tmp_path / "served"))) as served:
        yield served


@pytest.fixture
def mirror(tmp_path: Path, hub: Hub) -> Iterator[Hub]:
    """Another hub with the same model."""
    with serving(Hub(REPO, Path(shutil.copytree(hub.folder, tmp_path / "mirrored")))) as served:
        yield served


@pytest.fixture
def heard() -> list[PullEvent]:
    return []


@pytest.fixture
def get(hub: Hub, heard: list[PullEvent]) -> Get:
    """Pull from `hub`, or from `sources`, in this process."""

    def run(*sources: Hub, patience: Patience = QUICK, **wish: Any) -> Path:
        urls = ",".join(source.url for source in sources or (hub,))
        return pull(Wish(REPO, source=urls, **wish), heard.append, patience)

    return run


def refused(call: Callable[[], object], key: str) -> ModelError:
    with pytest.raises(ModelError) as caught:
        call()
    assert caught.value.key == key, caught.value.message
    assert caught.value.hint
    return caught.value


def of(heard: list[PullEvent], kind: type[PullEvent]) -> list[Any]:
    return [event for event in heard if isinstance(event, kind)]


def weight_bytes(hub: Hub) -> int:
    return (hub.folder / WEIGHTS).stat().st_size


# what arrives


def test_a_model_arrives_whole_and_the_client_library_finds_it(get: Get, hub: Hub) -> None:
    from huggingface_hub import scan_cache_dir, snapshot_download, try_to_load_from_cache

    folder = get()
    assert same_files(folder, hub.folder)
    cache = folder.parents[2]
    assert snapshot_download(REPO, cache_dir=cache, local_files_only=True) == str(folder)
    scanned = scan_cache_dir(cache)
    assert not scanned.warnings
    (repo,) = scanned.repos
    (revision,) = repo.revisions
    assert (repo.repo_id, revision.commit_hash, set(revision.refs)) == (REPO, SHA, {"main"})
    assert revision.nb_files == len(list(hub.folder.iterdir()))
    assert try_to_load_from_cache(REPO, WEIGHTS, cache) == str(folder / WEIGHTS)
    assert (folder / WEIGHTS).resolve().name == etag(hub.folder / WEIGHTS)
    assert not (folder / WEIGHTS).readlink().is_absolute()


def test_the_client_library_does_not_fetch_it_again(get: Get, hub: Hub) -> None:
    from huggingface_hub import snapshot_download

    folder = get()
    hub.sent.clear()
    again = snapshot_download(REPO, cache_dir=folder.parents[2], endpoint=hub.url)
    assert Path(again) == folder
    assert hub.sent == {}


def test_what_the_client_library_fetched_is_at_hand(get: Get, hub: Hub, heard: list[PullEvent]) -> None:
    from huggingface_hub import snapshot_download

    cache = Path(os.environ["HF_HUB_CACHE"])
    theirs = snapshot_download(REPO, cache_dir=cache, endpoint=hub.url)
    asked = len(hub.asked)
    assert get() == Path(theirs)
    assert len(hub.asked) == asked
    assert heard == []


def test_what_is_happening_is_told(get: Get, hub: Hub, heard: list[PullEvent]) -> None:
    hub.bytes_a_second = 4_000_000
    folder = get()
    (listed,) = of(heard, Listed)
    total = sum(file.stat().st_size for file in hub.folder.iterdir())
    assert (listed.size, listed.at_hand, listed.files) == (total, 0, len(list(hub.folder.iterdir())))
    steps = of(heard, Fetched)
    assert len(steps) > 10
    assert all(0 <= step.done <= step.size and step.total == total for step in steps)
    assert max(step.total_done for step in steps) == total
    assert any(step.speed > 0 and step.seconds_left is not None for step in steps)
    (pulled,) = of(heard, Pulled)
    assert (pulled.size, pulled.fetched, pulled.folder) == (total, total, str(folder))
    assert all(event.to_dict()["kind"] == event.kind for event in heard)


def test_those_who_take_lines_hear_the_main_things(hub: Hub, get: Get) -> None:
    lines: list[str] = []
    pull(Wish(REPO, source=hub.url), Narrator(lines.append, every=0), QUICK)
    assert lines[0].startswith(f"Source: {hub.url}")
    assert any("MB" in line for line in lines)


def test_only_what_is_needed_is_fetched(get: Get, hub: Hub) -> None:
    unwanted = (
        *("pytorch_model.bin", "model.fp16.safetensors", "model.onnx", "made.gguf", "README.md"),
        *("consolidated.safetensors", "pytorch_model.bin.index.json", "tf_model.h5", "training_args.bin"),
    )
    for name in unwanted:
        (hub.folder / name).write_bytes(b"not wanted")
    folder = get()
    assert {path.name for path in folder.iterdir()} == {p.name for p in hub.folder.iterdir()} - set(unwanted)
    assert not hub.fetched() & set(unwanted)


def test_a_sharded_model_with_its_index(get: Get, hub: Hub) -> None:
    (hub.folder / WEIGHTS).unlink()
    write_repo(hub.folder, shards=6, rows=64)
    (hub.folder / "consolidated.safetensors").write_bytes(b"not wanted")
    folder = get()
    wanted = {path.name for path in hub.folder.iterdir()} - {"consolidated.safetensors"}
    assert same_files(folder, hub.folder, wanted)


def test_an_index_that_names_a_shard_the_hub_lacks(get: Get, hub: Hub) -> None:
    (hub.folder / WEIGHTS).unlink()
    write_repo(hub.folder, shards=2, rows=64)
    index = hub.folder / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("model-00002-of", "extra-00002-of"))
    assert "extra-00002-of" in refused(get, "models.source_lacks").message
    assert "model-00001-of-00002.safetensors" not in hub.fetched()


def test_pickles_only_are_refused_before_anything_is_fetched(get: Get, hub: Hub) -> None:
    (hub.folder / WEIGHTS).rename(hub.folder / "pytorch_model.bin")
    assert "pytorch_model.bin" in refused(get, "models.only_pickles").message
    assert hub.fetched() == set()


def test_gguf_files_only_are_named(get: Get, hub: Hub) -> None:
    (hub.folder / WEIGHTS).rename(hub.folder / "made-q4.gguf")
    assert "made-q4.gguf" in refused(get, "models.only_gguf").message


@pytest.mark.parametrize(
    "name",
    ["../outside.json", "a/../../outside.json", "/etc/x.json", "a\\..\\b.json", "C:x.json", "a//b.json"],
)
def test_names_that_lead_out_of_the_folder_are_refused(get: Get, hub: Hub, name: str, tmp_path: Path) -> None:
    hub.extra = [name]
    refused(get, "models.unsafe_path")
    assert hub.fetched() == set()
    assert not list(tmp_path.rglob("outside.json"))


def test_a_mirror_that_lists_names_only(get: Get, hub: Hub) -> None:
    hub.names_only = True
    assert same_files(get(), hub.folder)


@pytest.mark.parametrize("revision", ["main", "v1", "refs/pr/7", SHA, SHA[:9]])
def test_a_revision_by_branch_tag_and_commit(get: Get, hub: Hub, revision: str) -> None:
    hub.revisions |= {"v1": SHA, "refs/pr/7": SHA, SHA[:9]: SHA}
    folder = get(revision=revision)
    assert folder.name == SHA
    asked = len(hub.asked)
    assert get(revision=revision) == folder
    assert len(hub.asked) == asked


def test_another_revision_shares_the_files_that_are_the_same(get: Get, hub: Hub) -> None:
    get()
    hub.revisions["v2"] = "b" * 40
    (hub.folder / "config.json").write_text((hub.folder / "config.json").read_text() + " ")
    hub.sent.clear()
    folder = get(revision="v2")
    assert same_files(folder, hub.folder)
    assert set(hub.sent) == {"config.json"}


# interruptions


def test_a_connection_that_breaks_is_gone_on_with(get: Get, hub: Hub, heard: list[PullEvent]) -> None:
    hub.faults[WEIGHTS] = [Fault(breaks_after=300_000), Fault(breaks_after=200_000)]
    assert same_files(get(), hub.folder)
    assert hub.begun[WEIGHTS] == [0, 300_000, 500_000]
    assert hub.sent[WEIGHTS] == weight_bytes(hub)
    assert len(of(heard, Waiting)) == 2


def test_a_body_that_is_always_cut_short_is_given_up(get: Get, hub: Hub) -> None:
    hub.always[WEIGHTS] = Fault(breaks_after=0)
    error = refused(get, "models.broke")
    assert WEIGHTS in error.message
    assert len(hub.begun[WEIGHTS]) == QUICK.tries


def test_killed_in_the_middle_and_gone_on_with(hub: Hub, get: Get, tmp_path: Path, home: Path) -> None:
    hub.bytes_a_second = 2_000_000
    command = [sys.executable, "-m", "conch.cli", "models", "pull", REPO, "--source", hub.url]
    process = subprocess.Popen(command, env={**os.environ, "HF_HUB_OFFLINE": "0"}, stderr=subprocess.DEVNULL)
    part = incomplete(
        tmp_path / "hub" / "models--made-org--made-model" / "blobs" / etag(hub.folder / WEIGHTS)
    )
    wait_until(lambda: part.is_file() and part.stat().st_size > 400_000)
    process.send_signal(signal.SIGKILL)
    process.wait()
    arrived = part.stat().st_size
    hub.bytes_a_second = 0
    assert same_files(get(), hub.folder)
    assert hub.begun[WEIGHTS] == [0, arrived]
    assert not part.exists()


def test_ctrl_c_leaves_what_has_arrived_and_says_so(hub: Hub, tmp_path: Path) -> None:
    hub.faults[WEIGHTS] = [Fault(stalls_after=200_000)]  # it can't be done before it is interrupted
    command = [sys.executable, "-m", "conch.cli", "models", "pull", REPO, "--source", hub.url]
    process = subprocess.Popen(
        command, env={**os.environ, "HF_HUB_OFFLINE": "0"}, stderr=subprocess.PIPE, encoding="utf-8"
    )
    part = incomplete(
        tmp_path / "hub" / "models--made-org--made-model" / "blobs" / etag(hub.folder / WEIGHTS)
    )
    wait_until(lambda: part.is_file() and part.stat().st_size > 100_000)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"conch models pull {REPO}" in told
    assert "Traceback" not in told
    assert part.stat().st_size > 100_000


class LeftError(Exception):
    """A page was closed."""


def test_cancelled_in_this_process(get: Get, hub: Hub, heard: list[PullEvent], tmp_path: Path) -> None:
    hub.bytes_a_second = 1_000_000

    def stop(event: PullEvent) -> None:
        if isinstance(event, Fetched) and event.file == WEIGHTS and event.done > 100_000:
            raise LeftError

    with pytest.raises(LeftError):
        pull(Wish(REPO, source=hub.url), stop, QUICK)
    hub.bytes_a_second = 0
    assert same_files(get(), hub.folder)
    assert hub.begun[WEIGHTS][1] > 100_000


def test_two_at_once_fetch_everything_once(get: Get, hub: Hub) -> None:
    hub.bytes_a_second = 3_000_000
    made: list[Path] = []
    threads = [threading.Thread(target=lambda: made.append(get())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2
    assert same_files(made[0], hub.folder)
    assert hub.sent[WEIGHTS] == weight_bytes(hub)


def test_a_file_that_changed_between_two_tries(get: Get, hub: Hub) -> None:
    hub.always[WEIGHTS] = Fault(500)
    hub.faults[WEIGHTS] = [Fault(breaks_after=100_000)]
    refused(get, "models.broke")
    content = (hub.folder / WEIGHTS).read_bytes()
    (hub.folder / WEIGHTS).write_bytes(content[:-1] + b"!")
    hub.revisions["main"] = "c" * 40
    hub.always.clear()
    folder = get()
    assert folder.name == "c" * 40
    assert same_files(folder, hub.folder)


def wait_until(holds: Callable[[], bool], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "in vain"
        time.sleep(0.01)


# damage


def test_a_wrong_content_is_named_and_fetched_again(get: Get, hub: Hub, heard: list[PullEvent]) -> None:
    hub.faults[WEIGHTS] = [Fault(spoils=True)]
    assert same_files(get(), hub.folder)
    assert [event.file for event in of(heard, Damaged)] == [WEIGHTS]
    assert hub.begun[WEIGHTS] == [0, 0]


@pytest.mark.parametrize("name", [WEIGHTS, "config.json"])
def test_what_is_wrong_again_is_given_up(get: Get, hub: Hub, name: str, tmp_path: Path) -> None:
    hub.always[name] = Fault(spoils=True)
    assert name in refused(get, "models.bad_download").message
    assert kept(Wish(REPO)) is None
    assert not (
        tmp_path / "hub" / "models--made-org--made-model" / "blobs" / etag(hub.folder / name)
    ).exists()


def test_a_kept_file_of_another_size_is_fetched_again(get: Get, hub: Hub, heard: list[PullEvent]) -> None:
    folder = get()
    (folder / WEIGHTS).resolve().write_bytes(b"short")
    (folder / "tokenizer.json").unlink()
    assert same_files(get(), hub.folder)
    assert [event.file for event in of(heard, Damaged)] == [WEIGHTS]


def test_check_finds_a_flipped_bit(get: Get, hub: Hub, heard: list[PullEvent]) -> None:
    folder = get()
    blob = (folder / WEIGHTS).resolve()
    content = blob.read_bytes()
    blob.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert get() == folder
    assert not same_files(folder, hub.folder)
    get(check=True)
    assert same_files(folder, hub.folder)
    assert [event.file for event in of(heard, Damaged)] == [WEIGHTS]


def test_a_half_file_longer_than_the_file_is_begun_anew(get: Get, hub: Hub) -> None:
    cache = Path(os.environ["HF_HUB_CACHE"]) / "models--made-org--made-model" / "blobs"
    cache.mkdir(parents=True)
    incomplete(cache / etag(hub.folder / WEIGHTS)).write_bytes(b"x" * (weight_bytes(hub) + 5))
    assert same_files(get(), hub.folder)


# refusals


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        (Fault(401, "RepoNotFound"), "models.no_repo"),
        (Fault(401), "models.refused_token"),
        (Fault(403, "GatedRepo"), "models.gated"),
        (Fault(403), "models.refused_token"),
        (Fault(404, "RepoNotFound"), "models.no_repo"),
        (Fault(404, "RevisionNotFound"), "models.no_revision"),
        (Fault(400), "models.hub_error"),
    ],
)
def test_a_hub_that_refuses(get: Get, hub: Hub, fault: Fault, key: str) -> None:
    hub.always["api"] = fault
    refused(get, key)
    assert len(hub.asked) == 1


def test_an_address_that_is_no_hub(get: Get, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.models.hub_server._Handler._info", lambda handler, _: handler._json([1]))
    refused(get, "models.not_a_hub")


def test_a_hub_that_is_busy_is_waited_for(get: Get, hub: Hub, heard: list[PullEvent]) -> None:
    hub.faults["api"] = [Fault(429, headers=(("Retry-After", "0.3"),))]
    hub.faults[WEIGHTS] = [Fault(429, headers=(("Retry-After", "0.2"),)), Fault(500), Fault(503)]
    began = time.monotonic()
    assert same_files(get(patience=replace(QUICK, tries=5)), hub.folder)
    assert time.monotonic() - began > 0.5
    assert [event.seconds for event in of(heard, Waiting)][:2] == [0.3, 0.2]


def test_a_hub_that_asks_for_too_long_a_wait_is_given_up(get: Get, hub: Hub) -> None:
    hub.always["api"] = Fault(429, headers=(("Retry-After", "3600"),))
    assert "3600" in refused(get, "models.busy").message
    assert len(hub.asked) == 1


@pytest.mark.parametrize("name", ["api", WEIGHTS])
def test_a_hub_that_is_out_of_order_for_good(get: Get, hub: Hub, name: str) -> None:
    hub.always[name] = Fault(503)
    error = refused(get, "models.no_answer" if name == "api" else "models.broke")
    assert "503" in error.message


def test_nobody_there(get: Get, hub: Hub, heard: list[PullEvent]) -> None:
    began = time.monotonic()
    nowhere = Hub(REPO, hub.folder)
    nowhere.url = "http://127.0.0.1:9"
    refused(lambda: get(nowhere), "models.no_answer")
    assert time.monotonic() - began < 2
    error = refused(lambda: get(nowhere, nowhere), "models.all_failed")
    assert "127.0.0.1:9" in error.message


# the next source


def test_the_quickest_is_tried_first_and_the_reason_told(
    get: Get, hub: Hub, mirror: Hub, heard: list[PullEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    from conch.models import sources

    monkeypatch.setattr(sources, "probe", lambda *_: {hub.url: 0.5, mirror.url: 0.1})
    get(hub, mirror)
    (chosen,) = of(heard, Chosen)
    assert chosen.source == mirror.url
    assert "0.10" in chosen.reason
    assert of(heard, Probed)[0].seconds == {hub.url: 0.5, mirror.url: 0.1}
    assert hub.asked == []


@pytest.fixture
def hub_first(hub: Hub, mirror: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from conch.models import sources

    monkeypatch.setattr(sources, "probe", lambda *_: {hub.url: 0.1, mirror.url: 0.2})


@pytest.mark.usefixtures("hub_first")
def test_a_mirror_that_lacks_a_file(get: Get, hub: Hub, mirror: Hub, heard: list[PullEvent]) -> None:
    hub.always[WEIGHTS] = Fault(404, "EntryNotFound")
    assert same_files(get(hub, mirror), mirror.folder)
    (given_up,) = of(heard, GivenUp)
    assert given_up.source == hub.url
    assert WEIGHTS in given_up.reason
    assert mirror.fetched() == {WEIGHTS}, "the rest was here already"
    assert [event.source for event in of(heard, Chosen)] == [hub.url, mirror.url]


@pytest.mark.usefixtures("hub_first")
def test_a_mirror_that_lacks_a_shard(get: Get, hub: Hub, mirror: Hub) -> None:
    for served in (hub, mirror):
        (served.folder / WEIGHTS).unlink()
        write_repo(served.folder, shards=3, rows=64)
    (hub.folder / "model-00002-of-00003.safetensors").unlink()
    assert same_files(get(hub, mirror), mirror.folder)
    assert hub.fetched() == set()


def test_an_endpoint_that_hangs(get: Get, hub: Hub, mirror: Hub, heard: list[PullEvent]) -> None:
    hub.silent = True
    began = time.monotonic()
    assert same_files(get(hub, mirror), mirror.folder)
    assert time.monotonic() - began < 3
    assert of(heard, Probed)[0].seconds[hub.url] is None
    assert [event.source for event in of(heard, GivenUp)] == [hub.url]


@pytest.mark.usefixtures("hub_first")
def test_a_stall_in_the_middle(get: Get, hub: Hub, mirror: Hub, heard: list[PullEvent]) -> None:
    hub.always[WEIGHTS] = Fault(stalls_after=200_000)
    began = time.monotonic()
    assert same_files(get(hub, mirror), mirror.folder)
    assert time.monotonic() - began < 5
    assert WEIGHTS in of(heard, GivenUp)[0].reason
    assert mirror.fetched() == {WEIGHTS}
    (resumed,) = mirror.begun[WEIGHTS]
    assert resumed >= 200_000, "what the first one had sent is kept"
    assert hub.sent[WEIGHTS] + mirror.sent[WEIGHTS] == weight_bytes(hub)


IN_A_HURRY = replace(QUICK, slow=2_000_000, slow_after=0.3, slow_left=0.05)


@pytest.mark.usefixtures("hub_first")
def test_a_source_that_is_merely_slow(get: Get, hub: Hub, mirror: Hub, heard: list[PullEvent]) -> None:
    hub.bytes_a_second = 150_000
    assert same_files(get(hub, mirror, patience=IN_A_HURRY), mirror.folder)
    left = of(heard, GivenUp)[0]
    assert left.source == hub.url
    assert "kB a second" in left.reason
    assert mirror.begun[WEIGHTS][0] > 0, "what the slow one had sent is kept"
    assert hub.sent[WEIGHTS] < weight_bytes(hub)


@pytest.mark.usefixtures("hub_first")
def test_where_all_are_slow_the_fastest_is_come_back_to(
    get: Get, hub: Hub, mirror: Hub, heard: list[PullEvent]
) -> None:
    hub.bytes_a_second, mirror.bytes_a_second = 400_000, 50_000
    assert same_files(get(hub, mirror, patience=IN_A_HURRY), mirror.folder)
    assert [event.source for event in of(heard, GivenUp)] == [hub.url, mirror.url]
    back = of(heard, Chosen)[-1]
    assert (back.source, back.reason) == (hub.url, "no other source is faster")


@pytest.mark.usefixtures("hub_first")
def test_a_slow_source_is_kept_where_no_other_one_serves(
    get: Get, hub: Hub, mirror: Hub, heard: list[PullEvent]
) -> None:
    hub.bytes_a_second = 400_000
    mirror.always["api"] = Fault(404, "RepoNotFound")
    assert same_files(get(hub, mirror, patience=IN_A_HURRY), hub.folder)
    assert [event.source for event in of(heard, Chosen)] == [hub.url, mirror.url, hub.url]
    get(hub, patience=IN_A_HURRY, check=True)
    assert len(of(heard, Chosen)) == 4, "a source that was named is never left"


@pytest.mark.usefixtures("hub_first")
def test_waiting_for_another_process_is_not_slowness(
    get: Get, hub: Hub, mirror: Hub, heard: list[PullEvent], tmp_path: Path
) -> None:
    digest = etag(hub.folder / WEIGHTS)
    lock = tmp_path / "hub" / ".locks" / "models--made-org--made-model" / f"{digest}.lock"
    lock.parent.mkdir(parents=True)
    held = FileLock(lock, thread_local=False)
    held.acquire()
    threading.Timer(1.0, held.release).start()
    get(hub, mirror, patience=replace(IN_A_HURRY, slow=10_000))
    assert of(heard, Waiting)
    assert not [event for event in of(heard, GivenUp) if event.source == hub.url]


@pytest.mark.usefixtures("hub_first")
def test_a_damaged_mirror(get: Get, hub: Hub, mirror: Hub) -> None:
    hub.always["config.json"] = Fault(spoils=True)
    assert same_files(get(hub, mirror), mirror.folder)


@pytest.mark.usefixtures("hub_first")
def test_all_fail_and_each_reason_is_told(get: Get, hub: Hub, mirror: Hub) -> None:
    hub.always["api"] = Fault(403, "GatedRepo")
    mirror.always[WEIGHTS] = Fault(404, "EntryNotFound")
    error = refused(lambda: get(hub, mirror), "models.all_failed")
    assert "accepted its terms" in error.message
    assert WEIGHTS in error.message


# tokens


def test_a_redirect_to_another_host_takes_no_token_along(get: Get, hub: Hub) -> None:
    get(tokens=Tokens("hf_secret"))
    assert hub.tokens_at["127.0.0.1"] == {"hf_secret"}
    assert hub.tokens_at["localhost"] == {""}


def test_the_list_of_headers_is_not_shown() -> None:
    listing = Listing("x", REPO, "main", SHA, (), {"Authorization": "Bearer hf_secret"})
    assert "hf_secret" not in repr(listing)
    assert "hf_secret" not in repr(Wish(REPO, tokens=Tokens("hf_secret")))


# offline


def test_offline_with_everything_at_hand(get: Get, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = get()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert get() == folder
    refused(lambda: get(check=True), "models.offline_check")


@pytest.mark.parametrize("lost", [WEIGHTS, "config.json", "tokenizer.json"])
def test_offline_with_a_part_only(get: Get, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    (get() / lost).unlink()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert lost in refused(get, "models.offline_partial").message


def test_offline_with_nothing(get: Get, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    refused(get, "models.offline")
    assert hub.asked == []


# disks


def test_too_small_a_disk_is_told_before_anything_is_fetched(
    get: Get, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "free_bytes", lambda _: disk.SPARE_BYTES + 1000)
    monkeypatch.setattr(disk, "larger_disk", lambda *_: None)
    assert "conch models move DIR" in refused(get, "models.disk_small").hint
    assert hub.fetched() == set()


def test_a_larger_disk_is_proposed(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "free_bytes", lambda _: disk.SPARE_BYTES)
    monkeypatch.setattr(disk, "larger_disk", lambda *_: Path("/root/autodl-tmp"))
    assert "conch models move /root/autodl-tmp/conch" in refused(get, "models.disk_small_move").hint


def test_what_is_at_hand_takes_no_more_room(get: Get, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.always[WEIGHTS] = Fault(500)
    hub.faults[WEIGHTS] = [Fault(breaks_after=weight_bytes(hub) - 1000)]
    refused(get, "models.broke")
    hub.always.clear()
    monkeypatch.setattr(disk, "free_bytes", lambda _: disk.SPARE_BYTES + 1500)
    assert same_files(get(), hub.folder)


def test_a_disk_that_fills_up_on_the_way(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Fetcher, "_append", full)
    refused(get, "models.disk_filled")


def test_an_unwritable_cache(hub: Hub, heard: list[PullEvent], tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    refused(
        lambda: pull(Wish(REPO, source=hub.url, cache_dir=blocked), heard.append, QUICK), "models.cannot_keep"
    )


def test_a_cache_folder_of_the_users_own(hub: Hub, heard: list[PullEvent], tmp_path: Path) -> None:
    folder = pull(Wish(REPO, source=hub.url, cache_dir=tmp_path / "own"), heard.append, QUICK)
    assert folder.is_relative_to(tmp_path / "own")


def test_a_remote_file_knows_its_name() -> None:
    assert RemoteFile("a/b.json", 1, "", "e").name == "b.json"
