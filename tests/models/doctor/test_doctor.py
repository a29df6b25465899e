"""The doctor: what it finds on machines made up of files, and that what it says can be read and done."""

from __future__ import annotations

import errno
import json
import os
import stat
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from conch.core import disk, text
from conch.core.text.doctor import TEXTS
from conch.models import doctor
from conch.models.doctor import devices, network, packages, storage
from conch.models.doctor.finding import Finding
from tests.cli.program import call


def keys(findings) -> list[str]:
    return [finding.key for finding in findings]


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch is not asked: that takes seconds."""
    facts = {"version": "9", "cuda": False, "mps": False, "threads": 2, "gpus": [], "built_for": None}
    monkeypatch.setattr(packages, "ask_torch", lambda: facts)
    monkeypatch.setattr(devices, "gpus", lambda: iter([Finding("gpu", "ok", "gpu_none")]))


# the command


@pytest.mark.usefixtures("light")
def test_a_sound_machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "kind_of", lambda *_: "ext4")
    monkeypatch.setattr(storage, "LITTLE_ROOM", 0)
    monkeypatch.setattr(packages, "required", lambda: ["pytest>=8", "click"])
    done = call("doctor")
    assert done.code == 0, done.out
    assert "Nothing needs to be fixed." in done.out
    assert str(home) in done.out
    report = call("doctor", "--json").json()
    assert report["healthy"] is True
    assert {entry["subject"] for entry in report["findings"]} >= {
        "python",
        "packages",
        "cpu",
        "memory",
        "home",
    }
    assert not home.exists(), "an examination makes nothing"
    assert not list(home.parent.glob(".conch-tmp-*"))


@pytest.mark.usefixtures("light")
def test_what_must_be_fixed_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "required", lambda: ["no-such-package>=1"])
    done = call("doctor")
    assert done.code == 1
    assert "pip install 'no-such-package>=1'" in done.out
    assert call("doctor", "--json").json()["healthy"] is False


@pytest.mark.usefixtures("light")
def test_the_network_is_asked_only_when_wanted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(network, "answers_in", lambda url, seconds: asked.append(url))
    monkeypatch.setattr("conch.core.env.offline", lambda: False)
    list(doctor.examine(home))
    assert asked == []
    found = [finding for finding in doctor.examine(home, ask_network=True) if finding.subject == "network"]
    assert len(asked) == 3
    assert keys(found) == ["hub_silent"] * 3 + ["no_hub"]


def test_one_hub_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conch.core.env.offline", lambda: False)
    monkeypatch.setattr(network, "answers_in", lambda url, seconds: 0.2 if "modelscope" in url else None)
    assert keys(network.hubs()) == ["hub_silent", "hub_silent", "hub"]


def test_who_forbade_the_network_is_reminded() -> None:
    assert keys(network.hubs()) == ["network_forbidden"]  # tests are offline


# packages


def test_versions_are_held_against_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    have = {"a": "2.13.0+cpu", "b": "1.9", "c": "5.0.0rc1", "e": "of my own"}
    monkeypatch.setattr(packages, "_version", have.get)
    fit = ["a>=2.6,<3", "a~=2.13", "b", "b!=1.8", "c>=5.0.0rc1,<6", "c>=4", "a[fast]>=2"]
    for requirement in fit:
        assert keys(packages.versions([requirement])) == ["packages"], requirement
    for requirement in ("a<2.13", "a~=2.12.0", "b>=1.10", "b===1.9.0", "c>=5", "e>=1"):
        (wrong,) = packages.versions([requirement])
        assert (wrong.key, wrong.facts["name"]) == ("package_version", requirement[0]), requirement
    assert keys(packages.versions(["a<2.13", "d>=1", "b"])) == ["package_version", "package_missing"]


def test_what_other_machines_need_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_version", {"a": "1"}.get)
    given = ["a>=1; python_version >= '3'", "b; python_version < '3'", "c; extra == 'gpu'"]
    assert keys(packages.versions(given)) == ["packages"]
    (missing,) = packages.versions(["b>=2; python_version >= '3'"])
    assert missing.remedy == "pip install 'b>=2'"


def test_where_nothing_is_known_to_be_needed_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packages.metadata, "requires", gone)
    (finding,) = packages.versions()
    assert (finding.key, finding.grade) == ("packages_unknown", "note")
    assert finding.remedy


def test_extras_are_no_needs() -> None:
    needs = {need.name for need in packages.needed(packages.required())}
    assert "torch" in needs
    assert "pytest" not in needs


@pytest.mark.parametrize(
    ("facts", "cards", "key"),
    [
        ({"error": "ImportError: libc10.so"}, False, "torch_broken"),
        ({"cuda": False, "mps": False}, False, "torch_cpu"),
        ({"cuda": False, "mps": False}, True, "torch_no_cuda"),
        ({"cuda": True, "mps": False, "gpus": ["H100"], "built_for": "13.0"}, True, "torch_cuda"),
        ({"cuda": False, "mps": True}, False, "torch_mps"),
    ],
)
def test_what_torch_says(facts: dict, cards: bool, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {"version": "2.13", "threads": 2, "gpus": [], "built_for": None, **facts}
    monkeypatch.setattr(packages, "ask_torch", lambda: whole)
    (finding,) = packages.torch(cards=cards)
    assert finding.key == key
    assert finding.grade == ("fix" if key in {"torch_broken", "torch_no_cuda"} else "ok")
    assert finding.message


def test_torch_that_breaks_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "ASK_TORCH", "raise ImportError('libcudart.so.13: no such file')")
    assert packages.ask_torch() == {"error": "ImportError: libcudart.so.13: no such file"}


# processor, memory, cards


def written(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def test_a_container_is_given_fewer_cores(tmp_path: Path) -> None:
    root = written(tmp_path, {"sys/fs/cgroup/cpu.max": "50000 100000\n"})
    finding = next(devices.cpu(root))
    assert finding.key == "cpu_bound"
    assert finding.facts["cores"] == "0.5"


@pytest.mark.parametrize(
    ("flags", "has", "slow"),
    [
        ({"avx2", "avx512f", "avx512_vnni", "amx_tile", "amx_bf16"}, "AVX2, AVX-512, VNNI, AMX, bf16", False),
        ({"avx2"}, "AVX2", False),
        ({"sse4_2"}, "-", True),
        ({"asimd", "asimddp", "bf16"}, "VNNI, bf16", False),
    ],
)
def test_features_of_a_processor(
    flags: set[str], has: str, slow: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "cpu_flags", lambda: frozenset(flags))
    root = written(tmp_path, {"proc/cpuinfo": "processor: 0\nmodel name : Abacus 9\n"})
    findings = list(devices.cpu(root))
    assert findings[0].facts["has"] == has
    assert findings[0].facts["name"] == "Abacus 9"
    assert keys(findings)[1:] == (["cpu_slow"] if slow else [])


@pytest.mark.parametrize(("total", "key"), [(64e9, "memory"), (8e9, "memory_bound"), (2e9, "memory_little")])
def test_memory_is_what_the_container_has(total: float, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    machine = type("Memory", (), {"total": int(64e9), "available": int(32e9)})()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    monkeypatch.setattr(devices, "memory_total", lambda: int(total))
    monkeypatch.setattr(devices, "memory_available", lambda: int(32e9))
    finding = devices.memory()
    assert finding.key == key
    assert float(finding.facts["free"]) <= total / 1e9


def smi(tmp_path: Path, script: str) -> str:
    file = tmp_path / "nvidia-smi"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def test_cards_as_the_driver_lists_them(tmp_path: Path) -> None:
    said = "echo 'NVIDIA H100 80GB HBM3, 81559, 570.86'; echo 'NVIDIA A10, 23028, 570.86'"
    one, other = devices.gpus(smi(tmp_path, said))
    assert (one.facts["name"], one.facts["memory"], one.facts["driver"]) == (
        "NVIDIA H100 80GB HBM3",
        "85.5 GB",
        "570.86",
    )
    assert other.grade == "ok"


@pytest.mark.parametrize("script", ["echo 'NVIDIA-SMI has failed'; exit 9", "echo bad >&2; exit 1", "true"])
def test_a_driver_that_does_not_work_must_be_fixed(script: str, tmp_path: Path) -> None:
    (finding,) = devices.gpus(smi(tmp_path, script))
    assert (finding.key, finding.grade) == ("gpu_no_driver", "fix")


def test_a_card_without_its_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr(devices, "DEVICE_FILES", (tmp_path / "nvidia0",))
    assert keys(devices.gpus()) == ["gpu_none"]
    (tmp_path / "nvidia0").touch()
    assert keys(devices.gpus()) == ["gpu_no_smi"]


# the home

MOUNTS = """overlay / overlay rw 0 0
proc /proc proc rw 0 0
tmpfs /dev/shm tmpfs rw 0 0
server:/x {folder}/my\\040data nfs4 rw,vers=4.2 0 0
/dev/sdb1 {folder}/my\\040data/fast ext4 rw 0 0
tmpfs {folder}/twice tmpfs rw 0 0
/dev/sdc1 {folder}/twice xfs rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("my data/home", "nfs4"),
        ("my data/fast/home", "ext4"),
        ("my database", "overlay"),
        ("twice", "xfs"),
    ],
)
def test_the_kind_of_a_disk_is_that_of_the_nearest_mount(place: str, kind: str, tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS.format(folder=tmp_path.resolve()))
    assert storage.kind_of(tmp_path / place, mounts) == kind
    assert storage.kind_of(tmp_path / place, tmp_path / "none") == ""


@pytest.mark.parametrize(
    ("kind", "grade", "key"),
    [
        ("nfs4", "note", "home_remote"),
        ("overlay", "note", "home_overlay"),
        ("tmpfs", "fix", "home_memory"),
        ("ext4", None, None),
    ],
)
def test_what_is_said_of_a_kind(
    kind: str, grade: str, key: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "kind_of", lambda *_: kind)
    monkeypatch.setattr(storage, "LITTLE_ROOM", 0)
    found = [(finding.grade, finding.key) for finding in storage.examine(home)]
    assert found == [("ok", "home"), *([(grade, key)] if key else [])]


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_home_that_cannot_be_written(code: int, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = OSError(code, os.strerror(code), str(home))
    monkeypatch.setattr(disk, "refusal", lambda folder: error)
    finding = next(storage.examine(home))
    assert (finding.key, finding.grade) == ("home_unwritable", "fix")
    assert os.strerror(code) in finding.message


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert next(storage.examine(tmp_path / "file")).key == "home_unwritable"
    assert next(storage.examine(tmp_path / "file" / "home")).key == "home_unwritable"


@pytest.mark.parametrize("better", [Path("/roomy"), None])
def test_a_full_home(better: Path | None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "free_bytes", lambda folder: 1000)
    monkeypatch.setattr(storage, "larger_disk", lambda needed, instead_of: better)
    found = {finding.key: finding for finding in storage.examine(home)}
    finding = found["home_full_move" if better else "home_full"]
    assert finding.grade == "fix"
    assert finding.remedy == ("conch models move /roomy/conch" if better else "conch runs empty-trash")


# words


def test_all_that_must_be_fixed_has_a_remedy_in_both_languages() -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in Path(doctor.__file__).parent.glob("*.py"))
    known = {key.removeprefix("doctor.") for key in TEXTS}
    for key in known:
        if not key.startswith("graded_") and not key.endswith(".fix") and key not in {"healthy", "to_fix"}:
            named = f'"{key}"' in sources or key.startswith("torch_")
            assert named, f"{key} is never said"
    for language in ("en", "zh"):
        text.set_language(language)
        for line in sources.splitlines():
            if '"fix", "' in line:
                key = line.partition('"fix", "')[2].partition('"')[0]
                assert f"{key}.fix" in known, key


def test_findings_can_be_told_as_json(home: Path) -> None:
    for finding in storage.examine(home):
        json.dumps(finding.to_dict(), default=str)
