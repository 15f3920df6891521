"""Records as Parquet, every column of its own type; what is in them is `rows`' to say."""

import io
from collections.abc import Sequence

from metrics.export.rows import COLUMNS, Rows, make_rows
from metrics.store.records import Stored


def write_parquet(stored: Sequence[Stored], rows: Rows) -> bytes:
    """The rows of `rows.make_rows`; a column that is nowhere known keeps its type."""
    import pyarrow  # type: ignore[import-untyped]
    from pyarrow import parquet

    types = {str: pyarrow.string(), float: pyarrow.float64(), int: pyarrow.int64()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in COLUMNS[rows].items()])
    table = pyarrow.Table.from_pylist(make_rows(stored, rows), schema=schema)
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()
