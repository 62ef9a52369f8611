"""Attributes that no row stores: how each kind is made, and the few made in a way of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.moments import moment_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from crm_simulator.espocrm.attributes import Attribute
    from crm_simulator.espocrm.store import Store
    from crm_simulator.espocrm.tables import Row

    Getter = Callable[[Row], Any]
    Maker = Callable[[Store, str, Attribute], Getter]

RATES: dict[str, float] = {"USD": 1, "EUR": 1.08, "GBP": 1.27, "UAH": 0.024}
"""What one unit of each currency is in the base currency, the first, to begin with."""
_FLAGS = {"IsOptedOut": "optOut", "IsInvalid": "invalid"}


def person_name(row: Row, field: str = "name") -> str | None:
    """Join the parts of a person's name."""
    ending = field[0].upper() + field[1:]
    parts = (row.get("first" + ending), row.get("middle" + ending), row.get("last" + ending))
    return " ".join([part for part in parts if part]) or None


def name_of(store: Store, entity: str, identity: object) -> str | None:
    """Give the name by which other records show a live one."""
    row = store.find(entity, identity)
    if row is None:
        return "System" if identity == "system" else None
    name = row.get("name") or person_name(row)
    return name or (row.get("userName") if entity == "User" else None)


def convert(store: Store, amount: object, currency: object) -> float | int | None:
    """Convert an amount into the base currency, with the noise of floats."""
    rate = store.rates.get(str(currency))
    if amount is None or rate is None:
        return None
    value = float(amount) if isinstance(amount, str) else amount
    return value * rate if isinstance(value, int | float) else None


def channel_data(name: str, row: Row) -> list[dict[str, Any]]:
    """List all addresses or numbers of a record."""
    value = row.get(name)
    if value is None:
        return []
    kept = row.get(f"{name}Data")
    if kept:
        return [dict(item) for item in kept]
    extra = (
        {"lower": value.lower()} if name == "emailAddress" else {"type": row.get(f"{name}Type") or "Office"}
    )
    flags = {flag: bool(row.get(f"{name}{suffix}", False)) for suffix, flag in _FLAGS.items()}
    return [{name: value, **extra, "primary": True, **flags}]


def default_column(name: str) -> object:
    """Give the value of a relation column nobody has set."""
    return {"status": "None", "isInactive": False, "optedOut": False}.get(name)


def _link_name(store: Store, entity: str, attribute: Attribute) -> Getter:
    link = store.schema.link(entity, attribute.field.name)
    target = "Attachment" if attribute.field.type in {"file", "image"} else (link.entity if link else "")
    key, name = f"{attribute.field.name}Id", store.records.name_of

    def read(row: Row) -> str | None:
        identity = row.get(key)
        return None if identity is None else name(target, identity)

    return read


def _parent_name(store: Store, _entity: str, attribute: Attribute) -> Getter:
    field, name = attribute.field.name, store.records.name_of
    return lambda row: (
        name(str(row.get(f"{field}Type")), row.get(f"{field}Id")) if row.get(f"{field}Id") else None
    )


def _person(_store: Store, _entity: str, attribute: Attribute) -> Getter:
    field = attribute.field.name
    return lambda row: person_name(row, field)


def _converted(store: Store, _entity: str, attribute: Attribute) -> Getter:
    name = attribute.name.removesuffix("Converted")
    currency = f"{name}Currency"
    return lambda row: convert(store, row.get(name), row.get(currency))


def _foreign(store: Store, entity: str, attribute: Attribute) -> Getter:
    name, field = attribute.field.source or ("", "")
    link = store.schema.link(entity, name)
    target, key = link.entity if link else "", f"{name}Id"

    def read(row: Row) -> object:
        other = store.find(target, row.get(key))
        return other.get(field) if other else None

    return read


def _channel_flag(_store: Store, _entity: str, attribute: Attribute) -> Getter:
    field, name = attribute.field.name, attribute.name
    return lambda row: None if row.get(field) is None else bool(row.get(name, False))


def _channel_data(_store: Store, _entity: str, attribute: Attribute) -> Getter:
    return lambda row: channel_data(attribute.field.name, row)


def _related(store: Store, entity: str, attribute: Attribute) -> Callable[[str], dict[str, dict[str, Any]]]:
    """Give the function from an id to its live related ones, quick where nothing is related."""
    name = attribute.field.name
    link = store.schema.link(entity, name)
    if link is None or not store.schema.is_many_to_many(link):
        return lambda identity: store.related(entity, identity, name)
    pairs, backward = store.joints.pairs(entity, link)
    live = store.table(link.entity).live
    return lambda identity: {
        other: columns for other, columns in pairs.of(identity, backward=backward).items() if other in live
    }


def _link_ids(store: Store, entity: str, attribute: Attribute) -> Getter:
    related = _related(store, entity, attribute)
    return lambda row: list(related(row["id"]))


def _link_names(store: Store, entity: str, attribute: Attribute) -> Getter:
    related, link = _related(store, entity, attribute), store.schema.link(entity, attribute.field.name)
    target, name = link.entity if link else "", store.records.name_of
    return lambda row: {identity: name(target, identity) for identity in related(row["id"])}


def _link_columns(store: Store, entity: str, attribute: Attribute) -> Getter:
    related = _related(store, entity, attribute)
    defaults = {name: default_column(name) for name in attribute.field.columns}
    return lambda row: {
        identity: {name: pair.get(name, value) for name, value in defaults.items()}
        for identity, pair in related(row["id"]).items()
    }


def _link_types(store: Store, entity: str, attribute: Attribute) -> Getter:
    related = _related(store, entity, attribute)
    return lambda row: {each: store.row("Attachment", each).get("type") for each in related(row["id"])}


def _one_id(store: Store, entity: str, attribute: Attribute) -> Getter:
    link = store.schema.link(entity, attribute.field.name)
    if link is None:
        return lambda _row: None
    table, key = store.table(link.entity), f"{link.foreign}Id"
    return lambda row: next(iter(table.grouped_by(key).get(row["id"], ())), None)


def _one_name(store: Store, entity: str, attribute: Attribute) -> Getter:
    link, one = store.schema.link(entity, attribute.field.name), _one_id(store, entity, attribute)
    target, name = link.entity if link else "", store.records.name_of
    return lambda row: None if (identity := one(row)) is None else name(target, identity)


def _followers_ids(store: Store, entity: str, _attribute: Attribute) -> Getter:
    return lambda row: sorted(store.followers.get((entity, row["id"]), ()))


def _followers_names(store: Store, entity: str, _attribute: Attribute) -> Getter:
    name = store.records.name_of
    return lambda row: {
        each: name("User", each) for each in sorted(store.followers.get((entity, row["id"]), ()))
    }


def _false(_store: Store, _entity: str, _attribute: Attribute) -> Getter:
    return lambda _row: False


MAKERS: dict[str, Maker] = {
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
    "link_names": _link_names,
    "link_types": _link_types,
    "one_id": _one_id,
    "one_name": _one_name,
    "parent_name": _parent_name,
    "person": _person,
    "starred": _false,
}
"""Makes, for each kind of attribute, the function that reads it from a row."""


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


def _weighted(store: Store, row: Row) -> float | int | None:
    amount = convert(store, row.get("amount"), row.get("amountCurrency"))
    probability = row.get("probability")
    return None if amount is None or probability is None else amount * probability / 100


def _entries(store: Store, row: Row) -> list[dict[str, Any]]:
    links = ("accounts", "contacts", "leads", "users")
    return [pair for link in links for pair in store.related("TargetList", row["id"], link).values()]


def _opted_out(store: Store, row: Row) -> int:
    return sum(bool(pair.get("optedOut")) for pair in _entries(store, row))


def _user_type(store: Store, row: Row) -> object:
    user = store.find("User", row.get("userId"))
    return user.get("type") if user else None


def _reminders(_store: Store, row: Row) -> list[Any]:
    return list(row.get("reminders") or ())


COMPUTED: dict[tuple[str, str], Callable[[Store, Row], Any]] = {
    ("ActionHistoryRecord", "userType"): _user_type,
    ("CVisit", "duration"): _duration,
    ("CVisit", "reminders"): _reminders,
    ("Call", "duration"): _duration,
    ("Call", "phoneNumbersMap"): lambda _store, _row: {},
    ("Call", "reminders"): _reminders,
    ("Campaign", "revenueCurrency"): lambda store, _row: next(iter(store.rates)),
    ("Contact", "accountIsInactive"): _primary_column("isInactive"),
    ("Contact", "hasPortalUser"): lambda _store, _row: False,
    ("Contact", "title"): _primary_column("role"),
    ("Email", "subject"): lambda _store, row: row.get("name"),
    ("Meeting", "duration"): _duration,
    ("Meeting", "reminders"): _reminders,
    ("Opportunity", "amountWeightedConverted"): _weighted,
    ("TargetList", "entryCount"): lambda store, row: len(_entries(store, row)),
    ("TargetList", "optedOutCount"): _opted_out,
    ("Task", "reminders"): _reminders,
    ("User", "name"): lambda _store, row: person_name(row) or row.get("userName"),
}
"""Attributes that are made in a way of their own."""
