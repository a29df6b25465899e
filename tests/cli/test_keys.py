"""`conch keys`: made, listed, revoked."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.program import call


def test_made_listed_and_revoked(home: Path) -> None:
    made = call("keys", "create", "mine", "--scope", "infer", "--scope", "metrics")
    assert made.code == 0
    key = made.out.split()[-1]
    assert key.startswith("conch-")
    listed = call("keys", "list")
    assert "mine" in listed.out
    assert "infer, metrics" in listed.out
    assert key not in listed.out
    assert json.loads(call("keys", "list", "--json").out)[0]["name"] == "mine"
    assert call("keys", "revoke", "mine").code == 0
    assert "no keys" in call("keys", "list").out.lower()


def test_json(home: Path) -> None:
    made = json.loads(call("keys", "create", "mine", "--json").out)
    assert made["scopes"] == ["infer"]
    assert made["key"].startswith("conch-")


def test_what_is_refused(home: Path) -> None:
    assert call("keys", "create", "a/b").code == 2
    assert call("keys", "create", "x", "--scope", "all").code == 2
    gone = call("keys", "revoke", "none")
    assert gone.code == 2
    assert "no key" in gone.err
