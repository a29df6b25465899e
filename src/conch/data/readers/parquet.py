"""Parquet, through pyarrow, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from conch.data.files import DataFile
from conch.data.rows import Item, Row

_BATCH = 512


class ParquetReader:
    def read(self, file: DataFile) -> Iterator[Item]:
        import pyarrow.parquet as pq

        with file.open_seekable() as stream, pq.ParquetFile(stream, pre_buffer=False) as table:
            number = 0
            for batch in table.iter_batches(_BATCH, use_threads=False):
                batch.validate(full=True)
                for values in batch.to_pylist():
                    number += 1
                    yield Row(file.shown, number, values)

    def write(self, file: DataFile, rows: Iterator[Row], target: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        with file.open_seekable() as stream:
            schema: Any = pq.read_schema(stream)
        with pq.ParquetWriter(target, schema) as out:
            while batch := [dict(row.values) for row in islice(rows, _BATCH)]:
                out.write_table(pa.Table.from_pylist(batch, schema=schema))

    def count(self, file: DataFile) -> int | None:
        import pyarrow.parquet as pq

        with file.open_seekable() as stream, pq.ParquetFile(stream) as table:
            return int(table.metadata.num_rows)
