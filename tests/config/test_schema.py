"""The JSON Schema that pages and editors are drawn from, held against a snapshot."""

from __future__ import annotations

import json
from pathlib import Path

from conch.config.keys import PASSTHROUGH
from conch.config.load import FIELD_NODES, json_schema
from conch.core import text

SNAPSHOT = Path(__file__).parent / "schema.json"
RENEW = "python -m tests.config.test_schema"


def current() -> str:
    text.set_language("en")
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def test_the_schema_is_that_of_the_snapshot() -> None:
    kept = SNAPSHOT.read_text(encoding="utf-8") if SNAPSHOT.is_file() else ""
    assert current() == kept, f"The config schema changed. If that is meant, renew the snapshot: {RENEW}"


def test_the_schema_holds_every_honoured_key_with_its_meaning() -> None:
    properties = json_schema()["properties"]
    assert set(properties) == {*FIELD_NODES, *PASSTHROUGH}
    assert all(entry["description"] and entry["x-group"] for entry in properties.values())
    assert all("type" in e or "anyOf" in e or "enum" in e or "const" in e for e in properties.values())


def test_the_schema_follows_the_language() -> None:
    english = json_schema()["properties"]["lora_rank"]["description"]
    text.set_language("zh")
    assert json_schema()["properties"]["lora_rank"]["description"] != english


if __name__ == "__main__":
    SNAPSHOT.write_text(current(), encoding="utf-8")
