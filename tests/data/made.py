"""Datasets made for tests: rows of each format, and files of each kind."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from conch.core.conversation import Conversation
from conch.data.check import Report, check
from conch.data.dataset import Dataset
from conch.data.reading import Opened, open_dataset
from conch.data.rows import Row
from conch.data.sources import find_dataset

ROW = {"instruction": "Who are you?", "input": "", "output": "I am the magic conch."}
OTHER = {"instruction": "你叫什么名字？", "input": "请用一句话。", "output": "我是神奇海螺。"}
ALPACA = [ROW, OTHER]
SHAREGPT = [
    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]},
    {
        "conversations": [
            {"from": "system", "value": "Be brief."},
            {"from": "human", "value": "Weather?"},
            {"from": "function_call", "value": '{"name": "weather", "arguments": {"city": "Paris"}}'},
            {"from": "observation", "value": '{"degrees": 20}'},
            {"from": "gpt", "value": "20 degrees."},
        ],
        "tools": json.dumps([{"name": "weather", "parameters": {"type": "object"}}]),
    },
]
OPENAI = [
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]},
    {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}},
                    {"id": "c2", "function": {"name": "weather", "arguments": {"city": "Rome"}}},
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "20"},
            {"role": "tool", "tool_call_id": "c2", "content": {"degrees": 25}},
            {"role": "assistant", "content": "20 and 25 degrees."},
        ],
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": {}}}],
    },
]
PAIRWISE = [
    {"instruction": "Who are you?", "input": "", "chosen": "The conch.", "rejected": "A model."},
    {"instruction": "Name?", "input": "Be brief.", "chosen": "Conch.", "rejected": "I have none."},
]
KTO = [
    {"instruction": "Who are you?", "output": "The conch.", "kto_tag": True},
    {"instruction": "Who are you then?", "output": "A model.", "kto_tag": False},
]
TEXT = [{"text": "The magic conch knows."}, {"text": "神奇海螺知道。"}]
BY_FORMAT: dict[str, list[dict[str, Any]]] = {
    "alpaca": ALPACA,
    "sharegpt": SHAREGPT,
    "openai": OPENAI,
    "pairwise": PAIRWISE,
    "kto": KTO,
    "text": TEXT,
}

Rows = Sequence[dict[str, Any]]


def as_json(rows: Rows) -> bytes:
    return json.dumps(list(rows), ensure_ascii=False).encode()


def as_lines(rows: Rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_csv(rows: Rows, delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_parquet(rows: Rows) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), out)
    return out.getvalue()


def as_arrow(rows: Rows, stream: bool = False) -> bytes:
    import pyarrow as pa

    table = pa.Table.from_pylist(list(rows))
    out = io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def as_xlsx(rows: Rows) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    out = io.BytesIO()
    book.save(out)
    return _timeless(out.getvalue())


def _timeless(content: bytes) -> bytes:
    """A zip archive without the time at which it was made, so that a seed leads to the same files again."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as made,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in made.namelist():
            inner = re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2020-01-01T00:00:00Z", made.read(name))
            packed.writestr(zipfile.ZipInfo(name), inner, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def as_gz(rows: Rows) -> bytes:
    return gzip.compress(as_lines(rows), mtime=0)


def as_zip(rows: Rows, name: str = "inner.jsonl", content: bytes | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, as_lines(rows) if content is None else content)
    return _timeless(out.getvalue()) if content is None else out.getvalue()


KINDS: dict[str, Callable[[Rows], bytes]] = {
    "a.json": as_json,
    "a.jsonl": as_lines,
    "a.csv": as_csv,
    "a.tsv": lambda rows: as_csv(rows, "\t"),
    "a.parquet": as_parquet,
    "a.arrow": as_arrow,
    "b.arrow": lambda rows: as_arrow(rows, stream=True),
    "a.xlsx": as_xlsx,
    "a.jsonl.gz": as_gz,
    "a.zip": as_zip,
}
"""File name to a writer of such a file. Tables hold text only: give them alpaca rows."""


def write(file: Path, content: bytes | str | Rows) -> Path:
    """A file of these bytes, this text, or these rows (as its name says)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        content = content.encode()
    if not isinstance(content, bytes):
        content = as_json(content) if file.suffix == ".json" else as_lines(content)
    file.write_bytes(content)
    return file


def row(**values: Any) -> Row:
    return Row("/data/a.json", 7, values)


def opened(file: Path) -> Opened:
    return open_dataset(find_dataset(str(file)))


def checked(file: Path) -> Report:
    return check(opened(file))


def described(file: Path, **description: Any) -> Opened:
    """As if `file` were registered with this description."""
    return open_dataset(Dataset("mine", file, **description))


def said(conversation: Any) -> list[tuple[str, str]]:
    assert isinstance(conversation, Conversation)
    return [(message.role, message.content) for message in conversation.messages]
