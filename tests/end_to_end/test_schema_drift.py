"""Whatever type a field had and gets, no value is lost and no column is renamed: all 12 by 12 pairs."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from itertools import product
from uuid import UUID

from tests import figures
from tests.end_to_end.pipeline import load
from tests.end_to_end.warehouse import Warehouse


def _string(form: str | None = None) -> dict:
    return {"type": ["string", "null"], **({"format": form} if form else {})}


TYPES = {
    "integer": ({"type": ["integer", "null"]}, [0, -7, 2**53 + 1, 2**63 - 1]),
    "number": ({"type": ["number", "null"]}, [0.1, -2.5e300, 12345.678]),
    "decimal": (_string("x-singer.decimal"), ["0.1", "12345678901234567890.123456789", "-3"]),
    "boolean": ({"type": ["boolean", "null"]}, [True, False]),
    "string": (_string(), ["", "plain", "é😀", "12", "true", "2024-02-29"]),
    "date": (_string("date"), ["2024-02-29", "1970-01-01"]),
    "time": (_string("time"), ["23:59:59", "00:00:00"]),
    "date-time": (_string("date-time"), ["2026-10-25T00:30:00+00:00", "2026-10-25T01:30:00.123456+00:00"]),
    "uuid": (_string("uuid"), ["6fa459ea-ee8a-3ca4-894e-db77e160355e"]),
    "object": ({"type": ["object", "null"]}, [{"a": [1, None, "ü"]}, {}]),
    "array": ({"type": ["array", "null"]}, [["x", 1, None], []]),
    "any": (
        {"type": ["string", "number", "boolean", "object", "array", "null"]},
        ["x", 1.5, True, {"k": 1}, [1]],
    ),
}


def stream_of(pair) -> str:
    return "_to_".join(pair).replace("-", "_")  # a stream `a-b` is a table `b`


def lines(pairs, which: int) -> list[bytes]:
    messages = []
    for pair in pairs:
        stream, (kind, values) = stream_of(pair), TYPES[pair[which]]
        schema = {"properties": {"id": {"type": "integer"}, "v": kind}}
        messages.append({"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": ["id"]})
        messages += [
            {"type": "RECORD", "stream": stream, "record": {"id": 100 * which + number, "v": value}}
            for number, value in enumerate([*values, None])
        ]
    return [json.dumps(message).encode() + b"\n" for message in messages]


def meaning(value):
    """Give what a value says, apart from the type it is kept in."""
    return MEANINGS.get(type(value), lambda same: same)(value)


def _meaning_of_text(text: str):
    try:
        return json.loads(text) if text[:1] in {"{", "["} else Decimal(text).normalize() + 0
    except (InvalidOperation, ValueError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.replace(tzinfo=moment.tzinfo or UTC)


MEANINGS = {
    str: _meaning_of_text,
    bool: lambda value: str(value).lower(),
    **dict.fromkeys((int, float, Decimal), lambda value: Decimal(str(value)).normalize() + 0),
    datetime: lambda value: value.replace(tzinfo=value.tzinfo or UTC),
    date: lambda value: datetime(value.year, value.month, value.day, tzinfo=UTC),
    **dict.fromkeys((time, UUID), str),
}


def test_all_pairs_of_types_keep_every_value_and_every_column_name(forks, tmp_path):
    pairs = list(product(TYPES, TYPES))
    path = tmp_path / "drift.duckdb"
    for which in (0, 1):
        config = {"path": str(path), "default_target_schema": "drift"}
        code, _, said = load(forks, config, tmp_path, lines(pairs, which))
        assert code == 0, said
    warehouse = Warehouse(path)
    lost = []
    for pair in pairs:
        landed = warehouse.table("drift", stream_of(pair))
        assert {"id", "v"} <= set(landed.types) <= {"id", "v", "_sdc_deleted_at"}, pair
        stored = {row["id"]: row["v"] for row in landed.rows}
        for which in (0, 1):
            for number, value in enumerate([*TYPES[pair[which]][1], None]):
                kept = stored.pop(100 * which + number, "no row")
                if meaning(kept) != meaning(value):
                    lost.append(f"{pair[0]} → {pair[1]} ({landed.types['v']}): {value!r} became {kept!r}")
        assert stored == {}
    figures.count("Schema drift", "pairs of types", len(pairs))
    figures.count("Schema drift", "values lost", len(lost))
    assert lost == [], "\n".join(lost)
    assert warehouse.ledger("rejected_values") == []
