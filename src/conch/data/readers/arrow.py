"""Arrow's own files, in both of their forms: IPC file and IPC stream (as `datasets` writes it)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from conch.data.files import DataFile
from conch.data.rows import Item, Row

_MARK = b"ARROW1"
_BATCH = 512


class ArrowReader:
    def read(self, file: DataFile) -> Iterator[Item]:
        with file.open_seekable() as stream:
            number = 0
            for batch in _batches(stream):
                batch.validate(full=True)  # a damaged one would be read outside of its memory
                for start in range(0, batch.num_rows, _BATCH):
                    for values in batch.slice(start, _BATCH).to_pylist():
                        number += 1
                        yield Row(file.shown, number, values)

    def write(self, file: DataFile, rows: Iterator[Row], target: Path) -> None:
        import pyarrow as pa

        with file.open_seekable() as stream:
            schema, new = _opened(stream).schema, pa.ipc.new_file if _is_file(stream) else pa.ipc.new_stream
        with new(str(target), schema) as out:
            while batch := [dict(row.values) for row in islice(rows, _BATCH)]:
                out.write_table(pa.Table.from_pylist(batch, schema=schema))

    def count(self, file: DataFile) -> int | None:
        return None


def _is_file(stream: BinaryIO) -> bool:
    stream.seek(0)
    mark = stream.read(len(_MARK))
    stream.seek(0)
    return mark == _MARK


def _opened(stream: BinaryIO) -> Any:
    import pyarrow as pa

    return pa.ipc.open_file(stream) if _is_file(stream) else pa.ipc.open_stream(stream)


def _batches(stream: BinaryIO) -> Iterator[Any]:
    table = _opened(stream)
    if hasattr(table, "num_record_batches"):
        for index in range(table.num_record_batches):
            yield table.get_batch(index)
    else:
        yield from table
