"""What the buttons beside the rows of a dataset do."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from conch.core.errors import DataError
from conch.data import editing
from conch.webui.pages import data_rows
from tests.data.test_editing import ROWS, ours, values


def test_only_the_row_that_was_seen_is_taken_out(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_rows, "note", lambda text: None)
    opened = ours(tmp_path, "seen.jsonl")
    drawn = data_rows._drawn(opened, 1)[0]
    keys = re.findall(r"data-do='remove' data-key='([^']+)'", drawn)
    assert len(keys) == len(ROWS)
    editing.remove(opened, editing.held(opened, 1))  # in another window: all others are one place further up
    with pytest.raises(DataError) as caught:
        data_rows._act("seen", 1, SimpleNamespace(act="remove", key=keys[1]))
    assert caught.value.key == "edit.changed"
    assert values(opened) == ROWS[1:]
    now = re.findall(r"data-do='remove' data-key='([^']+)'", data_rows._drawn(opened, 1)[0])
    data_rows._act("seen", 1, SimpleNamespace(act="remove", key=now[0]))
    assert values(opened) == ROWS[2:]
