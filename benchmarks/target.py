"""target-duckdb beside its peers and beside DuckDB's own `read_json` of the same lines.

    .venv/bin/python benchmarks/target.py            100,000 rows each; about 15 minutes
    .venv/bin/python benchmarks/target.py --full     a million
    .venv/bin/python benchmarks/target.py --only ours,limit --runs 5

Each loader runs in a process and a virtual environment of its own (made under the temporary directory), in
turn, `--runs` times; what counts are the ratios of medians. Say what else the machine was doing.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from target_duckdb.columns import column_type

if TYPE_CHECKING:
    import resource
    from collections.abc import Callable, Iterator

STATE_EVERY = 10_000
ROOT = Path(tempfile.gettempdir()) / "target-duckdb-bench"
UV = Path(sys.executable).with_name("uv")
TEXTS = [
    *(
        "first_name",
        "last_name",
        "email",
        "phone",
        "mobile",
        "title",
        "department",
        "street",
        "city",
        "state",
    ),
    *("postcode", "country", "description", "owner_id", "account_id", "lead_source", "website"),
]
STAMP = {"type": ["string", "null"], "format": "date-time"}
TEXT, NESTED = {"type": ["string", "null"]}, {"type": ["object", "array", "null"]}
CONTACT = {
    "id": {"type": "string"},
    **dict.fromkeys(TEXTS, TEXT),
    "is_active": {"type": ["boolean", "null"]},
    "score": {"type": ["integer", "null"]},
    "visits": {"type": ["integer", "null"]},
    "rating": {"type": ["number", "null"]},
    "created_at": STAMP,
    "modified_at": STAMP,
    "birthday": {"type": ["string", "null"], "format": "date"},
    "never": TEXT,
    "address": NESTED,
    "tags": NESTED,
}
WORDS = ["lorem", "ipsum", "dolor", "café", "naïve", "straße", '"quoted"', "elit", "tempor", "Ünïcödé"]
PEERS = {
    "target-duckdb 0.8.0": ["target-duckdb==0.8.0", "duckdb==1.5.6", "setuptools<81"],
    "dlt": ["dlt[duckdb]", "duckdb==1.5.6", "pyarrow"],
    "SDK SQLTarget": ["singer-sdk~=0.54.5", "duckdb-engine==0.17.0", "duckdb==1.5.6", "sqlalchemy<2.1"],
}
OURS: dict[str, object] = {}
"""Settings of ours that the command line gave."""
QUERY = """
import duckdb, sys
path, query = sys.argv[1:]
connection = duckdb.connect(path)
connection.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
connection.execute(query)
connection.close()
"""
DLT = """
import dlt, io, json, sys
import pyarrow.json as reader
source, path = sys.argv[1:]
def tables():
    head = b'"record":'
    with open(source, 'rb') as lines:
        while True:
            found = lines.readlines(64 << 20)
            if not found:
                return
            records = [l[l.index(head) + 9 : l.rindex(b',"time_extracted"')] for l in found if head in l[:60]]
            if records:
                text = io.BytesIO(b'\\n'.join(records))
                yield reader.read_json(text, reader.ReadOptions(block_size=16 << 20))
pipeline = dlt.pipeline('bench', destination=dlt.destinations.duckdb(path), dataset_name='crm')
pipeline.run(tables(), table_name='contacts', write_disposition='append', loader_file_format='parquet')
"""
SDK = """
import sys
from singer_sdk import SQLTarget
from singer_sdk.connectors import SQLConnector
from singer_sdk.sinks import SQLSink
class Connector(SQLConnector):
    allow_merge_upsert = False
class Sink(SQLSink):
    connector_class = Connector
    @property
    def key_properties(self):
        return []  # a primary key makes it fail: DuckDB knows no SERIAL
class Target(SQLTarget):
    name = "target-sdk"
    default_sink_class = Sink
    config_jsonschema = {"type": "object", "properties": {"sqlalchemy_url": {"type": "string"}}}
Target.cli(["--config", sys.argv[1]])
"""


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    wall: float
    cpu: float
    peak: float


def contact(number: int, chance: random.Random) -> dict[str, object]:
    """Return one believable contact."""
    words = chance.choices(WORDS, k=3 * len(TEXTS))
    stamp = f"20{10 + number % 15}-0{1 + number % 9}-1{number % 10}T10:{number % 60:02d}:00Z"
    return {
        "id": f"{number * 2654435761 % 2**64:024x}",
        **{name: f"{words[place]} {words[place + 1]}" for place, name in enumerate(TEXTS)},
        "description": " ".join(words[:24]),
        "is_active": number % 2 == 0,
        "score": number % 1000,
        "visits": number,
        "rating": chance.random() * 5,
        "created_at": stamp,
        "modified_at": stamp,
        "birthday": stamp[:10],
        "never": None,
        "address": {"street": words[0], "zip": number % 99999},
        "tags": words[:2],
    }


def message(stream: str, record: dict[str, object]) -> str:
    """Return a RECORD line as Singer taps write it."""
    sent = {
        "type": "RECORD",
        "stream": stream,
        "record": record,
        "time_extracted": "2026-11-21T12:00:00+00:00",
    }
    return compact(sent)


def compact(value: object) -> str:
    """Return JSON without white space."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def head(stream: str, rules: dict[str, object] | None = None) -> str:
    """Return a SCHEMA line."""
    schema = {"type": "object", "properties": CONTACT if rules is None else rules}
    return json.dumps({"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": ["id"]})


def contacts(rows: int, first: int = 0) -> Iterator[str]:
    """Yield one stream of contacts, a STATE every 10,000."""
    chance = random.Random(first + 7)
    yield head("contacts")
    for number in range(first, first + rows):
        yield message("contacts", contact(number, chance))
        if number % STATE_EVERY == 0:
            yield json.dumps({"type": "STATE", "value": {"contacts": number}})


def interleaved(rows: int) -> Iterator[str]:
    """Yield five streams of contacts, mixed line by line."""
    chance = random.Random(3)
    names = [f"contacts{number}" for number in range(5)]
    yield from map(head, names)
    for number in range(rows):
        yield message(names[number % 5], contact(number, chance))
        if number % STATE_EVERY == 0:
            yield json.dumps({"type": "STATE", "value": number})


def wide(rows: int) -> Iterator[str]:
    """Yield a tenth of the rows with 300 columns."""
    rules: dict[str, object] = {
        "id": {"type": "string"},
        **{f"field_{number}": TEXT for number in range(299)},
    }
    yield head("wide", rules)
    for number in range(rows // 10):
        values = {f"field_{place}": f"value {number + place}" for place in range(299)}
        yield message("wide", {"id": str(number), **values})


def undeclared(rows: int) -> Iterator[str]:
    """Yield the contacts under a schema that lacks one of their properties."""
    yield head("contacts", {name: rule for name, rule in CONTACT.items() if name != "website"})
    yield from islice(contacts(rows), 1, None)


def as_text(rows: int) -> Iterator[str]:
    """Yield the contacts, their numbers as texts."""
    chance = random.Random(7)
    yield head("contacts")
    for number in range(rows):
        record = contact(number, chance)
        yield message(
            "contacts", record | {name: str(record[name]) for name in ("score", "visits", "rating")}
        )


def not_texts(rows: int) -> Iterator[str]:
    """Yield the contacts, each with a fraction where a text is declared: DuckDB might write it anew."""
    chance = random.Random(7)
    yield head("contacts")
    for number in range(rows):
        yield message("contacts", contact(number, chance) | {"title": number + 0.5})


def batch(rows: int, suffix: str) -> Iterator[str]:
    """Yield the contacts as a BATCH of one file, which is made first."""
    file, chance = ROOT / f"batch-{rows}.{suffix}", random.Random(7)
    with gzip.open(file, "wb") if suffix.endswith("gz") else file.open("wb") as lines:
        for number in range(rows):
            lines.write(compact(contact(number, chance)).encode() + b"\n")
    if suffix == "parquet":
        made = f"CREATE TABLE contacts AS {records_of(file)}; COPY contacts TO '{file}'"
        subprocess.run([sys.executable, "-c", QUERY, ":memory:", made], check=True)
    encoding = {
        "format": suffix.removesuffix(".gz"),
        "compression": "gzip" if suffix.endswith("gz") else "none",
    }
    sent = {"type": "BATCH", "stream": "contacts", "encoding": encoding, "manifest": [file.as_uri()]}
    yield from (
        head("contacts"),
        json.dumps(sent),
        json.dumps({"type": "STATE", "value": {"contacts": rows}}),
    )


def records_of(file: Path) -> str:
    """Return the query that reads a file of contacts, one in a line."""
    fields = ", ".join(f"'{name}': '{column_type(rule)}'" for name, rule in CONTACT.items())
    return f"FROM read_json('{file}', format = 'newline_delimited', columns = {{{fields}}})"


CASES: dict[str, Callable[[int], Iterator[str]]] = {
    "contacts": contacts,
    "upserts": lambda rows: contacts(rows, rows // 2),
    "five streams": interleaved,
    "300 columns": wide,
    "1,000 rows": lambda _rows: contacts(1000),
    "10,000 rows": lambda _rows: contacts(10_000),
    "small batches": lambda rows: contacts(rows // 10),
    "undeclared property": undeclared,
    "numbers as text": as_text,
    "fractions for text": not_texts,
    "BATCH of JSON lines": lambda rows: batch(rows, "jsonl"),
    "BATCH of gzip": lambda rows: batch(rows, "jsonl.gz"),
    "BATCH of Parquet": lambda rows: batch(rows, "parquet"),
}
BATCHES = {case for case in CASES if case.startswith("BATCH")}
NOT_RUN = {  # what a loader cannot do, or what would take it hours
    "target-duckdb 0.8.0": BATCHES,
    "limit": {"five streams", "small batches"},
    "dlt": set(CASES) - {"contacts"},
    "SDK SQLTarget": set(CASES) - {"1,000 rows", "10,000 rows"},
}


def source(case: str, rows: int) -> Path:
    """Return the file of a case, made once."""
    path = ROOT / f"{case.replace(' ', '-').replace(',', '')}-{rows}.jsonl"
    if not path.exists():
        with path.with_suffix(".part").open("w", encoding="utf-8") as lines:
            lines.writelines(line + "\n" for line in CASES[case](rows))
        path.with_suffix(".part").rename(path)
    return path


def environment(peer: str) -> Path:
    """Return the Python of a peer's virtual environment, made once."""
    folder = ROOT / peer.replace(" ", "-")
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([UV, "venv", "-q", "--python", sys.executable, folder], check=True)
        subprocess.run([UV, "pip", "install", "-q", "--python", python, *PEERS[peer]], check=True)
    return python


def config(name: str, values: dict[str, object]) -> Path:
    """Write a configuration file."""
    path = ROOT / f"{name}.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def command(loader: str, lines: Path, database: Path) -> list[str | Path]:
    """Return what runs a loader."""
    small = {"batch_size_rows": 1000} if lines.name.startswith("small") else {}
    if loader == "ours":
        settings = {"path": str(database), "default_target_schema": "crm", **small, **OURS}
        return [sys.executable, "-m", "target_duckdb.cli", "--config", config("ours", settings)]
    if loader == "limit":
        return [sys.executable, "-c", QUERY, database, f"CREATE TABLE contacts AS {limit(lines)}"]
    python = environment(loader)
    return {
        "dlt": [python, "-c", DLT, lines, database],
        "SDK SQLTarget": [python, "-c", SDK, config("sdk", {"sqlalchemy_url": f"duckdb:///{database}"})],
    }.get(loader) or [
        python.with_name("target-duckdb"),
        "--config",
        config("peer", {"path": str(database), "default_target_schema": "crm", **small}),
    ]


def limit(lines: Path) -> str:
    """Return the query with which DuckDB itself reads the records of a file of messages."""
    with lines.open(encoding="utf-8") as messages:
        schema, sent = json.loads(messages.readline()), json.loads(messages.readline())
    if sent["type"] == "BATCH":
        file = Path(url2pathname(urlsplit(sent["manifest"][0]).path))
        return f"FROM read_parquet('{file}')" if file.suffix == ".parquet" else records_of(file)
    properties = schema["schema"]["properties"].items()
    struct = ", ".join(f'"{name}" {column_type(rule)}' for name, rule in properties)
    return (
        f"SELECT unnest(record) FROM read_json('{lines}', format = 'newline_delimited',"
        f" columns = {{'type': 'VARCHAR', 'record': 'STRUCT({struct})'}}) WHERE type = 'RECORD'"
    )


def run(loader: str, case: str, rows: int) -> Cost:
    """Run a loader once, into a new database, or for upserts into one that holds half of the keys."""
    database = ROOT / "bench.duckdb"
    for stale in ROOT.glob("bench.duckdb*"):
        stale.unlink()
    shutil.rmtree(Path.home() / ".dlt" / "pipelines" / "bench", ignore_errors=True)
    if case == "upserts" and loader != "limit":
        once(command(loader, source("contacts", rows), database), source("contacts", rows))
    return once(command(loader, source(case, rows), database), source(case, rows))


def once(words: list[str | Path], lines: Path) -> Cost:
    """Run a process to its end and return its cost."""
    began = time.perf_counter()
    with lines.open("rb") as given, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, stdin=given, stdout=subprocess.DEVNULL, stderr=said, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{words[0]} failed:\n{said.read()[-2000:].decode()}")
    return cost(wall, usage)


def cost(wall: float, usage: resource.struct_rusage) -> Cost:
    """Return a cost in seconds, seconds and MB."""
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def report(case: str, costs: dict[str, list[Cost]]) -> None:
    """Print the medians of a case, and how they compare with ours."""
    print(f"\n{case}: load average {os.getloadavg()[0]:.1f}\n")
    print("| loader | wall s | ÷ ours | CPU s | ÷ ours | peak MB |\n|---|---:|---:|---:|---:|---:|")
    middle = {
        loader: Cost(
            *(statistics.median(getattr(each, name) for each in found) for name in ("wall", "cpu", "peak"))
        )
        for loader, found in costs.items()
    }
    ours = middle.get("ours") or next(iter(middle.values()))
    for loader, each in middle.items():
        ratios = f"{each.wall:.2f} | {each.wall / ours.wall:.2f} | {each.cpu:.2f} | {each.cpu / ours.cpu:.2f}"
        print(f"| {loader} | {ratios} | {each.peak:.0f} |", flush=True)


def main() -> None:
    """Run the cases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="a million rows instead of 100,000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default=",".join(["ours", "limit", *PEERS]), help="loaders, by comma")
    parser.add_argument("--cases", default=";".join(CASES), help="cases, by semicolon")
    parser.add_argument("--rows", type=int, help="as many rows instead")
    parser.add_argument("--set", type=json.loads, default={}, help="settings of ours, as JSON")
    given = parser.parse_args()
    OURS.update(given.set)
    ROOT.mkdir(exist_ok=True)
    rows = given.rows or (1_000_000 if given.full else 100_000)
    for case in given.cases.split(";"):
        loaders = [name for name in given.only.split(",") if case not in NOT_RUN.get(name, ())]
        costs: dict[str, list[Cost]] = {name: [] for name in loaders}
        for _ in range(given.runs):
            for name in loaders:
                costs[name].append(run(name, case, rows))
        report(f"{case}, {rows:,} rows", costs)


if __name__ == "__main__":
    main()
