"""Keys are shown once, kept as hashes, and gone when they are revoked."""

from __future__ import annotations

import pytest

from conch.core import api_keys
from conch.core.errors import UsageError


def test_a_key_is_kept_as_a_hash(home):
    key = api_keys.create("mine", ["metrics", "infer"])
    assert key.startswith("conch-")
    assert len(key) > 40
    kept = [file.read_text() for file in api_keys.keys_folder().iterdir()]
    assert len(kept) == 1
    assert key not in kept[0]
    assert api_keys.keys_folder().stat().st_mode & 0o077 == 0
    (listed,) = api_keys.list_keys()
    assert (listed.name, listed.scopes) == ("mine", ("infer", "metrics"))
    found = api_keys.KeyRing().find(key.encode())
    assert found is not None
    assert found.name == "mine"
    assert api_keys.KeyRing().find(b"conch-other") is None


def test_admin_allows_everything(home):
    api_keys.create("boss", ["admin"])
    api_keys.create("reader", ["metrics"])
    boss, reader = api_keys.list_keys()
    assert [boss.allows(scope) for scope in api_keys.SCOPES] == [True] * 3
    assert [reader.allows(scope) for scope in api_keys.SCOPES] == [False, True, False]


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 65, "a b"])
def test_names_that_are_none(home, name):
    with pytest.raises(UsageError):
        api_keys.create(name, ["infer"])
    with pytest.raises(UsageError):
        api_keys.revoke(name)


def test_what_is_refused(home):
    api_keys.create("mine", ["infer"])
    with pytest.raises(UsageError, match="already"):
        api_keys.create("mine", ["infer"])
    with pytest.raises(UsageError, match="no scope"):
        api_keys.create("other", ["all"])
    with pytest.raises(UsageError, match="no key"):
        api_keys.revoke("other")


def test_a_damaged_file_opens_nothing(home):
    key = api_keys.create("mine", ["infer"])
    (api_keys.keys_folder() / "mine.json").write_text("{")
    assert api_keys.list_keys() == []
    assert api_keys.KeyRing().find(key.encode()) is None
