"""Environments of the other tools, each made once from PyPI with the torch that we have.

Both hold the very same torch, so the figures tell of the tools.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

QUESTION = """
import json, sys
from importlib import metadata
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""
PEERS_FOLDER = Path("~/.cache/conch-benchmarks/peers").expanduser()
"""Where environments are kept unless told otherwise."""
UNFIT = ("torchvision", "torchaudio")
"""Built for another torch than the one that is here, and not needed for text."""


@dataclass(frozen=True)
class Peer:
    """A tool by the name of its package; `version` where a certain one is compared."""

    package: str
    version: str | None = None
    also: tuple[str, ...] = ()
    """Packages that it takes along only when asked."""
    without: tuple[str, ...] = ()
    """Packages taken out again."""
    stand_ins: tuple[str, ...] = ()
    """Modules that it imports and does not use: empty ones are put in."""

    def requirement(self) -> str:
        return f"{self.package}=={self.version}" if self.version else self.package


PEERS = {
    "llamafactory": Peer(
        "llamafactory",
        "0.9.5",
        also=("jieba", "nltk", "rouge-chinese"),  # what its prediction scores with
        without=UNFIT,
        stand_ins=("torchaudio",),
    ),
    "trl": Peer("trl", also=("peft",)),
}


def python_of(tool: str, folder: Path) -> str:
    """The interpreter that a tool runs in; its environment is made where there is none."""
    if tool == "conch":
        return sys.executable
    place, peer = folder / tool, PEERS[tool]
    if not is_ready(peer, place):
        make(peer, place)
        if not is_ready(peer, place):
            raise SystemExit(f"The environment {place} does not hold {peer.requirement()} and our torch.")
    return str(place / "bin" / "python")


def is_ready(peer: Peer, place: Path) -> bool:
    """Whether the tool is there, in its version, with our torch, and without what does not fit it."""
    python = place / "bin" / "python"
    if not python.exists():
        return False
    words = [str(python), "-c", QUESTION, peer.package, "torch", *peer.also, *peer.without]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        return False
    found = json.loads(done.stdout)
    return (
        all(name in found for name in (peer.package, *peer.also))
        and peer.version in (None, found[peer.package])
        and found.get("torch") == metadata.version("torch")
        and not any(name in found for name in peer.without)
    )


def make(peer: Peer, place: Path) -> None:
    """A new environment in `place`. Takes minutes and some gigabytes."""
    torch = metadata.version("torch")
    print(f"Making an environment for {peer.requirement()} with torch {torch} in {place}.", flush=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
    install_torch(place, torch)
    constraints = place / "constraints.txt"
    constraints.write_text(f"torch=={torch}\n", encoding="utf-8")
    pip(place, "install", "--quiet", "--constraint", str(constraints), peer.requirement(), *peer.also)
    if peer.without:
        pip(place, "uninstall", "--quiet", "--yes", *peer.without)
    for name in peer.stand_ins:
        stand_in = next((place / "lib").glob("python*")) / "site-packages" / name
        stand_in.mkdir(exist_ok=True)
        (stand_in / "__init__.py").write_text("", encoding="utf-8")


def install_torch(place: Path, version: str) -> None:
    """The same build as ours. That for the CPU is on an index of its own where pip knows no other place."""
    try:
        pip(place, "install", "--quiet", f"torch=={version}")
    except subprocess.CalledProcessError:
        index = f"https://download.pytorch.org/whl/{version.partition('+')[2] or 'cpu'}"
        pip(place, "install", "--quiet", f"torch=={version}", "--extra-index-url", index)


def pip(place: Path, *words: str) -> None:
    subprocess.run([str(place / "bin" / "python"), "-m", "pip", *words], check=True)
