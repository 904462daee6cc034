"""``.parquet``: one article a row, read some rows at a time. Needs the extra ``parquet``."""

from __future__ import annotations

from collections.abc import Iterator

from ingest.readers.items import Item, ReadFailure, ReadWarning, Source
from ingest.readers.records import FIELDS
from ingest.readers.rows import Row, read_rows

_ROWS = 16
"""Rows held at a time: texts may be long."""
_MAX_GROUP = 4 * 1024**3
"""Largest row group read, in bytes as unpacked."""


def read_parquet(source: Source) -> Iterator[Item]:
    """The articles of a Parquet file, at ``PATH#1``, ``PATH#2`` and so on; other columns than wanted are not read."""
    yield from read_rows(source, _rows)


def _rows(source: Source) -> Iterator[Row | ReadFailure | ReadWarning]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError:
        yield ReadFailure(source.where, "Parquet files need one more package: pip install 'dateline[parquet]'")
        return
    number = 0
    with source.open() as stream:
        try:
            file = ParquetFile(stream)
            wanted = {source.fields.get(field, field) for field in FIELDS}
            # A name with dots may be a path into a column of structures.
            columns = [name for name in file.schema_arrow.names if name in wanted | {n.split(".")[0] for n in wanted}]
            text = source.fields.get("text", "text")
            if text not in columns and text.split(".")[0] not in columns:
                names = ", ".join(file.schema_arrow.names)[:200]
                yield ReadFailure(source.where, f"no column is named {text!r}; the file has: {names}")
                return
            groups = (file.metadata.row_group(index) for index in range(file.metadata.num_row_groups))
            if any(group.total_byte_size > _MAX_GROUP for group in groups):
                yield ReadFailure(source.where, f"a row group is larger than {_MAX_GROUP:,} bytes")
                return
            for batch in file.iter_batches(batch_size=_ROWS, columns=columns):
                for record in batch.to_pylist():
                    number += 1
                    yield Row(f"{source.where}#{number}", record)
        except (ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
            reason = (str(error).splitlines() or [""])[0]
            yield ReadFailure(source.where, f"not a Parquet file that can be read: {reason}")
