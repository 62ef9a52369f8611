"""The Singer SDK's own target suite, all of it: also the tests that its default selection leaves out."""

from __future__ import annotations

import pytest
from singer_sdk.testing import get_target_test_class
from singer_sdk.testing.suites import SingerTestSuite
from singer_sdk.testing.target_tests import (
    TargetMultipleStateMessages,
    TargetRecordMissingKeyProperty,
    TargetRecordMissingRequiredProperty,
)
from singer_sdk.testing.templates import TargetFileTestTemplate
from target_duckdb.target import TargetDuckDB


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
