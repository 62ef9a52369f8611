"""The Singer SDK's own target suite, all of it: also the tests that its default selection leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest
from singer_sdk.testing import get_target_test_class, target_test_streams
from singer_sdk.testing.suites import SingerTestSuite
from singer_sdk.testing.target_tests import (
    TargetMultipleStateMessages,
    TargetRecordMissingKeyProperty,
    TargetRecordMissingRequiredProperty,
)
from singer_sdk.testing.templates import TargetFileTestTemplate
from target_duckdb.target import TargetDuckDB

from tests.target_duckdb.loading import Warehouse

STREAMS = Path(target_test_streams.__file__).parent


class StatesFollowCommits(TargetFileTestTemplate):
    """Every STATE leaves after its commit; the SDK's own assertion fits no target, as it says itself."""

    name = "multiple_state_messages"

    def test(self) -> None:
        self.runner.sync_all()
        assert self.runner.state_messages == [
            {"test_multiple_state_messages_a": 5, "test_multiple_state_messages_b": 6}
        ]


class MissingRequired(TargetRecordMissingRequiredProperty):
    """A stream without a key takes a record that lacks a required property: only types are checked."""


EXTRA = SingerTestSuite(
    kind="target", tests=[TargetRecordMissingKeyProperty, MissingRequired, StatesFollowCommits]
)
assert TargetMultipleStateMessages.name == StatesFollowCommits.name

Suite = get_target_test_class(TargetDuckDB, config={"path": ":unset:"}, custom_suites=[EXTRA])


@pytest.fixture(autouse=True)
def warehouse(tmp_path, monkeypatch):
    monkeypatch.setenv("TARGET_DUCKDB_PATH", str(tmp_path / "warehouse.duckdb"))


class TestTargetDuckDB(Suite):
    """Runs the suite."""


PAIRS = [  # files of the SDK that belong together and that its suite does not run
    (
        ("no_primary_keys", "no_primary_keys_append"),
        "SELECT metric FROM test_no_pk",
        [11, 22, 33, 101, 202, 303, 404, 505],
    ),
    (
        ("user_location_data", "user_location_upsert_data"),
        "SELECT name FROM test_users UNION ALL SELECT info ->> 'mood' FROM test_user_in_location",
        [
            *("George", "Jacob", "Jim", "Johny", "Josh", "Mary", "Paul", "Thomas"),
            *("happy", "happy", "ok", "sad", "satisfied"),
        ],
    ),
]


@pytest.mark.parametrize(("names", "query", "expected"), PAIRS, ids=lambda value: str(value)[:30])
def test_the_files_that_the_suite_does_not_run(tmp_path, names, query, expected):
    target = Warehouse(tmp_path / "loaded.duckdb", settings={})
    for name in names:
        done = target.command((STREAMS / f"{name}.singer").read_bytes().rstrip(b"\n"))
        assert done.returncode == 0, done.stderr
    assert sorted(row[0] for row in target.sql(query)) == sorted(expected)
