"""Creating, changing, deleting, relating and parting records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.calls import ACTIONS, Call, answer_value
from crm_simulator.espocrm.reading import whole
from crm_simulator.espocrm.refusals import Refusal, bad_request, forbidden, not_found

if TYPE_CHECKING:
    from crm_simulator.espocrm.definitions import Link
    from crm_simulator.espocrm.tables import Row
    from crm_simulator.messages import Response

_UNTOUCHABLE = {"id", "deleted", "createdAt", "modifiedAt", "versionNumber", "streamUpdatedAt"}
DEFAULTS: dict[str, Row] = {
    "Call": {"status": "Planned", "direction": "Outbound"},
    "Case": {"status": "New", "priority": "Normal"},
    "Lead": {"status": "New"},
    "Meeting": {"status": "Planned"},
    "Note": {"type": "Post", "data": {}},
    "Opportunity": {"stage": "Prospecting", "lastStage": "Prospecting", "probability": 10},
    "Task": {"status": "Not Started", "priority": "Normal"},
}
"""What a new record has unless the client says otherwise."""
_NO_DUPLICATES = {
    "Account": ("name",),
    "Contact": ("firstName", "lastName"),
    "Lead": ("firstName", "lastName"),
}
"""By what a new record is taken for one that is there already."""


def create(call: Call) -> Response:
    """Answer `POST {entity}`."""
    call.check_controller()
    call.check_scope("create")
    fields = DEFAULTS.get(call.entity, {}) | _writable(call)
    _validate(call, fields)
    if not call.body.get("skipDuplicateCheck"):
        _check_duplicates(call, fields)
    identity = call.store.create(call.entity, fields, by=call.viewer.id)
    call.audit.write_down("create", call.entity, identity, call.viewer.id)
    return answer_value(whole(call, call.entity, call.store.row(call.entity, identity)))


def update(call: Call) -> Response:
    """Answer `PUT {entity}/{id}` and `PATCH` of the same."""
    row = call.find("edit")
    fields = _writable(call)
    _validate(call, fields, partly=True)
    if call.store.update(call.entity, row["id"], fields, by=call.viewer.id):
        call.audit.write_down("update", call.entity, row["id"], call.viewer.id)
    return answer_value(whole(call, call.entity, call.store.row(call.entity, row["id"])))


def delete(call: Call) -> Response:
    """Answer `DELETE {entity}/{id}`."""
    row = call.find("delete")
    call.store.delete(call.entity, row["id"], by=call.viewer.id)
    call.audit.write_down("delete", call.entity, row["id"], call.viewer.id)
    return answer_value(True)  # noqa: FBT003 - the JSON `true`


def relate(call: Call) -> Response:
    """Answer `POST {entity}/{id}/{link}`."""
    row, link = call.find("edit"), _link(call)
    for identity in _foreign_ids(call, link):
        call.store.relate(call.entity, row["id"], link.name, identity)
    return answer_value(True)  # noqa: FBT003 - the JSON `true`


def unrelate(call: Call) -> Response:
    """Answer `DELETE {entity}/{id}/{link}`."""
    row, link = call.find("edit"), _link(call)
    for identity in _foreign_ids(call, link):
        call.store.unrelate(call.entity, row["id"], link.name, identity)
    return answer_value(True)  # noqa: FBT003 - the JSON `true`


def _link(call: Call) -> Link:
    link = call.store.schema.link(call.entity, call.parts["link"])
    if link is None:
        raise not_found("Link does not exist.")
    return link


def _foreign_ids(call: Call, link: Link) -> list[str]:
    body = call.body if call.request.body else dict(call.params)
    given: Any = body.get("ids") or body.get("id")
    ids = [str(item) for item in given] if isinstance(given, list) else [str(given)] if given else []
    if not ids:
        raise bad_request("No foreign ids.")
    for identity in ids:
        if call.store.find(link.entity, identity) is None:
            raise not_found("Foreign record does not exist.")
    return ids


def _writable(call: Call) -> Row:
    """Keep what a client may set; the rest is dropped without a word."""
    known, hidden = call.store.schema.attributes(call.entity), call.viewer.hidden(call.entity)
    if not call.viewer.is_admin and call.viewer.level(call.entity, ACTIONS.index("edit")) == "n":
        raise forbidden("No edit access.")
    return {
        name: value
        for name, value in call.body.items()
        if name in known and name not in hidden | _UNTOUCHABLE and ("readOnly" not in known[name].field.marks)
    }


def _validate(call: Call, fields: Row, *, partly: bool = False) -> None:
    for field in call.store.schema.entities[call.entity].fields.values():
        required = (
            "required" in field.marks
            and field.type in {"varchar", "enum"}
            and field.name in call.store.schema.attributes(call.entity)
        )
        missing = not fields.get(field.name) if not partly else fields.get(field.name, "x") in {"", None}
        if required and missing and "notStorable" not in field.marks:
            reason = (
                f"Field validation failure; entityType: {call.entity}, field: {field.name}, type: required."
            )
            data = {"field": field.name, "type": "required"}
            translation = {"label": "validationFailure", "scope": None, "data": data}
            raise Refusal(400, reason, body={"messageTranslation": translation})


def _check_duplicates(call: Call, fields: Row) -> None:
    names = _NO_DUPLICATES.get(call.entity, ())
    wanted = [fields.get(name) for name in names]
    if not any(wanted):
        return
    rows = call.store.table(call.entity).live.values()
    found = [row for row in rows if [row.get(name) for name in names] == wanted]
    if found:
        listed = [
            name
            for name, item in call.store.schema.attributes(call.entity).items()
            if item.presence == "list" and name != "isStarred"
        ]
        shown = [call.store.records.show(call.entity, row, listed) for row in found]
        raise Refusal(409, "duplicate", body=shown)
