"""Reads a Parquet export with DuckDB, which shares no code with what wrote it, and compares each step with the NDJSON export.

usage: parquet.py FILE.parquet FILE.ndjson; prints `SAME n` or the first difference.
"""

import datetime
import json
import sys

import duckdb

PLAIN = [
    "seq", "step", "provider", "provider_reference", "customer_reference", "transaction_reference", "account", "contact",
    "event_id", "outcome", "repeat", "leaf_hash",
]
SOURCE = ["topic", "partition", "offset"]


def micros(text):
    """Microseconds since 1970 of an RFC 3339 time."""
    since = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - datetime.datetime(
        1970, 1, 1, tzinfo=datetime.timezone.utc
    )
    return since // datetime.timedelta(microseconds=1)


def main(parquet, ndjson):
    columns = ", ".join(f'"{name}"' for name in PLAIN + SOURCE)
    rows = duckdb.execute(f'SELECT {columns}, epoch_us("at"), typeof("at") FROM read_parquet(?)', [parquet]).fetchall()
    with open(ndjson, encoding="utf-8") as lines:
        steps = [json.loads(line) for line in lines]
    if len(rows) != len(steps):
        return f"DIFFERENT {len(rows)} rows, {len(steps)} lines"
    for row, step in zip(rows, steps):
        wanted = [step.get(name) for name in PLAIN] + [step["source"][name] for name in SOURCE]
        wanted += [micros(step["at"]), "TIMESTAMP WITH TIME ZONE"]
        if list(row) != wanted:
            return f"DIFFERENT {list(row)} {wanted}"
    return f"SAME {len(rows)}"


print(main(*sys.argv[1:]))
