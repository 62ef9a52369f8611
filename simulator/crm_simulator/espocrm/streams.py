"""Stream notes: of one record, of everything, and who follows what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.calls import ACTIONS, Call, answer_value
from crm_simulator.espocrm.lists import MORE, NO_MORE
from crm_simulator.espocrm.refusals import HTML, Refusal, broken, forbidden, not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crm_simulator.espocrm.tables import Row
    from crm_simulator.messages import Response

_BRIEF = (
    "id",
    "post",
    "data",
    "type",
    "targetType",
    "number",
    "isGlobal",
    "createdByGender",
    "isInternal",
    "createdAt",
    "parentId",
    "parentType",
    "parentName",
    "relatedId",
    "relatedType",
    "createdById",
    "createdByName",
)
"""What the streams over many records tell of a note."""


def global_stream(call: Call) -> Response:
    """Answer `GET GlobalStream`: all visible notes, newest first, paged by `beforeNumber`."""
    if call.params.get("offset") not in {None, "", "0"}:
        raise Refusal(400, "Offset is not supported.", HTML)
    if call.viewer.level("GlobalStream") == "n":
        raise forbidden("No access to 'GlobalStream'.")
    rows, total = _page(call, _newest(call, _visible(call)))
    return answer_value({"total": total, "list": [_brief(call, row) | {"_scope": "Note"} for row in rows]})


def own_stream(call: Call) -> Response:
    """Answer `GET Stream`: the notes of what the user follows; an administrator's are all."""
    notes = _visible(call)
    if not call.viewer.is_admin:
        notes = (row for row in notes if call.viewer.id in _followers(call, row))
    rows, total = _page(call, _newest(call, notes))
    answer = {"total": total, "list": [_brief(call, row) for row in rows]}
    return answer_value(answer | {"reactionsCheckDate": call.store.now(), "updatedReactions": []})


def record_stream(call: Call) -> Response:
    """Answer `GET {entity}/{id}/stream`."""
    return answer_value(_record_notes(call) | {"pinnedList": []})


def record_updates(call: Call) -> Response:
    """Answer `GET {entity}/{id}/updateStream`: all but posts."""
    return answer_value(_record_notes(call, posts=False))


def record_posts(call: Call) -> Response:
    """Answer `GET {entity}/{id}/posts`."""
    return answer_value(_record_notes(call, posts=True))


def followers(call: Call) -> Response:
    """Answer `GET {entity}/{id}/followers`."""
    row = call.find()
    if not call.store.schema.entities[call.entity].has("stream"):
        raise not_found("Link does not exist.")
    ids = sorted(call.store.followers.get((call.entity, row["id"]), ()))
    users = [found for identity in ids if (found := call.store.find("User", identity)) is not None]
    hidden = call.viewer.hidden("User")
    names = [name for name in call.store.schema.shown("User", {"list"}) if name not in hidden]
    return answer_value(
        {"total": len(users), "list": [call.store.records.show("User", user, names) for user in users]}
    )


def follow(call: Call) -> Response:
    """Answer `PUT {entity}/{id}/subscription`."""
    row = call.find("stream")
    call.store.follow(call.entity, row["id"], call.viewer.id)
    return answer_value(True)  # noqa: FBT003 - the JSON `true`


def unfollow(call: Call) -> Response:
    """Answer `DELETE {entity}/{id}/subscription`."""
    row = call.find("read")
    call.store.unfollow(call.entity, row["id"], call.viewer.id)
    return answer_value(True)  # noqa: FBT003 - the JSON `true`


def _record_notes(call: Call, *, posts: bool | None = None) -> dict[str, Any]:
    row = call.find()
    here = (call.entity, row["id"])
    notes = (note for note in _visible(call) if here in _parents(note))
    if posts is not None:
        notes = (note for note in notes if (note.get("type") == "Post") == posts)
    after = call.params.get("after")
    if after:
        notes = (note for note in notes if note["createdAt"] > str(after))
    found = _newest(call, notes)
    size, offset = _size(call), call.search.offset
    page = [_full(call, note) for note in found[offset : offset + size]]
    return {"total": len(found), "list": page}


def _visible(call: Call) -> Iterable[Row]:
    """Give the notes of records whose stream the user may see."""
    tests: dict[str, Callable[[Row], bool] | None] = {}
    for note in call.store.table("Note").live.values():
        kind = str(note.get("parentType"))
        if kind not in tests:
            level = "a" if call.viewer.is_admin else call.viewer.level(kind, ACTIONS.index("stream"))
            tests[kind] = call.viewer.reaches(kind, level)
        test = tests[kind]
        if test is None or test(call.store.find(kind, note.get("parentId")) or {"id": ""}):
            yield note


def _newest(call: Call, notes: Iterable[Row]) -> list[Row]:
    before = call.params.get("beforeNumber")
    if before:
        limit = int(str(before))
        notes = (note for note in notes if note["number"] < limit)
    return sorted(notes, key=lambda note: -int(note["number"]))


def _size(call: Call) -> int:
    cap, size = call.store.switches.page_cap, call.search.max_size
    if size is not None and size < 0:
        raise broken()
    if size is not None and size > cap:
        raise forbidden(f"Max size should not exceed {cap}. Use offset and limit.")
    return cap if size is None else size


def _page(call: Call, notes: list[Row]) -> tuple[list[Row], int]:
    size, offset = _size(call), call.search.offset
    page = notes[offset : offset + size]
    return page, MORE if len(notes) > offset + size else NO_MORE


def _parents(note: Row) -> tuple[tuple[object, object], ...]:
    return (
        (note.get("parentType"), note.get("parentId")),
        (note.get("superParentType"), note.get("superParentId")),
    )


def _followers(call: Call, note: Row) -> set[str]:
    return call.store.followers.get((str(note.get("parentType")), str(note.get("parentId"))), set())


def _brief(call: Call, note: Row) -> Row:
    found = call.store.records.show("Note", note, _BRIEF)
    return (
        found
        | _attached(call, note)
        | _related_name(call, note)
        | {"reactionCounts": None, "myReactions": []}
    )


def _full(call: Call, note: Row) -> Row:
    names = [
        name
        for name in call.store.schema.shown("Note", {"list"})
        if name not in {"relatedName", "parentName"}
    ]
    found = call.store.records.show("Note", note, names)
    return (
        found
        | _attached(call, note)
        | _related_name(call, note)
        | {"reactionCounts": None, "myReactions": []}
    )


def _attached(call: Call, note: Row) -> Row:
    if note.get("type") != "Post":
        return {}
    return call.store.records.show("Note", note, ("attachmentsIds", "attachmentsNames", "attachmentsTypes"))


def _related_name(call: Call, note: Row) -> Row:
    here = (call.parts.get("entity"), call.parts.get("id"))
    names: list[str] = []
    if note.get("parentId") and (note.get("parentType"), note.get("parentId")) != here:
        names.append("parentName")
    if note.get("relatedId"):
        names.append("relatedName")
    return call.store.records.show("Note", note, names)
