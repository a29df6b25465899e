"""The home and the caches move whole or not at all, and every old path goes on working."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conch.core.errors import ModelError, UsageError
from conch.models import disk, moving
from conch.models.moving import move, plan
from tests.cli.made_up import made_up_run
from tests.cli.program import call


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))


@pytest.fixture
def full(home: Path, tmp_path: Path) -> Path:
    """A home and a hub cache with things in them."""
    (home / "models" / "a").mkdir(parents=True)
    (home / "models" / "a" / "weights").write_bytes(b"w" * 5000)
    (home / "settings.yaml").write_text("model_source: hf-mirror\n")
    snapshot = tmp_path / "hub" / "models--o--n" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (tmp_path / "hub" / "models--o--n" / "blobs").mkdir()
    (tmp_path / "hub" / "models--o--n" / "blobs" / "1").write_bytes(b"blob")
    (snapshot / "config.json").symlink_to("../../blobs/1")
    return home


def silent(*_: object) -> None:
    pass


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_everything_moves_and_the_old_paths_work(full: Path, tmp_path: Path) -> None:
    before = (contents(full), contents(tmp_path / "hub"))
    told: list[tuple[str, int, int]] = []
    target = tmp_path / "disk" / "conch"
    move(plan(target), lambda *facts: told.append(facts))
    assert full.is_symlink()
    assert full.resolve() == target
    assert (tmp_path / "hub").resolve() == target / "cache" / "huggingface"
    assert (tmp_path / "ms").resolve() == target / "cache" / "modelscope"
    home_now = {name: data for name, data in contents(full).items() if not name.startswith("cache/")}
    assert (home_now, contents(tmp_path / "hub")) == before
    link = tmp_path / "hub" / "models--o--n" / "snapshots" / "abc" / "config.json"
    assert link.is_symlink()
    assert told
    assert told[-1][1] == told[-1][2]
    left = {path.name for path in tmp_path.iterdir()}
    assert not [name for name in left if "moved" in name or "link" in name]


def test_a_second_move_carries_the_caches_along(full: Path, tmp_path: Path) -> None:
    move(plan(tmp_path / "one"), silent)
    before = contents(tmp_path / "hub")
    places = plan(tmp_path / "two")
    assert [place.carried for place in places] == [False, True, True]
    move(places, silent)
    assert full.resolve() == tmp_path / "two"
    assert contents(tmp_path / "hub") == before
    assert (tmp_path / "hub").resolve() == tmp_path / "two" / "cache" / "huggingface"
    assert not (tmp_path / "one").exists()


def test_where_it_is_already_there_is_nothing_to_do(full: Path, tmp_path: Path) -> None:
    move(plan(tmp_path / "one"), silent)
    assert plan(tmp_path / "one") == []


def test_the_caches_can_stay(full: Path, tmp_path: Path) -> None:
    move(plan(tmp_path / "one", caches=False), silent)
    assert full.is_symlink()
    assert not (tmp_path / "hub").is_symlink()


def test_a_folder_in_use_gets_a_folder_of_ours_inside(full: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "photo.jpg").touch()
    move(plan(tmp_path / "disk"), silent)
    assert full.resolve() == tmp_path / "disk" / "conch"
    assert (tmp_path / "disk" / "photo.jpg").exists()


def test_a_home_that_is_not_there_yet(home: Path, tmp_path: Path) -> None:
    move(plan(tmp_path / "one"), silent)
    assert home.resolve() == tmp_path / "one"
    (home / "x").write_text("x")
    assert (tmp_path / "one" / "x").exists()


@pytest.mark.parametrize("step", ["_copy", "_compare", "sync_tree", "_point"])
def test_whatever_fails_nothing_has_moved(
    full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = contents(full)

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(moving, step, fail)
    with pytest.raises(ModelError) as caught:
        move(plan(tmp_path / "one"), silent)
    assert caught.value.key == "models.move_failed"
    assert not full.is_symlink()
    assert contents(full) == before
    assert not (tmp_path / "one").exists() or not any((tmp_path / "one").iterdir())


def test_a_copy_that_differs_is_found(full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.copy2

    def spoiled(origin: str, target: str, **options: bool) -> None:
        real(origin, target, **options)
        if target.endswith("weights"):
            Path(target).write_bytes(b"v" * 5000)

    monkeypatch.setattr(shutil, "copy2", spoiled)
    with pytest.raises(ModelError) as caught:
        move(plan(tmp_path / "one"), silent)
    assert "weights" in caught.value.message
    assert (full / "models" / "a" / "weights").read_bytes() == b"w" * 5000


def test_places_that_can_not_be(full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError) as caught:
        plan(full / "inside")
    assert caught.value.key == "models.move_inside"
    used = tmp_path / "used" / "conch"
    used.mkdir(parents=True)
    (used / "x").touch()
    with pytest.raises(UsageError) as caught:
        plan(tmp_path / "used")
    assert caught.value.key == "models.move_in_use"
    monkeypatch.setattr(disk, "free_bytes", lambda _: 10)
    monkeypatch.setattr(disk, "larger_disk", lambda *_: None)
    with pytest.raises(ModelError) as small:
        plan(tmp_path / "one")
    assert small.value.key == "models.disk_small"


def test_not_while_a_run_is_at_work(full: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_up_run("20250101-000000-aaaa")
    monkeypatch.setattr(type(run), "state", lambda _: "running")
    with pytest.raises(ModelError) as caught:
        move(plan(tmp_path / "one"), silent)
    assert caught.value.key == "models.move_busy"
    assert not full.is_symlink()


def test_conch_models_move(full: Path, tmp_path: Path) -> None:
    target = tmp_path / "one"
    asked = call("models", "move", str(target), "--json")
    assert asked.code == 2
    assert "--yes" in asked.json()["error"]["hint"]
    assert not full.is_symlink()
    moved = call("models", "move", str(target), "--yes", "--json").json()["moved"]
    assert [place["name"] for place in moved] == ["home", "huggingface", "modelscope"]
    assert moved[0]["to"] == str(target)
    assert "there already" in call("models", "move", str(target), "--yes").out


# which disk


def test_the_roomiest_other_disk_is_proposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    big, small, same = (tmp_path / name for name in ("big", "small", "same"))
    for folder in (big, small, same):
        folder.mkdir()
    rooms = {big: 900, small: 300, same: 9000}
    monkeypatch.setattr(disk, "mounted", lambda: [*rooms, tmp_path / "gone"])
    monkeypatch.setattr(disk, "free_bytes", lambda folder: rooms[folder])
    real = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        values = list(real(path, **options))
        values[2] = {big: 2, small: 3}.get(path, 1)
        return os.stat_result(values)

    monkeypatch.setattr(Path, "stat", stat)
    assert disk.larger_disk(200, tmp_path) == big
    assert disk.larger_disk(1000, tmp_path) is None
    monkeypatch.setattr(disk, "DATA_DISKS", (str(small),))
    assert disk.larger_disk(200, tmp_path) == small, "a data disk, though another has more room"
    assert disk.larger_disk(500, tmp_path) == big


def test_known_data_disks_are_looked_at_and_system_ones_are_not() -> None:
    places = [str(place) for place in disk.mounted()]
    assert "/root/autodl-tmp" in places
    assert not [place for place in places if place.startswith(("/boot", "/proc"))]
