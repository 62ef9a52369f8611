"""The settings of the CRM, as much of them as each kind of user is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crm_simulator.espocrm.computed import RATES

if TYPE_CHECKING:
    from crm_simulator.espocrm.store import Store

CACHE_TIMESTAMP = 1_795_301_005
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
    "cacheTimestamp": CACHE_TIMESTAMP,
    "appTimestamp": 1_795_299_679,
    "logoSrc": "client/img/logo-light.svg",
}
_USER: dict[str, Any] = {
    "systemUserAttributes": {"lastName": "System"},
    "recordsPerPage": 20,
    "recordsPerPageSmall": 5,
    "exportDelimiter": ",",
    "exportDisabled": False,
    "currencyFormat": 2,
    "currencyDecimalPlaces": 2,
    "personNameFormat": "firstLast",
    "addressFormat": 1,
    "listPagination": True,
    "emailAddressMaxCount": 10,
    "phoneNumberMaxCount": 10,
    "b2cMode": False,
    "fullTextSearchMinLength": 4,
    "phoneNumberInternational": True,
    "pdfEngine": "Dompdf",
}
_ADMIN: dict[str, Any] = {
    "authenticationMethod": "Espo",
    "authTokenLifetime": 0,
    "authTokenMaxIdleTime": 48,
    "cleanupDeletedRecords": True,
    "cleanupActionHistoryPeriod": "15 days",
    "jobMaxPortion": 15,
    "maxEmailAccountCount": 2,
    "defaultFileStorage": "EspoUploadDir",
}


def settings(store: Store, *, admin: bool) -> dict[str, Any]:
    """Give the settings that a user is told."""
    switches = store.switches
    currencies = list(RATES)
    found = public_settings(store) | _USER
    found |= {
        "version": switches.version,
        "currencyList": currencies,
        "defaultCurrency": currencies[0],
        "baseCurrency": currencies[0],
        "currencyRates": {name: rate for name, rate in RATES.items() if name != currencies[0]},
        "microtime": store.clock.now().timestamp(),
    }
    if switches.since("5.3"):
        found["recordListMaxSizeLimit"] = switches.page_cap
    return found | _ADMIN if admin else found


def public_settings(store: Store) -> dict[str, Any]:
    """Give the settings that anybody is told."""
    return _PUBLIC | {"maintenanceMode": store.switches.maintenance, "siteUrl": "http://127.0.0.1"}


def preferences(user_id: str) -> dict[str, Any]:
    """Give a user's preferences."""
    return {
        "id": user_id,
        "weekStart": -1,
        "thousandSeparator": ",",
        "decimalMark": ".",
        "dashboardLayout": [{"name": "My Espo", "layout": []}],
        "dashletsOptions": {},
        "exportDelimiter": ",",
    }


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
