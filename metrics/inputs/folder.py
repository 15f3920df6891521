"""A MUSE data set in a folder: finds the file of each table and reads it; never judges a row.

Folders are read here and not by `datasets`: that has no list of plain texts (MUSE's own
`privleak/forget.json`), turns types into each other, and takes a second and a cache to start.
"""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from loaders.faults import Fault
from metrics.inputs.layout import OLD_NAMES, OPTIONAL, SETS, Table, require_size
from metrics.inputs.sheets import decode, parse_csv, parse_json, parse_lines

ENDINGS = (".json", ".jsonl", ".csv", ".parquet")


def read_folder(folder: Path) -> dict[str, Table]:
    """Every table of `folder` by name. Faults name the file and, where there is one, the line."""
    if not folder.is_dir():
        raise Fault(f"The data folder {folder} does not exist; set 'data' in the family's file.")
    found = {name: _file(folder, name) for name in (*SETS, *OPTIONAL)}
    for name in SETS:
        if found[name] is None:
            raise Fault(
                f"{folder / name}.json is missing; a MUSE data folder has it "
                "(or a .jsonl, .csv or .parquet of that name)."
            )
    return {name: _table(path) for name, path in found.items() if path is not None}


def _file(folder: Path, name: str) -> Path | None:
    for called in (name, OLD_NAMES.get(name, name)):
        paths = [path for end in ENDINGS if (path := folder / f"{called}{end}").is_file()]
        paths += sorted(folder.glob(f"{called}-*.parquet"))
        if paths:
            return _only(folder / called, paths)
    return None


def _only(table: Path, paths: Sequence[Path]) -> Path:
    if len(paths) == 1:
        return paths[0]
    if all(path.suffix == ".parquet" for path in paths):
        raise Fault(f"{table} is in {len(paths)} parquet files; put it into one.")
    names = " and ".join(path.name for path in paths)
    raise Fault(f"{table} is there as {names}; keep one of them.")


def _table(path: Path) -> Table:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Fault(f"{path} could not be read: {error.strerror}.") from error
    rows = _rows(path, content)
    if not isinstance(rows, list | tuple):
        raise Fault(f"{path} holds no rows; it must be a list with at least one.")
    require_size(str(path), len(rows))
    return Table(str(path), tuple(rows), sha256(content).digest())


def _rows(path: Path, content: bytes) -> Any:
    if path.suffix == ".parquet":
        return _parquet(path, content)
    if path.suffix == ".csv":
        return parse_csv(str(path), content, first=0).rows
    if path.suffix == ".jsonl":
        return parse_lines(str(path), content)
    try:
        return parse_json(decode(str(path), content))
    except ValueError as error:
        raise Fault(f"{path} is not JSON: {error}.") from error


def _parquet(path: Path, content: bytes) -> list[Any]:
    import pyarrow  # type: ignore[import-untyped]
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(content))
        require_size(str(path), file.metadata.num_rows)  # before they fill the memory
        rows: list[Any] = file.read().to_pylist()
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise Fault(f"{path} is not readable as parquet: {error}.") from error
    return rows
