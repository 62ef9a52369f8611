"""The copy in PostgreSQL: shown at once, with its grants, and a clear word where it cannot be made."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest

from tests.uv import run_uv

ROOT = Path(__file__).resolve().parents[2]
VERSION = "1.5.5"
"""The newest DuckDB whose postgres extension is to be had as a wheel, without DuckDB's download server."""
VENV = Path(f"/tmp/duckdb-{VERSION}-postgres")


@pytest.fixture(scope="session")
def python() -> Path:
    """Return a Python with a DuckDB that has its postgres extension; skips where it cannot be had."""
    found = VENV / "bin/python"
    wanted = [f"duckdb=={VERSION}", f"duckdb-extension-postgres-scanner=={VERSION}"]
    with VENV.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        if not extension():
            run_uv("venv", "-q", "--allow-existing", "--python", sys.executable, VENV)
            run_uv("pip", "install", "-q", "--python", found, *wanted)
    return found


def extension() -> str:
    return str(next(VENV.rglob("postgres_scanner.duckdb_extension"), ""))


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> dict[str, str]:
    """A PostgreSQL server of our own; skips where there is none."""
    missing = [name for name in ("initdb", "pg_ctl", "psql", "runuser") if not shutil.which(name)]
    if missing:
        pytest.skip(f"no PostgreSQL here: {', '.join(missing)} missing")
    place = Path("/tmp") / f"crm-publish-postgres-{os.getpid()}"
    place.mkdir()
    as_postgres: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(place, "postgres")
        as_postgres = ["runuser", "-u", "postgres", "--"]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    data = str(place / "data")
    control = [*as_postgres, "pg_ctl", "-D", data, "-w", "-l", str(place / "log")]
    options = ["-o", f"-p {port} -k {place} -c listen_addresses=127.0.0.1 -c fsync=off"]
    try:
        subprocess.run(
            [*as_postgres, "initdb", "-D", data, "-A", "trust", "-U", "crm"], check=True, capture_output=True
        )
        subprocess.run([*control, *options, "start"], check=True, stdout=subprocess.DEVNULL)
        yield {"host": "127.0.0.1", "port": port, "user": "crm", "dbname": "postgres"}
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL)
    finally:
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def ask(server):
    def ask(sql: str) -> str:
        words = [
            "psql",
            "-XAt",
            "-h",
            server["host"],
            "-p",
            server["port"],
            "-U",
            "crm",
            "postgres",
            "-c",
            sql,
        ]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    ask("DROP SCHEMA IF EXISTS bi CASCADE")
    return ask


@pytest.fixture
def working(tmp_path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    fill(path, 1)
    return path


def fill(path: Path, number: int, more: str = "") -> None:
    with duckdb.connect(str(path), config={"storage_compatibility_version": "v1.2.0"}) as connection:
        connection.execute(f"""
            CREATE SCHEMA IF NOT EXISTS bi;
            CREATE OR REPLACE TABLE bi.one AS
            SELECT {number} AS n, 1.25::DECIMAL(18,2) AS amount {more} FROM range(3000);
            CREATE OR REPLACE TABLE bi.two AS SELECT {number} AS n, DATE '2026-01-02' AS day FROM range(3000);
            COMMENT ON TABLE bi.one IS 'It''s one'; COMMENT ON COLUMN bi.one.n IS 'The version';
        """)


def publish(
    python: Path, working: Path, server: dict[str, str], **more: str
) -> subprocess.CompletedProcess[str]:
    settings = {
        "DATABASE": working,
        "TARGET": working.parent / "out/analytics.duckdb",
        "EXPORTS": working.parent / "out/exports",
        "POSTGRES": " ".join(f"{name}={value}" for name, value in server.items()),
        "POSTGRES_EXTENSION": extension(),
        **more,
    }
    environment = {f"DUCKDB_PUBLISH_{name}": str(value) for name, value in settings.items()}
    return subprocess.run(
        [python, "-m", "target_duckdb.publish.run"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT / "target-duckdb")},
        check=False,
    )


def test_postgres_gets_the_rows_types_and_comments(python, server, ask, working):
    done = publish(python, working, server)
    assert done.returncode == 0, done.stderr
    assert ask("SELECT count(*), sum(amount) FROM bi.one") == "3000|3750.00"
    assert ask("SELECT obj_description('bi.one'::regclass), col_description('bi.one'::regclass, 1)") == (
        "It's one|The version"
    )


def test_postgres_gets_every_digit_of_a_large_number(python, server, ask, working):
    fill(
        working,
        1,
        more=", 9007199254740993::HUGEINT AS large, 170141183460469231731687303715884105727 AS text",
    )
    assert publish(python, working, server).returncode == 0
    found = ask("SELECT DISTINCT large, text, pg_typeof(large) FROM bi.one")
    assert found == "9007199254740993|170141183460469231731687303715884105727|numeric"


def test_grants_and_views_of_a_table_that_kept_its_columns_survive(python, server, ask, working):
    publish(python, working, server)
    ask("CREATE VIEW public.total AS SELECT sum(n) FROM bi.one; GRANT SELECT ON bi.one TO PUBLIC")
    fill(working, 2)
    assert publish(python, working, server).returncode == 0
    assert ask("SELECT * FROM public.total") == "6000"
    assert ask("SELECT relacl::text LIKE '%=r/crm%' FROM pg_class WHERE oid = 'bi.one'::regclass") == "t"


def test_a_table_with_other_columns_is_replaced(python, server, ask, working):
    publish(python, working, server)
    fill(working, 2, more=", 'new' AS word")
    assert publish(python, working, server).returncode == 0
    assert ask("SELECT DISTINCT n, word FROM bi.one") == "2|new"


def test_readers_see_one_version_of_all_tables(python, server, ask, working):
    publish(python, working, server)
    seen, stop = set(), threading.Event()

    both = "(SELECT n FROM bi.one UNION ALL SELECT n FROM bi.two) AS both_tables"

    def read() -> None:
        while not stop.is_set():
            seen.add(ask(f"SELECT string_agg(DISTINCT n::text, ' ') FROM {both}"))

    reader = threading.Thread(target=read)
    reader.start()
    for number in (2, 3, 4):
        fill(working, number)
        publish(python, working, server)
    stop.set()
    reader.join()
    assert seen <= {"1", "2", "3", "4"}
    assert len(seen) > 1


def test_a_view_of_somebody_else_keeps_its_rows_and_what_postgres_says_is_told(python, server, ask, working):
    ask("CREATE TABLE IF NOT EXISTS public.mine AS SELECT 1 AS n, 1.25::numeric(18,2) AS amount")
    ask("CREATE SCHEMA bi; CREATE VIEW bi.one AS SELECT * FROM public.mine")
    done = publish(python, working, server)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert 'PostgreSQL refused the copy: ERROR:  "one" is not a table' in done.stderr
    assert ask("SELECT count(*) FROM public.mine") == "1"


def test_a_schema_that_postgres_would_cut_is_refused_before_anything_is_published(working):
    done = publish(Path(sys.executable), working, {"host": "127.0.0.1"}, SCHEMA="s" * 54)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "has a name of more than 53 bytes" in done.stderr
    assert not (working.parent / "out").exists()


def test_a_wrong_address_is_said_without_the_password(python, working):
    nowhere = {"host": "127.0.0.1", "port": "1", "user": "crm", "password": "Pa55-w0rd"}
    done = publish(python, working, nowhere)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "the files are published, but PostgreSQL cannot be reached" in done.stderr
    assert "Pa55" not in done.stderr


def test_a_missing_extension_is_said_and_the_files_are_published_all_the_same(working):
    done = publish(
        Path(sys.executable), working, {"host": "127.0.0.1"}, POSTGRES_EXTENSION="/nowhere/postgres.so"
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "nothing was copied to PostgreSQL" in done.stderr
    assert (working.parent / "out/analytics.duckdb").exists()
