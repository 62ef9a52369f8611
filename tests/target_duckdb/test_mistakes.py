"""A mistake is one clear line on stderr and an exit code, never a traceback; what was committed stays."""

from __future__ import annotations

import errno
import fcntl
import gzip
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from target_duckdb.address import advice, check, hide
from target_duckdb.configuration import WANTED
from target_duckdb.errors import DatabaseError, LoadError, SettingsError, SpoolError
from target_duckdb.loader import Load
from target_duckdb.reader import Reader
from target_duckdb.settings import SETTINGS, read_settings
from target_duckdb.spool import remove_leftovers

from tests.target_duckdb import preloaded
from tests.target_duckdb.loading import COMMAND, HOLD, Warehouse, lines, live, record, records, schema, state


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse.duckdb")


def complaint(done: subprocess.CompletedProcess[bytes]) -> str:
    assert done.returncode == 1
    errors = [line for line in done.stderr.decode().splitlines() if "ERROR" in line]
    assert "Traceback" not in done.stderr.decode()
    assert done.stdout == b""
    return "\n".join(errors)


MISTAKES = [
    (
        "not JSON",
        [schema("a"), b'{"type": "RECORD", "stream": "a", "record": {"id": 1, "name": "secret"'],
        "line 2: not a Singer message",
    ),
    ("a word", [b"hello"], "line 1: not a Singer message"),
    ("a list", [b"[1, 2]"], "line 1: not a Singer message"),
    ("no type", [{"stream": "a"}], "line 1: unknown message type ''"),
    ("an unknown type", [{"type": "RECORDS"}], "line 1: unknown message type 'RECORDS'"),
    ("a type that is an object", [b'{"type":{},"stream":"a"}'], "line 1: not a Singer message"),
    *(
        (
            f"a key that is none: {keys}",
            [
                f'{{"type":"SCHEMA","stream":"a","schema":{{"properties":{{"id":{{}}}}}},"key_properties":{keys}}}'.encode()
            ],
            "line 1: not a Singer message",
        )
        for keys in ("5", "true", "NaN", "[[]]", '"id"')
    ),
    *(
        (
            f"a batch whose encoding is none: {encoding}",
            [schema("a"), {"type": "BATCH", "stream": "a", "encoding": encoding, "manifest": []}],
            "line 2: BATCH of 'a'",
        )
        for encoding in (5, "jsonl", [None], {"format": 5}, {"format": "csv"})
    ),
    (
        "a compression that is not known, of files whose format is not named",
        [
            schema("a"),
            {"type": "BATCH", "stream": "a", "encoding": {"compression": "zstd"}, "manifest": []},
        ],
        "line 2: BATCH of 'a': cannot read jsonl (assumed, as no format is named), zstd;",
    ),
    (
        "a record before its schema",
        [record("a", id=1)],
        "line 1: a record for stream 'a' came before its SCHEMA",
    ),
    (
        "a record without its key",
        [schema("a"), record("a", name="x")],
        "line 2: a record of 'a' has no value for its key 'id'",
    ),
    *(
        (
            f"a null for a key of {rules or 'whatever'}",
            [schema("a", {"id": rules}), record("a", id={"x": [1]}), record("a", id=None)],
            "line 3: a record of 'a' has no value for its key 'id'",
        )
        for rules in ({}, {"type": ["object", "null"]}, {"type": ["null", "array", "object", "string"]})
    ),
    (
        "a record that is none",
        [schema("a"), b'{"type":"RECORD","stream":"a"}'],
        "line 2: a RECORD without a record",
    ),
    (
        "a record that is a list",
        [schema("a"), b'{"type":"RECORD","stream":"a","record":[1]}'],
        "line 2: not a JSON object",
    ),
    ("a state without a value", [{"type": "STATE"}], "line 1: a STATE without a value"),
    (
        "a schema without properties",
        [{"type": "SCHEMA", "stream": "a", "schema": {}}],
        "line 1: SCHEMA of stream 'a'",
    ),
    *(
        (
            f"a schema that is none: {rules}",
            [{"type": "SCHEMA", "stream": "a", "schema": rules}],
            "line 1: SCHEMA of stream 'a'",
        )
        for rules in (
            [],
            {"properties": ["id"]},
        )
    ),
    ("a key that is no property", [schema("a", keys=["nope"])], "line 1: SCHEMA of stream 'a': key ['nope']"),
    (
        "a file that is not there",
        [
            schema("a"),
            {
                "type": "BATCH",
                "stream": "a",
                "encoding": {"format": "jsonl"},
                "manifest": ["file:///no/such"],
            },
        ],
        "there is no such file",
    ),
    (
        "a file far away",
        [
            schema("a"),
            {"type": "BATCH", "stream": "a", "encoding": {"format": "jsonl"}, "manifest": ["s3://b/f"]},
        ],
        "only local files",
    ),
]


USUAL: dict[str, dict[str, Any]] = {
    "SCHEMA": schema("a"),
    "RECORD": record("a", 5, id=1),
    "STATE": state(1),
    "ACTIVATE_VERSION": {"type": "ACTIVATE_VERSION", "stream": "a", "version": 5},
    "BATCH": {"type": "BATCH", "stream": "a", "encoding": {"format": "jsonl"}, "manifest": []},
}
MEMBERS = [(kind, name) for kind, message in USUAL.items() for name in (*message, "time_extracted")]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.sampled_from(MEMBERS), VALUES)
def test_whatever_a_message_holds_is_loaded_or_said_in_one_line(warehouse, member, value):
    for stale in warehouse.path.parent.glob("warehouse.duckdb*"):
        stale.unlink()
    kind, name = member
    messages = USUAL | {kind: USUAL[kind] | {name: value}}
    said = ""
    try:
        warehouse.load(*messages.values())
    except DatabaseError:
        raise
    except LoadError as error:
        said = str(error)
    assert said.isprintable()


@pytest.mark.parametrize(("messages", "expected"), [pytest.param(*row[1:], id=row[0]) for row in MISTAKES])
def test_a_bad_input(warehouse, messages, expected):
    with pytest.raises(LoadError) as caught:
        warehouse.load(*messages)
    assert expected in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


LINES = "".join(f'{{"id": {number}, "name": "{number * 7919 % 10007}"}}\n' for number in range(3000)).encode()
GZIP = gzip.compress(LINES)
DAMAGED = {
    "a text": LINES,
    "a header that is none": b"\x1f\x8c" + GZIP[2:],
    "a method that is none": GZIP[:2] + b"\x09" + GZIP[3:],
    "bytes in the middle": GZIP[:2000] + bytes(byte ^ 0xFF for byte in GZIP[2000:2040]) + GZIP[2040:],
    "its checksum": GZIP[:-8] + bytes(byte ^ 0xFF for byte in GZIP[-8:]),
    "its end": GZIP[:-2000],
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_of_a_batch_is_one_line(warehouse, tmp_path, damaged):
    path = tmp_path / "batch.jsonl.gz"
    path.write_bytes(damaged)
    encoding = {"format": "jsonl", "compression": "gzip"}
    message = {"type": "BATCH", "stream": "a", "encoding": encoding, "manifest": [str(path)]}
    assert f"line 2: BATCH file '{path}': " in complaint(warehouse.command(schema("a"), message))


UNREADABLE = {
    "no name": "",
    "a folder": "/",
    "a name too long": "/" + "a" * 5000,
    "a name with a control character": "/a\x1bb",
    "no address": "file://[",
    "an address of another computer": "file://[::1]/b",
    "a name of no file": "file:///a%00b",
    "a file that gives an error": "/proc/self/mem",
    "an address of a file that gives an error": "file:///proc/self/mem",
}


@pytest.mark.parametrize("name", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("format_", ["jsonl", "parquet"])
def test_a_file_of_a_batch_that_cannot_be_read_is_one_line(warehouse, name, format_):
    message = {"type": "BATCH", "stream": "a", "encoding": {"format": format_}, "manifest": [name]}
    assert f"line 2: BATCH file {name!r}: " in complaint(warehouse.command(schema("a"), message))


@pytest.mark.parametrize("sdk", [{}, {"validate_records": True}], ids=["quick way", "SDK way"])
@pytest.mark.parametrize("format_", ["jsonl", "parquet"])
def test_an_address_of_a_batch_is_told_without_its_secrets(warehouse, format_, sdk):
    name = "https://me:hunter2@host/f.jsonl?X-Amz-Signature=s3cret"
    message = {"type": "BATCH", "stream": "a", "encoding": {"format": format_}, "manifest": [name]}
    said = complaint(warehouse.command(schema("a"), message, **sdk))
    assert "line 2: BATCH file 'https:…': only local files can be read" in said
    assert not {"hunter2", "s3cret"} & set(re.findall(r"\w+", said))


FAULTY = {
    "no JSON": ([b'{"id":1,"name":"secret"}', b"", b'{"id":2,'], 3, 'not JSON: {"id":…,'),
    "two values": ([b'{"id":1} {"id":2}'], 1, 'not JSON: {"id":…} {"id":…}'),
    "no record": ([b"[1]"], 1, "not a JSON object"),
    "no key": ([b'{"id":1}', b'{"name":"secret"}'], 2, "a record of 'a' has no value for its key 'id'"),
}


@pytest.mark.parametrize(("found", "number", "expected"), FAULTY.values(), ids=FAULTY)
@pytest.mark.parametrize("sdk", [{}, {"validate_records": True}], ids=["quick way", "SDK way"])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_line_of_a_batch_is_found_by_its_file(
    warehouse, tmp_path, compression, sdk, found, number, expected
):
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    pack = gzip.compress if compression == "gzip" else bytes
    good.write_bytes(pack(b'{"id":0}\n'))
    bad.write_bytes(pack(b"\n".join(found)))
    encoding = {"format": "jsonl", "compression": compression}
    message = {"type": "BATCH", "stream": "a", "encoding": encoding, "manifest": [str(good), str(bad)]}
    said = complaint(warehouse.command(schema("a"), message, **sdk))
    assert f"line 2: BATCH file '{bad}', line {number}: {expected}" in said
    assert "secret" not in said


def test_a_mistake_is_one_line(warehouse):
    said = complaint(warehouse.command(*MISTAKES[0][1]))
    assert MISTAKES[0][2] in said
    assert "secret" not in said


NO_FILES = {
    ":memory:": ":memory:",
    "s3://bucket/x.duckdb": "s3:…",
    "file:///tmp/x.duckdb": "file:…",
    "sqlite:x.db": "sqlite:…",
    "https://me:hunter2@host/x.duckdb": "https:…",
}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"colour": "red"}, "'colour' was unexpected"),
        ({"batch_size_rows": "many"}, "'many' is not of type"),
        ({"load_method": "merge"}, "'merge' is not one of"),
        *(
            ({"memory_limit": size}, f"memory_limit has to be a size, such as 400MB or 1.5GiB, not {size!r}")
            for size in ("lots", "-1", "none", "4GB\nx", "5")
        ),
        ({"max_batch_age_seconds": 10**400}, "config['max_batch_age_seconds']"),
        (
            {"max_batch_age_seconds": "9" * 400},
            f"has to be a number of seconds, such as 300, not '{'9' * 40}'",
        ),
        (
            {"lock_timeout_seconds": "5m"},
            "lock_timeout_seconds has to be a number of seconds, such as 300, not '5m'",
        ),
        ({"memory_limit": "lots", "lock_timeout_seconds": "5m"}, "not '5m'; memory_limit has to be a size"),
        ({"batch_size_rows": 10**400}, "config['batch_size_rows']"),
        ({"path": "/"}, "cannot open /: it is a folder"),
        ({"path": "x" * 240}, "its name is longer than 239 bytes"),
        ({"path": "/tmp/" + "x" * 5000}, "File name too long"),
        *(
            ({name: f"/tmp/{odd}"}, f"{name} holds a NUL or half a surrogate pair")
            for name in ("path", "temp_directory", "default_target_schema")
            for odd in ("\0", "\ud800")
        ),
        ({"path": "~nosuchuser/x"}, "path ~nosuchuser/x begins with the home of a user"),
        ({"temp_directory": "~nosuchuser"}, "temp_directory ~nosuchuser begins with the home of a user"),
        ({"temp_directory": "/dev/null/x"}, "cannot write to /dev/null/x (temp_directory)"),
        ({"stream_maps": {"__else__": "x"}}, "stream_maps: __else__ has to be null"),
        ({"stream_maps": {"a": {"__else__": "x"}}}, "stream_maps: __else__ has to be null"),
        ({"path": "/dev/null/x.duckdb"}, "/dev/null/x.duckdb"),
        *(({"path": path}, f"path {said} is no local file") for path, said in NO_FILES.items()),
        ({"storage_compatibility_version": "v0.0.1"}, "cannot open"),
        *(
            (
                {"default_target_schema": name},
                f"has to be another name, which neither DuckDB nor this target uses itself, not {name!r}",
            )
            for name in ("_load", "_LOAD", "Temp")
        ),
        ({"max_delete_fraction": "5"}, "max_delete_fraction has to be a number from 0 to 1, not '5'"),
        ({"threads": 100_000}, "100000 is greater than the maximum of 256"),
        (
            {"stream_maps": {"a": {"half": "1 / (id - 1)"}}},
            "line 2: a: its stream map fails: ZeroDivisionError",
        ),
        ({"stream_maps": {"a": {"half": "'a' + id"}}}, "line 2: a: its stream map fails: TypeError"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_setting(warehouse, settings, expected):
    assert expected in complaint(warehouse.command(schema("a"), record("a", id=1), **settings))


def test_no_pattern_is_shown_to_who_writes_a_setting():
    assert set(WANTED) == {name for name, rule in SETTINGS.items() if "pattern" in rule}


MAPPED: dict[str, Any] = {"stream_maps": {"a": {"n": "id"}}}
WAYS = pytest.mark.parametrize("settings", [{}, MAPPED], ids=["plain", "by the SDK"])


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("kind", ["FIFO", "socket"])
@WAYS
def test_a_path_that_would_hang_is_refused(warehouse, kind, settings):
    {"FIFO": os.mkfifo, "socket": make_socket}[kind](warehouse.path)
    said = complaint(warehouse.command(schema("a"), record("a", id=1), **settings))
    assert f"cannot open {warehouse.path}: it is a {kind}" in said


def test_a_device_is_refused():
    with pytest.raises(SettingsError, match="it is a device"):
        check("/dev/null")


def test_a_link_to_itself_is_refused(warehouse):
    warehouse.path.symlink_to(warehouse.path)
    said = complaint(warehouse.command(schema("a"), record("a", id=1)))
    assert f"cannot open {warehouse.path}: Too many levels of symbolic links" in said


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = COMMAND if "env" in options else preloaded.command()
    return subprocess.run([*command, *words], capture_output=True, check=False, timeout=30, **options)


NO_CONFIGURATIONS = {
    "broken": (b'{"path": ', "is not JSON"),
    "empty": (b"", "is not JSON"),
    "UTF-16": ('{"path": "x"}'.encode("utf-16"), "is not UTF-8"),
    "nested too deeply": (b"[" * 100_000, "is not JSON"),
    "not a number": (b'{"path": "x", "max_batch_age_seconds": NaN}', "NaN is no number of JSON"),
    **{text: (text.encode(), "has to hold settings as") for text in ("null", '"x"', "[1]", "5")},
    "missing": (None, "No such file or directory"),
}


@pytest.mark.parametrize("more", [(), ("--input", os.devnull)], ids=["plain", "by the SDK"])
@pytest.mark.parametrize(("content", "expected"), NO_CONFIGURATIONS.values(), ids=NO_CONFIGURATIONS)
def test_a_configuration_that_is_none(tmp_path, content, expected, more):
    path = tmp_path / "config.json"
    if content is not None:
        path.write_bytes(content)
    said = complaint(run("--config", str(path), *more, input=b""))
    assert f"configuration file '{path}'" in said
    assert expected in said
    assert "\n" not in said


def test_a_configuration_may_come_by_a_pipe_and_be_for_the_sdk(warehouse):
    config = shlex.quote(json.dumps(warehouse.config(**MAPPED)))
    command = f"{shlex.join(COMMAND)} --config <(echo {config})"
    sent = b"\n".join(lines([schema("a"), record("a", id=1)]))
    done = subprocess.run(["bash", "-c", command], input=sent, capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("BATCH_SIZE_ROWS", "abc", "a whole number"),
        ("BATCH_SIZE_ROWS", "", "a whole number"),
        ("MAX_DELETE_FRACTION", "x", "a number"),
        ("LOCK_TIMEOUT_SECONDS", "", "a number"),
        ("HARD_DELETE", "maybe", "one of true, 1, yes, on, false, 0, no, off"),
        ("STREAM_MAPS", "{", "an object as JSON"),
    ],
)
def test_a_variable_that_is_no_setting(warehouse, name, value, expected):
    variables = {f"TARGET_DUCKDB_{name}": value, "TARGET_DUCKDB_PATH": str(warehouse.path)}
    said = complaint(run("--config=ENV", input=b"", env={**os.environ, **variables}))
    assert said.endswith(f"variable TARGET_DUCKDB_{name} has to be {expected}")
    assert not warehouse.path.exists()


NO_LOGS = {
    "broken": "a: [",
    "empty": "",
    "a list": "[1]",
    "UTF-16": "\udcff\udcfe",
    "a handler that is none": "{version: 1, handlers: {f: 5}}",
    "a level that is none": "{version: 1, root: {level: loud}}",
    "a file that cannot be": (
        "{version: 1, handlers: {f: {class: logging.FileHandler, filename: /nosuch/x}}}"
    ),
}


@WAYS
@pytest.mark.parametrize("content", NO_LOGS.values(), ids=NO_LOGS)
def test_a_way_of_logging_that_is_none(warehouse, tmp_path, content, settings):
    path = tmp_path / "logs.yml"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    environment = {"SINGER_SDK_LOG_CONFIG": str(path)}
    said = complaint(warehouse.command(schema("a"), environment=environment, **settings))
    assert f"cannot log as SINGER_SDK_LOG_CONFIG says: {path}: " in said
    assert "\n" not in said


@WAYS
@pytest.mark.parametrize("name", ["LOGLEVEL", "TARGET_DUCKDB_LOGLEVEL"])
def test_a_level_of_logging_that_is_none_is_a_warning(warehouse, name, settings):
    done = warehouse.command(schema("a"), state(1), environment={name: "loud"}, **settings)
    assert (done.returncode, done.stdout) == (0, b"1\n")
    assert b"'LOUD' is no level of logging, INFO is taken" in done.stderr


CLOSED = {
    ">&-": (1, "standard output is closed, but STATE goes there"),
    "<&-": (1, "cannot read the input: Bad file descriptor"),
    "0>written": (1, "cannot read the input: Bad file descriptor"),
    "2>&-": (0, ""),
    "<&- 2>&-": (1, ""),
    "<&- >&- 2>&-": (1, ""),
}


@WAYS
@pytest.mark.parametrize(("closed", "code", "expected"), [(key, *said) for key, said in CLOSED.items()])
def test_a_channel_that_is_closed(warehouse, tmp_path, closed, code, expected, settings):
    config = warehouse.path.with_suffix(".json")
    config.write_text(json.dumps(warehouse.config(**settings)))
    command = f"{shlex.join(COMMAND)} --config {config} {closed}"
    sent = b"\n".join(lines([schema("a"), record("a", id=1), state(1)]))
    done = subprocess.run(
        ["bash", "-c", command], input=sent, capture_output=True, check=False, timeout=30, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (code, b"" if code else b"1\n"), done.stderr
    assert expected in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert code or warehouse.ids("crm.a") == [1]


def test_a_path_that_is_no_file_makes_no_folders(warehouse, monkeypatch):
    folder = warehouse.path.with_name("here")
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert "is no local file" in complaint(warehouse.command(schema("a"), path="s3://bucket/x.duckdb"))
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "path",
    [
        "md:crm?motherduck_token=hunter2",
        "ducklake:postgres:dbname=crm host=127.0.0.1 password=hunter2",
        "postgres:password=hunter2",
    ],
)
def test_an_address_is_not_told(warehouse, path):
    done = warehouse.command(schema("a"), record("a", id=1), path=path)
    assert done.returncode == 1
    assert b"hunter2" not in done.stderr + done.stdout
    assert f"{path.partition(':')[0]}:…".encode() in done.stderr


def test_what_duckdb_says_of_an_address_is_told_without_its_secrets():
    path = "ducklake:postgres:dbname=crm host=db.example password='hunter2'"
    said = (
        "IO Error: cannot attach postgres:dbname=crm host=db.example password='hunter2': no host db.example"
    )
    assert hide(said, path) == "IO Error: cannot attach …: no host …"
    assert hide("token abcdef is not valid", "md:crm?motherduck_token=abcdef") == "token … is not valid"
    assert hide("cannot open it", "crm/x.duckdb") == "cannot open it"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('cannot reach "postgresql://u:pw@db:1/lake": refused', 'cannot reach "…": refused'),
        ("login u:s%2Fcret failed", "login … failed"),
        ('the password "s/cret" is wrong', 'the password "…" is wrong'),
        ("no such option: quiet", "no such option: quiet"),
    ],
)
def test_no_part_of_a_url_in_an_address_is_told(said, told):
    password = "pw" if ":pw@" in said else "s%2Fcret"
    assert hide(said, f"ducklake:postgres:postgresql://u:{password}@db:1/lake") == told


def test_what_to_do_about_a_missing_extension_is_told():
    said = 'IO Error: Failed to download extension "postgres_scanner" at URL "http://…"\nmore'
    assert "run INSTALL postgres_scanner once in DuckDB 1.5.5" in advice(said, "1.5.5")
    assert advice("IO Error: Could not set lock on file", "1.5.5") == ""


def test_a_tilde_is_the_home_of_the_user(warehouse):
    home = {"HOME": str(warehouse.path.with_name("home"))}
    settings = {"path": "~/data/x.duckdb", "temp_directory": "~/spool"}
    done = warehouse.command(schema("a"), record("a", id=1), environment=home, **settings)
    assert done.returncode == 0
    assert Warehouse(warehouse.path.with_name("home") / "data" / "x.duckdb").ids("crm.a") == [1]
    assert warehouse.path.with_name("home").joinpath("spool").is_dir()


def test_a_path_that_is_no_text_is_told_without_what_it_holds(warehouse):
    done = warehouse.command(schema("a"), path=["md:crm?motherduck_token=hunter2"])
    assert "path has to be a text" in complaint(done)
    assert b"hunter2" not in done.stderr


def test_a_run_id_that_is_no_text_is_told(warehouse):
    config = warehouse.path.with_suffix(".json")
    config.write_text(json.dumps(warehouse.config()), "utf-8")
    done = subprocess.run(
        [*COMMAND, "--config", str(config)],
        input=b"\n".join(lines([schema("a"), record("a", id=1)])),
        env={**os.environb, b"TARGET_DUCKDB_RUN_ID": b"\xff"},
        capture_output=True,
        check=False,
    )
    assert "variable TARGET_DUCKDB_RUN_ID is not UTF-8" in complaint(done)


def test_a_folder_that_is_gone_is_told(warehouse, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    config = warehouse.path.with_suffix(".json")
    config.write_text(json.dumps(warehouse.config(path="x.duckdb")), "utf-8")
    done = subprocess.run(
        ["sh", "-c", f"rmdir {gone}; exec {shlex.join(COMMAND)} --config {config}"],
        input=b"\n".join(lines([schema("a"), record("a", id=1)])),
        cwd=gone,
        capture_output=True,
        check=False,
    )
    assert "cannot open x.duckdb: the folder that this runs in is gone" in complaint(done)


def test_a_terminal_that_is_closed_does_not_stop_a_load(warehouse):
    config = warehouse.path.with_suffix(".json")
    config.write_text(json.dumps(warehouse.config()), "utf-8")
    ours, its = os.openpty()
    with subprocess.Popen(
        [*COMMAND, "--config", str(config)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=its,
        start_new_session=True,
    ) as process:
        os.close(its)
        process.stdin.write(b"\n".join(lines([schema("a"), *records("a", range(10))])) + b"\n")
        process.stdin.flush()
        os.read(ours, 1)  # it has begun to speak
        os.close(ours)
        time.sleep(0.6)
        out, _ = process.communicate(b"\n".join(lines([*records("a", range(10, 20)), state(1)])) + b"\n")
    assert (process.returncode, json.loads(out)) == (0, 1)
    assert warehouse.ids("crm.a") == list(range(20))


def test_names_of_streams_cannot_colour_a_terminal(warehouse):
    done = warehouse.command(schema("a\x1b[31mred\nb"), record("a\x1b[31mred\nb", id=1))
    assert done.returncode == 0
    assert b"\x1b" not in done.stderr
    assert b"a\\x1b[31mred\\nb  " in done.stderr


def test_too_little_memory_is_said_and_nothing_is_lost(warehouse):
    rules = {"id": {"type": "integer"}, **{f"x{number}": {"type": "string"} for number in range(100)}}
    warehouse.load(schema("a"), record("a", id=1))
    wide = [record("b", id=number, **{f"x{n}": "text" for n in range(100)}) for number in range(3000)]
    said = complaint(warehouse.command(schema("b", rules), *wide, memory_limit="5MB"))
    assert "memory_limit 5MB is too small, raise it" in said
    assert warehouse.ids("crm.a") == [1]
    warehouse.load(schema("b", rules), *wide)
    assert warehouse.one("SELECT count(*) FROM crm.b") == 3000


def test_too_little_memory_for_a_row_of_a_wide_table_that_has_some_is_said(warehouse):
    rules = {"id": {"type": "integer"}, **{f"x{number}": {"type": "string"} for number in range(100)}}
    warehouse.load(schema("b", rules), record("b", id=1, x1="old"))
    done = warehouse.command(schema("b", rules), record("b", id=1, x1="new"), memory_limit="50MB")
    is_enough = done.returncode == 0  # for DuckDB 2.0, not for 1.5
    assert is_enough or "memory_limit 50MB is too small, raise it" in complaint(done)
    assert warehouse.sql("SELECT id, x1 FROM crm.b") == [(1, "new" if is_enough else "old")]


def test_a_missing_path(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    command = [*COMMAND, "--config", str(tmp_path / "config.json")]
    done = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=30)
    assert "'path' is a required property" in complaint(done)


def test_a_file_that_is_no_database(warehouse):
    warehouse.path.write_bytes(b"not a database at all" * 1000)
    assert "cannot open" in complaint(warehouse.command(schema("a"), record("a", id=1)))


def test_a_locked_file_names_its_holder_and_nothing_is_lost(warehouse):
    warehouse.load(schema("a"), record("a", id=1))
    hold = HOLD.format(path=str(warehouse.path), wait="sys.stdin.read()")
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        said = complaint(
            warehouse.command(schema("a"), record("a", id=2), state(1), lock_timeout_seconds=0.3)
        )
        assert f"locked by process {holder.pid}" in said
        holder.stdin.close()
    assert warehouse.ids("crm.a") == [1]


def test_a_lock_is_waited_for(warehouse):
    warehouse.load(schema("a"), record("a", id=1))
    hold = HOLD.format(path=str(warehouse.path), wait="time.sleep(1)")
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert warehouse.load(schema("a"), record("a", id=2), state(1)) == [1]
    assert warehouse.ids("crm.a") == [1, 2]


def test_what_was_committed_before_a_mistake_stays(warehouse):
    good = [schema("a"), *records("a", range(10)), state({"a": 9}), *records("a", range(10, 15))]
    done = warehouse.command(*good, *([b" "] * 3), b"broken", batch_size_rows=5)
    assert done.returncode == 1
    assert warehouse.ids("crm.a") in ([], list(range(10)))
    assert warehouse.sql("SELECT value FROM _load.state") == ([('{"a": 9}',)] if done.stdout else [])


@pytest.mark.parametrize("place", ["", "/proc/warehouse.duckdb"], ids=["a folder", "not even for root"])
def test_a_path_that_may_not_be_written(warehouse, tmp_path, place):
    path = place or str(tmp_path)
    assert f"cannot open {path}" in complaint(
        warehouse.command(schema("a"), record("a", id=1), path=path, temp_directory=str(tmp_path))
    )


@WAYS
def test_the_files_of_a_run_are_private_and_gone_afterwards(warehouse, tmp_path, settings):
    warehouse.command(schema("a"), record("a", id=1), **settings)
    assert oct(warehouse.path.stat().st_mode)[-3:] == "600"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["warehouse.duckdb", "warehouse.json"]


@pytest.mark.parametrize("setting", [{"path": ":memory:"}, {"memory_limit": "lots"}])
def test_settings_that_are_refused_leave_no_spool_behind(warehouse, tmp_path, setting):
    with pytest.raises(DatabaseError):
        Load(read_settings(warehouse.config() | setting))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_locks_is_one_line_and_nothing_is_left_behind(warehouse, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(SpoolError) as caught:
        Load(read_settings(warehouse.config()))
    assert str(caught.value) == f"cannot write to {tmp_path} (temp_directory): No locks available"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_given_up", [False, True])
def test_a_full_disk_leaves_no_spool_behind(warehouse, tmp_path, is_given_up):
    load = Load(read_settings(warehouse.config()))
    Reader(load).read([b"".join(line + b"\n" for line in lines([schema("a"), record("a", id=1)]))])
    full = Path("/dev/full").open("wb")  # noqa: SIM115 - the spool closes it
    load.spool._files[load.batch.segment(load.streams["a"]).path] = full
    load.batch.write_lines()
    if not is_given_up:
        with pytest.raises(SpoolError, match="No space left"):
            load.finish()
    load.close()
    assert list(tmp_path.iterdir()) == []


def test_bad_input_does_not_wait_for_a_locked_database(warehouse):
    warehouse.load(schema("a"))
    hold = HOLD.format(path=str(warehouse.path), wait="sys.stdin.read()")
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        started = time.monotonic()
        with pytest.raises(LoadError, match="not a Singer message"):
            warehouse.load(
                schema("a"),
                *records("a", [1, 2]),
                b"?",
                one_by_one=True,
                batch_size_rows=1,
                lock_timeout_seconds=60,
            )
        assert time.monotonic() - started < 20
        holder.communicate()


def test_leftovers_of_a_killed_run_are_removed(warehouse, tmp_path):
    left = tmp_path / "target-duckdb-left0ver"
    left.mkdir(0o700)
    (left / "lock").touch()
    (left / "1.ndjson").write_text("private")
    warehouse.load(schema("a"), record("a", id=1))
    assert not left.exists()


@pytest.mark.parametrize(
    ("name", "mode"), [("target-duckdb-data", 0o700), ("target-duckdb-left0ver", 0o755)], ids=["name", "mode"]
)
def test_a_directory_that_no_run_has_made_is_not_removed(warehouse, tmp_path, name, mode):
    somebodys = tmp_path / name
    somebodys.mkdir(mode)
    somebodys.chmod(mode)
    (somebodys / "lock").touch()
    (somebodys / "x.txt").write_text("precious")
    warehouse.load(schema("a"), record("a", id=1))
    assert (somebodys / "x.txt").read_text() == "precious"


def test_a_link_with_the_name_of_a_left_over_directory_is_not_followed(warehouse, tmp_path):
    somebodys = tmp_path / "elsewhere"
    somebodys.mkdir(0o700)
    (somebodys / "lock").touch()
    (tmp_path / "target-duckdb-left0ver").symlink_to(somebodys)
    warehouse.load(schema("a"), record("a", id=1))
    assert (somebodys / "lock").exists()


CLOSE = """
import sys
from target_duckdb.spool import Spool
spool = Spool(sys.argv[1])
for number in range(3000):
    (spool.path / f"{number}.ndjson").touch()
print("closing", flush=True)
spool.close()
"""


def test_what_a_run_leaves_that_is_killed_while_it_tidies_up_is_removed(tmp_path):
    killed = 0
    for number in range(20):
        with subprocess.Popen(
            [sys.executable, "-c", CLOSE, str(tmp_path)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout.readline() == b"closing\n"
            time.sleep(number % 10 / 500)
            process.kill()
        killed += process.returncode == -signal.SIGKILL
        remove_leftovers(tmp_path)
        assert not list(tmp_path.glob("*/*"))
        if killed >= 4:
            return
    raise AssertionError(f"only {killed} kills struck")


@pytest.mark.parametrize(
    ("inside", "age", "is_removed"),
    [((), 120, True), (("new",), 120, True), (("new",), 0, False), (("notes",), 120, False)],
    ids=["empty", "without a lock", "perhaps just being made", "somebody else's"],
)
def test_a_directory_without_a_lock_is_removed_if_it_can_only_be_a_killed_runs(
    warehouse, tmp_path, inside, age, is_removed
):
    left = tmp_path / "target-duckdb-left0ver"
    left.mkdir(0o700)
    for name in inside:
        (left / name).touch()
    os.utime(left, (time.time() - age,) * 2)
    warehouse.load(schema("a"), record("a", id=1))
    assert left.exists() is not is_removed


@pytest.mark.parametrize("is_another_there", [False, True])
def test_a_database_that_is_removed_while_a_run_goes_on_is_said(warehouse, tmp_path, is_another_there):
    other = Warehouse(tmp_path / "other.duckdb")
    other.load(schema("a"), record("a", id=3))
    with Load(read_settings(warehouse.config())) as load:
        for number in (1, 2):
            sent = [schema("a"), record("a", id=number), state(number)]
            Reader(load).read([b"".join(line + b"\n" for line in lines(sent))])
            load.flush()
            if number == 1:
                load.commits.finish()
                warehouse.path.unlink()
                if is_another_there:
                    other.path.rename(warehouse.path)
        with pytest.raises(DatabaseError, match="somebody must have removed or replaced it"):
            load.finish()
    if is_another_there:
        assert warehouse.ids("crm.a") == [3]


def test_a_new_file_opens_in_older_versions(warehouse):
    warehouse.load(schema("a"), record("a", id=1))
    with duckdb.connect(str(warehouse.path)) as connection:
        tags = connection.execute(
            "SELECT tags::VARCHAR FROM duckdb_databases() WHERE path IS NOT NULL"
        ).fetchall()
    assert "v1.2" in json.dumps(tags)


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet", "x.sqlite"])
def test_a_path_that_is_a_file_of_another_kind_is_one_line_and_stays_as_it_is(tmp_path, name):
    path = tmp_path / name
    if name == "x.sqlite":
        path.write_bytes(b"SQLite format 3\0" + bytes(4080))
    else:
        duckdb.sql("SELECT 1 AS id").write_parquet(str(path)) if "parquet" in name else path.write_text(
            "[1]\n"
        )
    before = path.read_bytes()
    said = complaint(Warehouse(path).command(schema("a"), record("a", id=1)))
    assert "is not a valid DuckDB database file" in said
    assert path.read_bytes() == before
    assert sorted(tmp_path.glob("x.*")) == sorted(
        [path, tmp_path / "x.json"]
    )  # the latter is the configuration


SECRET = 66_706_670_667  # longer than any figure of a time stamp in the log
REFERRING = f"""CREATE TABLE crm.child(id BIGINT REFERENCES crm.a);
    INSERT INTO crm.a VALUES ({SECRET}); INSERT INTO crm.child VALUES ({SECRET})"""


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("crm.a(id BIGINT, x VARCHAR NOT NULL)", "NOT NULL constraint failed: a.x"),
        ("crm.a(id BIGINT CHECK (id < 700))", "CHECK constraint failed"),
        ("crm.a(id BIGINT, name VARCHAR AS ('x'))", "generated column"),
        ("crm.p(id BIGINT PRIMARY KEY); CREATE TABLE crm.a(id BIGINT REFERENCES crm.p)", "foreign key"),
        ("crm.a(id BIGINT PRIMARY KEY); " + REFERRING, "foreign key"),
    ],
)
def test_a_table_that_somebody_made_so_that_rows_do_not_go_in_is_named_with_what_to_do(warehouse, made, said):
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(f"CREATE SCHEMA crm; CREATE TABLE {made}")
    line = complaint(warehouse.command(schema("a"), record("a", id=SECRET, name="y")))
    assert "a: crm.a does not permit these rows (" in line
    assert said in line
    assert "default_target_schema" in line
    assert str(SECRET) not in line


def test_rows_to_which_another_table_refers_and_that_shall_go_are_named_with_what_to_do(warehouse):
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("CREATE SCHEMA crm; CREATE TABLE crm.a(id BIGINT PRIMARY KEY); " + REFERRING)
    line = complaint(warehouse.command(schema("a"), *live("a", [], 1), hard_delete=True))
    assert "a: rows that are gone from the source cannot leave crm.a because a foreign key" in line
    assert str(SECRET) not in line
    line = complaint(warehouse.command(schema("a"), record("a", id=1), load_method="overwrite"))
    assert "a: crm.a cannot be replaced, because a foreign key of another table refers to it" in line
    assert warehouse.ids("crm.a") == [SECRET]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            "CREATE SEQUENCE crm.s; ALTER TABLE crm.a ALTER more SET DEFAULT nextval('{file}.crm.s')",
            "Catalog",
        ),
        ("CREATE MACRO crm.plus(a) AS a + 5; CREATE INDEX i ON crm.a((crm.plus(id)))", "name plus"),
    ],
    ids=["a default that names the file", "an index that calls a macro"],
)
def test_what_somebody_added_to_a_table_and_duckdb_does_not_find_is_named(warehouse, made, said):
    path = warehouse.path.with_name("mine.duckdb")
    warehouse = Warehouse(path)
    warehouse.load(schema("a"), record("a", id=SECRET, name="x"))
    with duckdb.connect(str(path)) as connection:
        connection.execute("ALTER TABLE crm.a ADD COLUMN more BIGINT")
        connection.execute(made.format(file=path.stem))
    line = complaint(warehouse.command(schema("a"), record("a", id=SECRET, name="y")))
    assert "a: crm.a does not permit these rows (" in line
    assert said in line
    assert str(SECRET) not in line
    assert warehouse.sql("SELECT name FROM crm.a") == [("x",)]


def test_a_column_of_which_another_is_generated_does_not_widen(warehouse):
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute("CREATE SCHEMA crm; CREATE TABLE crm.a(id BIGINT, n BIGINT, g BIGINT AS (n + 1))")
    rules = {"id": {"type": "integer"}, "n": {"type": "string"}}
    line = complaint(warehouse.command(schema("a", rules), record("a", id=1, n="x")))
    assert (
        "a: 'n': BIGINT would become VARCHAR, which an index or constraint of crm.a does not permit" in line
    )
    assert "generated column" in line
