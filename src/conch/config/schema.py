"""JSON Schema of the flat training config, for pages, editors and `conch options train`.

Built from the nodes by `python -m conch.config.schema` and kept beside this file, so that
reading it needs neither pydantic nor the nodes; a test holds the two together.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conch.core.text import tr

KEPT = Path(__file__).with_name("schema.json")


def json_schema() -> dict[str, Any]:
    """Every honoured key with its type, default, group and meaning, in the language in use."""
    schema: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    for key, entry in schema["properties"].items():
        passed_on = entry["x-group"] == "passthrough"
        entry["description"] = tr("config.passthrough", key=key) if passed_on else tr(f"keys.{key}")
    return schema


def build() -> dict[str, Any]:
    """The schema without the words, from the nodes."""
    from pydantic import TypeAdapter

    from conch.config.keys import PASSTHROUGH
    from conch.config.train import NODES

    properties: dict[str, Any] = {}
    for name, node in NODES.items():
        for key, entry in node.model_json_schema()["properties"].items():
            entry.pop("title", None)
            properties[key] = {**entry, "x-group": name}
    for key, kind in PASSTHROUGH.items():
        properties[key] = {**TypeAdapter[Any](kind).json_schema(), "x-group": "passthrough"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "TrainConfig",
        "type": "object",
        "required": ["model_name_or_path"],
        "properties": properties,
        "additionalProperties": False,
    }


def main() -> None:
    KEPT.write_text(json.dumps(build(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
