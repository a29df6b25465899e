"""The JSON Schema that pages and editors are drawn from, held against the nodes."""

from __future__ import annotations

from conch.config import schema
from conch.config.keys import PASSTHROUGH
from conch.config.load import FIELD_NODES
from conch.core import text


def test_the_kept_schema_is_that_of_the_nodes() -> None:
    kept = schema.json_schema()
    for entry in kept["properties"].values():
        del entry["description"]
    assert kept == schema.build(), "The config changed. Renew the schema: python -m conch.config.schema"


def test_the_schema_holds_every_honoured_key_with_its_meaning() -> None:
    properties = schema.json_schema()["properties"]
    assert set(properties) == {*FIELD_NODES, *PASSTHROUGH}
    assert all(entry["description"] and entry["x-group"] for entry in properties.values())
    assert all("type" in e or "anyOf" in e or "enum" in e or "const" in e for e in properties.values())


def test_the_schema_follows_the_language() -> None:
    english = schema.json_schema()["properties"]["lora_rank"]["description"]
    text.set_language("zh")
    assert schema.json_schema()["properties"]["lora_rank"]["description"] != english
