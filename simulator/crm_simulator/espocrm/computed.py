"""Attributes that no row stores: how each kind is made, and the few made in a way of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.moments import moment_of
from crm_simulator.espocrm.relations import link_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulator.espocrm.attributes import Attribute
    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row

RATES = {"USD": 1, "EUR": 1.08, "GBP": 1.27, "UAH": 0.024}
"""What one unit of each currency is in the base currency, the first."""
_FLAGS = {"IsOptedOut": "optOut", "IsInvalid": "invalid"}


def person_name(row: Row, field: str = "name") -> str | None:
    """Join the parts of a person's name."""
    ending = field[0].upper() + field[1:]
    parts = (row.get(f"{part}{ending}") for part in ("first", "middle", "last"))
    return " ".join(part for part in parts if part) or None


def name_of(store: Store, entity: str, identity: object) -> str | None:
    """Give the name by which other records show a live one."""
    row = store.find(entity, identity)
    if row is None:
        return "System" if identity == "system" else None
    name = row.get("name") or person_name(row)
    return name or (row.get("userName") if entity == "User" else None)


def convert(amount: object, currency: object) -> float | int | None:
    """Convert an amount into the base currency, with the noise of floats."""
    rate = RATES.get(str(currency))
    if amount is None or rate is None:
        return None
    value = float(amount) if isinstance(amount, str) else amount
    return value * rate if isinstance(value, int | float) else None


def related_names(store: Store, entity: str, attribute: Attribute, row: Row) -> dict[str, str | None]:
    """Give the names of the records in a link-multiple by id."""
    link = link_of(entity, attribute.field.name)
    if link is None:
        return {}
    found = store.related(entity, row["id"], link.name)
    return {identity: name_of(store, link.entity, identity) for identity in found}


def _link_name(store: Store, entity: str, attribute: Attribute, row: Row) -> str | None:
    identity = row.get(f"{attribute.field.name}Id")
    if identity is None:
        return None
    link = link_of(entity, attribute.field.name)
    target = "Attachment" if attribute.field.type in {"file", "image"} else (link.entity if link else "")
    return name_of(store, target, identity)


def _parent_name(store: Store, _entity: str, attribute: Attribute, row: Row) -> str | None:
    name = attribute.field.name
    return name_of(store, str(row.get(f"{name}Type")), row.get(f"{name}Id"))


def _person(_store: Store, _entity: str, attribute: Attribute, row: Row) -> str | None:
    return person_name(row, attribute.field.name)


def _converted(_store: Store, _entity: str, attribute: Attribute, row: Row) -> float | int | None:
    name = attribute.name.removesuffix("Converted")
    return convert(row.get(name), row.get(f"{name}Currency"))


def _foreign(store: Store, entity: str, attribute: Attribute, row: Row) -> object:
    name, field = attribute.field.source or ("", "")
    link = link_of(entity, name)
    other = store.find(link.entity, row.get(f"{name}Id")) if link else None
    return other.get(field) if other else None


def _channel_flag(_store: Store, _entity: str, attribute: Attribute, row: Row) -> bool | None:
    if row.get(attribute.field.name) is None:
        return None
    return bool(row.get(attribute.name, False))


def channel_data(name: str, row: Row) -> list[dict[str, Any]]:
    """List all addresses or numbers of a record."""
    value = row.get(name)
    if value is None:
        return []
    kept = row.get(f"{name}Data")
    if kept:
        return [dict(item) for item in kept]
    extra = {"lower": value.lower()} if name == "emailAddress" else {"type": row.get(f"{name}Type") or "Office"}
    flags = {flag: bool(row.get(f"{name}{suffix}", False)) for suffix, flag in _FLAGS.items()}
    return [{name: value, **extra, "primary": True, **flags}]


def _channel_data(_store: Store, _entity: str, attribute: Attribute, row: Row) -> list[dict[str, Any]]:
    return channel_data(attribute.field.name, row)


def _link_ids(store: Store, entity: str, attribute: Attribute, row: Row) -> list[str]:
    return list(store.related(entity, row["id"], attribute.field.name))


def _link_columns(store: Store, entity: str, attribute: Attribute, row: Row) -> dict[str, dict[str, Any]]:
    columns = attribute.field.columns
    found = store.related(entity, row["id"], attribute.field.name)
    return {
        identity: {name: pair.get(name, default_column(name)) for name in columns}
        for identity, pair in found.items()
    }


def default_column(name: str) -> object:
    """Give the value of a relation column nobody has set."""
    return {"status": "None", "isInactive": False, "optedOut": False}.get(name)


def _link_types(store: Store, entity: str, attribute: Attribute, row: Row) -> dict[str, str | None]:
    found = store.related(entity, row["id"], attribute.field.name)
    return {identity: store.row("Attachment", identity).get("type") for identity in found}


def _one(store: Store, entity: str, attribute: Attribute, row: Row) -> tuple[str, str] | None:
    link = link_of(entity, attribute.field.name)
    if link is None:
        return None
    found = store.table(link.entity).grouped_by(f"{link.foreign}Id").get(row["id"])
    return (link.entity, found[0]) if found else None


def _one_id(store: Store, entity: str, attribute: Attribute, row: Row) -> str | None:
    found = _one(store, entity, attribute, row)
    return found[1] if found else None


def _one_name(store: Store, entity: str, attribute: Attribute, row: Row) -> str | None:
    found = _one(store, entity, attribute, row)
    return name_of(store, *found) if found else None


def _followers(store: Store, entity: str, row: Row) -> list[str]:
    return sorted(store.followers.get((entity, row["id"]), ()))


def _followers_ids(store: Store, entity: str, _attribute: Attribute, row: Row) -> list[str]:
    return _followers(store, entity, row)


def _followers_names(store: Store, entity: str, _attribute: Attribute, row: Row) -> dict[str, str | None]:
    return {identity: name_of(store, "User", identity) for identity in _followers(store, entity, row)}


def _false(_store: Store, _entity: str, _attribute: Attribute, _row: Row) -> bool:
    return False


MAKERS: dict[str, Callable[[Store, str, Attribute, Row], Any]] = {
    "channel_data": _channel_data,
    "channel_flag": _channel_flag,
    "converted": _converted,
    "followed": _false,
    "followers_ids": _followers_ids,
    "followers_names": _followers_names,
    "foreign": _foreign,
    "link_columns": _link_columns,
    "link_ids": _link_ids,
    "link_name": _link_name,
    "link_names": related_names,
    "link_types": _link_types,
    "one_id": _one_id,
    "one_name": _one_name,
    "parent_name": _parent_name,
    "person": _person,
    "starred": _false,
}
"""How the attributes of each kind are made."""


def _primary_column(column: str) -> Callable[[Store, Row], object]:
    def read(store: Store, row: Row) -> object:
        account = row.get("accountId")
        if account is None:
            return None
        pair = store.related("Contact", row["id"], "accounts").get(account)
        return None if pair is None else pair.get(column, default_column(column))

    return read


def _duration(_store: Store, row: Row) -> int | None:
    start, end = (moment_of(row.get(name)) for name in ("dateStart", "dateEnd"))
    return int((end - start).total_seconds()) if start and end else None


def _weighted(_store: Store, row: Row) -> float | int | None:
    amount = convert(row.get("amount"), row.get("amountCurrency"))
    probability = row.get("probability")
    return None if amount is None or probability is None else amount * probability / 100


def _entries(store: Store, row: Row) -> list[dict[str, Any]]:
    links = ("accounts", "contacts", "leads", "users")
    return [pair for link in links for pair in store.related("TargetList", row["id"], link).values()]


def _user_name(store: Store, row: Row) -> str | None:
    return name_of(store, "User", row["id"]) or person_name(row) or row.get("userName")


def _of_user(name: str) -> Callable[[Store, Row], object]:
    def read(store: Store, row: Row) -> object:
        user = store.find("User", row.get("userId"))
        return user.get(name) if user else None

    return read


COMPUTED: dict[tuple[str, str], Callable[[Store, Row], Any]] = {
    ("ActionHistoryRecord", "userType"): _of_user("type"),
    ("CVisit", "duration"): _duration,
    ("Call", "duration"): _duration,
    ("Call", "phoneNumbersMap"): lambda _store, _row: {},
    ("Call", "reminders"): lambda _store, row: row.get("reminders") or [],
    ("CVisit", "reminders"): lambda _store, row: row.get("reminders") or [],
    ("Campaign", "revenueCurrency"): lambda _store, _row: next(iter(RATES)),
    ("Contact", "accountIsInactive"): _primary_column("isInactive"),
    ("Contact", "hasPortalUser"): lambda _store, _row: False,
    ("Contact", "title"): _primary_column("role"),
    ("Email", "subject"): lambda _store, row: row.get("name"),
    ("Meeting", "duration"): _duration,
    ("Meeting", "reminders"): lambda _store, row: row.get("reminders") or [],
    ("Opportunity", "amountWeightedConverted"): _weighted,
    ("TargetList", "entryCount"): lambda store, row: len(_entries(store, row)),
    ("TargetList", "optedOutCount"): lambda store, row: sum(
        bool(pair.get("optedOut")) for pair in _entries(store, row)
    ),
    ("Task", "reminders"): lambda _store, row: row.get("reminders") or [],
    ("User", "name"): _user_name,
}
"""Attributes that are made in a way of their own."""
