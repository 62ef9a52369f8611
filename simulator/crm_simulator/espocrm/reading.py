"""Lists, single records and related records."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.calls import NO_LIST, Call, answer, answer_value
from crm_simulator.espocrm.computed import default_column
from crm_simulator.espocrm.lists import Listing
from crm_simulator.espocrm.refusals import forbidden, not_found
from crm_simulator.espocrm.switches import unborn

if TYPE_CHECKING:
    from crm_simulator.espocrm.definitions import Link
    from crm_simulator.espocrm.tables import Row
    from crm_simulator.messages import Response

_EVERYTHING = {"list", "select", "read"}
_BARE_LISTS = frozenset({"ExternalAccount"})
"""Entity types whose lists have no total, not even -1."""
_BARE = {("Account", "contacts")} | {
    (entity, link)
    for entity, links in {
        "TargetList": ("contacts", "leads", "accounts", "users"),
        "Account": ("targetLists",),
        "Contact": ("targetLists",),
        "Lead": ("targetLists",),
    }.items()
    for link in links
}
"""Related lists that give next to nothing unless attributes are selected."""
_BARE_NAMES = (
    "id",
    "accountIsInactive",
    "createdAt",
    "createdById",
    "assignedUserId",
    "targetListIsOptedOut",
)


def list_records(call: Call) -> Response:
    """Answer `GET {entity}`."""
    call.check_controller()
    if call.entity in NO_LIST:
        raise not_found(f"Action GET 'index' does not exist in controller '{call.entity}'.")
    if call.entity == "Attachment" and not call.viewer.is_admin:
        raise forbidden("")
    call.check_scope("read")
    if call.entity in _BARE_LISTS:
        return answer_value({"list": []})
    if call.entity == "AuthLogRecord":
        call.audit.show_logins()
    return answer(Listing(call.store, call.viewer, call.entity, call.search, call.counted).body())


def read_record(call: Call) -> Response:
    """Answer `GET {entity}/{id}`; the reading is written down."""
    row = call.find()
    if call.entity != "ActionHistoryRecord":
        call.audit.write_down("read", call.entity, row["id"], call.viewer.id)
    return answer_value(whole(call, call.entity, row))


def whole(call: Call, entity: str, row: Row) -> Row:
    """Show a record as a single read does."""
    hidden = call.viewer.hidden(entity) | unborn(call.store.switches, entity)
    names = [name for name in call.store.schema.shown(entity, _EVERYTHING) if name not in hidden]
    found = call.store.records.show(entity, row, names)
    if "isFollowed" in found:
        found["isFollowed"] = call.viewer.id in call.store.followers.get((entity, row["id"]), ())
    return found


def list_related(call: Call) -> Response:
    """Answer `GET {entity}/{id}/{link}`."""
    row = call.find()
    name = call.parts["link"]
    link = call.store.schema.link(call.entity, name)
    if (
        link is None
        or link.type not in {"hasMany", "hasChildren"}
        or link.entity not in call.store.schema.entities
    ):
        raise not_found("Link does not exist.")
    if not call.viewer.is_admin and call.viewer.level(link.entity) == "n":
        raise forbidden("No read access to foreign scope.")
    found = call.store.related(call.entity, row["id"], name)
    listing = Listing(call.store, call.viewer, link.entity, call.search, call.counted, frozenset(found))
    columns = _column_names(call, link)
    bare = (call.entity, name) in _BARE and call.search.select is None
    if not columns and not bare:
        return answer(listing.body())
    return answer(_with_columns(listing, found, columns, bare=bare))


def _column_names(call: Call, link: Link) -> dict[str, str]:
    """Name the attributes that show the columns of the relation, by column."""
    if not call.store.schema.is_many_to_many(link) or not link.foreign:
        return {}
    back = call.store.schema.entities[link.entity].links[link.foreign]
    return back.columns if back.entity == call.entity else {}


def _with_columns(
    listing: Listing, found: dict[str, dict[str, Any]], columns: dict[str, str], *, bare: bool
) -> bytes:
    """Write related rows one by one, each with the columns of its pair."""
    ids, total = listing.ids()
    select = listing.search.select
    chosen = replace(listing, search=replace(listing.search, select=select or ())) if bare else listing
    names = [name for name in chosen.names() if not bare or name in _BARE_NAMES]
    wanted = {column: name for column, name in columns.items() if name in (select or ()) or name in names}
    rows = []
    for identity in ids:
        row = listing.store.table(listing.entity).live[identity]
        visible = (name for name in names if not name.startswith("="))
        shown_row = listing.store.records.show(listing.entity, row, visible)
        shown_row |= {name.removeprefix("="): None for name in names if name.startswith("=")}
        pair = found[identity]
        shown_row |= {name: pair.get(column, default_column(column)) for column, name in wanted.items()}
        rows.append(_as_user(listing.entity, row, shown_row, select))
    return json.dumps({"total": total, "list": rows}, separators=(",", ":")).encode("ascii")


def _as_user(entity: str, row: Row, shown_row: Row, select: tuple[str, ...] | None) -> Row:
    """Call users by their user names where their names were not selected, as EspoCRM does."""
    if entity != "User" or select is None or "name" in select:
        return shown_row
    return shown_row | {"name": row.get("userName")}
