"""A copy of a dataset without the rows that a check found fault with. The original is never touched."""

from __future__ import annotations

import gzip
import os
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from conch.core.errors import DataError, first_line
from conch.core.files import expanded, temporary_folder, whole_folder
from conch.data import readers
from conch.data.check import Finding, Report
from conch.data.files import DataFile
from conch.data.reading import Opened
from conch.data.rows import Fault, Row
from conch.data.splicing import as_json

REMOVED = "removed.jsonl"
"""Not read as rows where it lies in a folder (`conch.data.archives`)."""


@dataclass(frozen=True)
class Repaired:
    """What was written where."""

    folder: Path
    kept: int
    removed: int

    def to_dict(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "kept": self.kept, "removed": self.removed}


def repair(report: Report, target: Path) -> Repaired:
    """Write the files of a checked dataset to the folder `target` without the bad rows.

    What is left out stands in `removed.jsonl`, with why. `target` must be empty or not be there.
    Raises DataError where a file can be read in part only.
    """
    target = refuse_target(target, report.opened)
    try:
        return _repair(report, target)
    except OSError as error:
        raise DataError("data.fix_unwritable", folder=target, reason=error.strerror or error) from error


def _repair(report: Report, target: Path) -> Repaired:
    with whole_folder(target) as folder, (folder / REMOVED).open("w", encoding="utf-8") as removed:
        sorting = _Sorting(report, removed)
        for files in _grouped(report):
            _write(files, _place(report, files[0].path, folder), sorting)
    return Repaired(target, sorting.kept, sorting.removed)


def refuse_target(target: Path, opened: Opened) -> Path:
    """`target` as an absolute path. Raises DataError where it holds something, or is in the dataset."""
    target = expanded(target).absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError("data.fix_target", folder=target)
    source = opened.dataset.file
    if source is not None and source.is_dir() and target.resolve().is_relative_to(source.resolve()):
        raise DataError("data.fix_inside", folder=target)
    return target


def _grouped(report: Report) -> list[list[DataFile]]:
    """Files, those of one archive together."""
    groups: dict[Path, list[DataFile]] = {}
    for file in report.opened.files:
        groups.setdefault(file.path, []).append(file)
    return list(groups.values())


def _place(report: Report, file: Path, folder: Path) -> Path:
    """Where the copy of `file` goes: as it lies in the folder that holds all of the dataset."""
    source = report.opened.dataset.file
    whole = source is not None and source.is_dir()
    root = source if whole else os.path.commonpath([f.path.parent for f in report.opened.files])
    name = file.relative_to(root or file.parent)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    return folder / name


def _write(files: list[DataFile], target: Path, sorting: _Sorting) -> None:
    if not files[0].packed:
        sorting.copy(files[0], target)
        return
    with temporary_folder(target.parent) as aside:
        for file in files:
            plain, packed = aside / "plain", aside / "packed"
            sorting.copy(file, plain)
            if file.gzipped:
                with plain.open("rb") as source, gzip.open(packed, "wb") as out:
                    shutil.copyfileobj(source, out)
            else:
                plain.replace(packed)
            if file.member is None:
                packed.replace(target)
                return
            with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
                archive.write(packed, file.member)


class _Sorting:
    """Passes good rows on and writes bad ones down."""

    def __init__(self, report: Report, removed: TextIO) -> None:
        self._report = report
        self._removed = removed
        self.kept = 0
        self.removed = 0

    def copy(self, file: DataFile, target: Path) -> None:
        reader = readers.READERS[file.suffix]
        try:
            reader.write(file, self._good(file), target)
        except DataError:
            raise
        except Exception as error:  # pyarrow and openpyxl have errors of their own for what they can't write
            raise DataError("data.cannot_mend", file=file.shown, reason=first_line(error)) from error

    def _good(self, file: DataFile) -> Iterator[Row]:
        for item in readers.read(file):
            if isinstance(item, Fault):
                if item.end:
                    raise DataError("data.cannot_mend", file=file.shown, reason=item.error.message)
                self._leave_out([Finding.of(item.error)], item.raw)
                continue
            found = self._report.bad.get((item.file, item.number))
            if found:
                self._leave_out(found, item.values)
            else:
                self.kept += 1
                yield item

    def _leave_out(self, found: list[Finding], content: Any) -> None:
        self.removed += 1
        entry = {
            "file": found[0].file,
            "row": found[0].row,
            "why": [{"rule": each.rule, "reason": each.reason} for each in found],
            "content": content,
        }
        self._removed.write(as_json(entry) + "\n")
