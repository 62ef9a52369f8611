"""What the CRM says about itself: the user, settings, metadata, labels, rates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.calls import Call, answer, answer_value
from crm_simulator.espocrm.metadata import metadata, visible
from crm_simulator.espocrm.reading import whole
from crm_simulator.espocrm.settings import app_params, preferences, public_settings, settings

if TYPE_CHECKING:
    from crm_simulator.espocrm.store import Store
    from crm_simulator.messages import Response


def app_user(call: Call) -> Response:
    """Answer `GET App/user`."""
    viewer, store = call.viewer, call.store
    row = store.row("User", viewer.id)
    user = whole(call, "User", row)
    for name in _NOT_ABOUT_ONESELF:
        user.pop(name, None)
    user.pop("apiKey", None)
    if viewer.is_admin:
        user["token"] = None
    user |= {"ipAddress": call.request.client or "127.0.0.1"}
    user |= {"emailAddressList": [], "userEmailAddressList": [], "excludeFromReplyEmailAddressList": []}
    return answer_value(
        {
            "user": user,
            "acl": viewer.answer(),
            "preferences": preferences(viewer.id),
            "token": call.gate.token_of(call.login),
            "settings": settings(store, admin=viewer.is_admin),
            "language": "en_US",
            "appParams": app_params(),
        }
    )


_NOT_ABOUT_ONESELF = (
    "accountsIds",
    "accountsNames",
    "emailAddressData",
    "lastAccess",
    "phoneNumberData",
    "portalRolesIds",
    "portalRolesNames",
    "portalsIds",
    "portalsNames",
    "rolesIds",
    "rolesNames",
    "workingTimeCalendarName",
)


def show_settings(call: Call) -> Response:
    """Answer `GET Settings`."""
    return answer_value(settings(call.store, admin=call.viewer.is_admin))


def show_public_settings(store: Store) -> Response:
    """Answer `GET Settings` of nobody in particular."""
    return answer_value(public_settings(store))


def show_metadata(call: Call) -> Response:
    """Answer `GET Metadata`, whole or the part that `key` names; nothing at all where there is none."""
    found: Any = metadata(call.viewer)
    key = call.params.get("key")
    if key and call.store.switches.since("8.2"):
        for part in str(key).split("."):
            found = found.get(part) if isinstance(found, dict) else None
    return answer(b"") if found is None else answer_value(found)


def show_labels(call: Call) -> Response:
    """Answer `GET I18n` with what the user may see of it."""
    names = [name for name in call.store.schema.entities if visible(call.viewer, name)]
    scopes = {name: _label(name) for name in names}
    plural = {name: f"{label}s" for name, label in scopes.items()}
    return answer_value(
        _COMMON_LABELS
        | {"Global": _GLOBAL | {"scopeNames": scopes, "scopeNamesPlural": plural}}
        | {name: _labels_of(call, name) for name in names}
    )


def show_public_labels() -> Response:
    """Answer `GET I18n` of nobody in particular."""
    return answer_value(_COMMON_LABELS | {"Global": _GLOBAL})


_GLOBAL: dict[str, Any] = {
    "fields": {"createdAt": "Created At", "modifiedAt": "Modified At"},
    "labels": {},
    "messages": {},
}
_COMMON_LABELS: dict[str, Any] = {"User": {"fields": {"userName": "User Name"}, "labels": {}, "messages": {}}}


def _labels_of(call: Call, name: str) -> dict[str, Any]:
    entity = call.store.schema.entities[name]
    chosen = {field: values for (owner, field), values in call.store.schema.options.items() if owner == name}
    return {
        "fields": {field: _label(field) for field in entity.fields},
        "links": {link: _label(link) for link in entity.links},
        "options": {field: {str(value): str(value) for value in values} for field, values in chosen.items()},
        "tooltips": {field: f"Choose one of {len(values)}." for field, values in chosen.items()},
    }


def _label(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"^[cC](?=[A-Z])", "", name))
    return words[:1].upper() + words[1:]


def rates(call: Call) -> Response:
    """Answer `GET CurrencyRate`."""
    return answer_value(call.store.rates)
