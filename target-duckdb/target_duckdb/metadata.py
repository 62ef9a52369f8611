"""The `_sdc_*` columns of the Singer SDK and what fills them."""

from __future__ import annotations

from target_duckdb.columns import Column

EXTRACTED_AT = Column("_sdc_extracted_at", "TIMESTAMPTZ", "When the tap read the record")
RECEIVED_AT = Column(
    "_sdc_received_at", "TIMESTAMPTZ", "When the target began the part of a batch that the record is in"
)
BATCHED_AT = Column("_sdc_batched_at", "TIMESTAMPTZ", "When the record was committed")
DELETED_AT = Column("_sdc_deleted_at", "TIMESTAMPTZ", "When the record was found to be gone from the source")
SEQUENCE = Column("_sdc_sequence", "BIGINT", "Orders the records of a table by arrival")
TABLE_VERSION = Column("_sdc_table_version", "BIGINT", "The version of the stream that the record came with")
SYNC_STARTED_AT = Column("_sdc_sync_started_at", "BIGINT", "When the run began, in milliseconds since 1970")

MARK_OF_TEXT = "CASE WHEN {v} NOT IN ('', 'false', '0') THEN {v} END"
"""Of `_sdc_deleted_at` that a tap declares as no time, and so is a text: some texts mark nothing."""

VALUES = {
    EXTRACTED_AT: "TRY_CAST(s.time_extracted AS TIMESTAMPTZ)",
    RECEIVED_AT: "make_timestamptz({received})",
    BATCHED_AT: "now()",
    DELETED_AT: "NULL",
    SEQUENCE: "{received} + s.rowid",
    TABLE_VERSION: "coalesce(s.version, {version})",
    SYNC_STARTED_AT: "{started}",
}
NAMES = frozenset(column.property for column in VALUES)


def is_metadata(name: str) -> bool:
    """Whether a column is one of the target's own."""
    return name.casefold() in NAMES
