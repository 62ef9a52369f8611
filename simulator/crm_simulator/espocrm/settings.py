"""The settings of the CRM, as much of them as each kind of user is told."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crm_simulator.espocrm.store import Store

_EMPTY: dict[str, Any] = {"false": False, "zero": 0, "text": "", "list": [], "map": {}, "null": None}
_PUBLIC: dict[str, Any] = {
    "useCache": True,
    "applicationName": "EspoCRM",
    "timeZone": "UTC",
    "dateFormat": "YYYY-MM-DD",
    "timeFormat": "HH:mm",
    "weekStart": 1,
    "thousandSeparator": ",",
    "decimalMark": ".",
    "language": "en_US",
    "theme": "Espo",
    "aclAllowDeleteCreated": False,
    "useWebSocket": False,
    "cacheTimestamp": 1_790_000_000,
    "appTimestamp": 1_790_000_000,
    "logoSrc": "client/img/logo-light.svg",
}
_USER: dict[str, Any] = {
    "systemUserAttributes": {"lastName": "System"},
    "recordsPerPage": 20,
    "exportDelimiter": ",",
    "themeParams": {"navbar": "side"},
}
_ADMIN: dict[str, Any] = {
    "authenticationMethod": "Espo",
    "authTokenLifetime": 0,
    "authTokenMaxIdleTime": 48,
    "cleanupDeletedRecords": True,
    "cleanupActionHistoryPeriod": "15 days",
}


@cache
def _blank(audience: str) -> dict[str, Any]:
    """Give the settings that exist but mean nothing here, each with an empty value of its type."""
    text = files("crm_simulator.espocrm").joinpath("settings.txt").read_text("utf-8")
    blocks = re.findall(r"\[(\w+) (\w+)\]\n([^\[]+)", text)
    return {
        name: _EMPTY[kind] for whose, kind, names in blocks if whose == audience for name in names.split()
    }


def settings(store: Store, *, admin: bool) -> dict[str, Any]:
    """Give the settings that a user is told."""
    switches = store.switches
    currencies = list(store.rates)
    found = _blank("user") | public_settings(store) | _USER
    found |= {
        "version": switches.version,
        "currencyList": currencies,
        "defaultCurrency": currencies[0],
        "baseCurrency": currencies[0],
        "currencyRates": {name: rate for name, rate in store.rates.items() if name != currencies[0]},
        "microtime": store.clock.now().timestamp(),
    }
    if switches.since("5.3"):
        found["recordListMaxSizeLimit"] = switches.page_cap
    return found | _blank("admin") | _ADMIN if admin else found


def public_settings(store: Store) -> dict[str, Any]:
    """Give the settings that anybody is told."""
    return _PUBLIC | {"maintenanceMode": store.switches.maintenance, "siteUrl": "http://127.0.0.1"}


def preferences(user_id: str) -> dict[str, Any]:
    """Give a user's preferences."""
    separators = {"thousandSeparator": ",", "decimalMark": ".", "exportDelimiter": ","}
    return _blank("preferences") | {"id": user_id, "weekStart": -1} | separators


def app_params() -> dict[str, Any]:
    """Give what the web client is told at start."""
    return {
        "maxUploadSize": 50,
        "isRestrictedMode": False,
        "passwordChangeForNonAdminDisabled": False,
        "timeZoneList": ["UTC", "Europe/Berlin", "Europe/London"],
        "auth2FARequired": False,
        "logoutWait": False,
        "systemUserId": "system",
        "templateEntityTypeList": [],
        "extensions": [],
        "addressCountryData": {"list": [], "preferredList": []},
    }
