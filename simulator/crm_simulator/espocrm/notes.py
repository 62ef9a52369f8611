"""Stream notes that EspoCRM writes by itself when records are made and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row


class Notes:
    """Writes notes beside saves; a note moves streamUpdatedAt of its parent and never modifiedAt."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def created(self, entity: str, row: Row) -> None:
        """Write that a record was made; a note that was made moves its parent."""
        if entity == "Note":
            self._move(str(row.get("parentType")), row.get("parentId"))
        elif self._store.schema.entities[entity].has("stream"):
            self._write(entity, row, {"type": "Create", "data": {}}, row["createdById"])

    def updated(self, entity: str, row: Row, changed: Row) -> None:
        """Write that a record's status or owner changed."""
        known = self._store.schema.entities[entity]
        if not known.has("stream"):
            return
        status = known.flags.get("status")
        if status in changed:
            data = {"field": status, "value": changed[status], "style": "default"}
            self._write(entity, row, {"type": "Status", "data": data}, row["modifiedById"])
        if changed.get("assignedUserId"):
            data = {"assignedUserId": changed["assignedUserId"]}
            self._write(entity, row, {"type": "Assign", "data": data}, row["modifiedById"])

    def _write(self, entity: str, row: Row, note: Row, user: str) -> None:
        now = self._store.now()
        stamps = {"createdAt": now, "modifiedAt": now, "createdById": user}
        parent = {"parentType": entity, "parentId": row["id"]}
        numbered = self._store.number("Note")
        self._store.table("Note").put({"id": self._store.new_id(), **stamps, **parent, **numbered, **note})
        self._move(entity, row["id"])

    def _move(self, entity: str, identity: object) -> None:
        row = self._store.find(entity, identity)
        if row is not None and "streamUpdatedAt" in self._store.schema.attributes(entity):
            self._store.touch(entity, row["id"], {"streamUpdatedAt": self._store.now()})
