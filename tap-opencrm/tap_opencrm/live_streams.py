"""The streams of ids that exist now: whoever has them all can tell what was deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk import StreamSchema
from typing_extensions import override

from tap_opencrm.schemas import SCHEMA_FILES
from tap_opencrm.sweeps import SweepingStream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_opencrm.records import Row
    from tap_opencrm.streams import EntityStream


class LiveStream(SweepingStream):
    """The ids of one entity; empty, and not concluded, unless every one of them was read."""

    schema = StreamSchema(SCHEMA_FILES, key="live")
    primary_keys = ("id",)

    def __init__(self, tap: Tap, source: EntityStream) -> None:
        self.source = source
        super().__init__(tap, source.entity.live_stream, source.connection, source.entity)

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """The SDK sends ACTIVATE_VERSION before the records; here it says that all of them were sent."""
        return False

    @override
    def get_records(self, context: Context | None) -> Iterable[Row]:
        ids = self.source.run.live.get(self.source.name)
        if ids is None and not self.source.selected and not self.source.run.stopped_by:
            self.source.sweep_ids()
            ids = self.source.run.live.get(self.source.name)
        if ids is None:
            self.logger.info(
                "%s: not every id was read in this run, so nothing is said of deletes", self.name
            )
            return
        self._stream_version = self._initialized_at
        for record_id in ids:
            yield {"id": record_id}
        self._write_activate_version_message(self._stream_version)
