"""What can be said about settings before any request, in the words of somebody who fills them in."""

from __future__ import annotations

import difflib
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pendulum
from pendulum.tz.exceptions import InvalidTimezone
from singer_sdk.singerlib import Catalog

from tap_opencrm.errors import SettingsError
from tap_opencrm.incremental import parse_moment
from tap_opencrm.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_opencrm.dates import Zone

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_BANNED_AGENTS = ("python", "curl")


def url_base(settings: Mapping[str, Any]) -> str:
    """Return the address below which all end points are.

    Raises:
        SettingsError: if it would not be safe to send keys there.
    """
    url = settings.get("url")
    if url:
        return _checked(str(url))
    name = settings.get("system_name")
    if not name:
        raise SettingsError(
            "setting 'system_name' is missing: the part before .opencrm.co.uk in your address"
        )
    if not _SUBDOMAIN.fullmatch(str(name)):
        raise SettingsError(
            f"setting 'system_name' is {name!r}: give only the part before .opencrm.co.uk, such as `acme`"
        )
    return f"https://{str(name).lower()}.opencrm.co.uk/api/rest/"


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise SettingsError(f"setting 'url' is {url!r}, which is not an address") from None
    if not host or parts.scheme not in {"http", "https"} or parts.query or parts.fragment or "\\" in url:
        raise SettingsError("setting 'url' must look like https://acme.opencrm.co.uk")
    if parts.username is not None or parts.password is not None:
        raise SettingsError("setting 'url' must not hold a user name or password")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise SettingsError(f"setting 'url' must begin with https:// ({host} is not this machine)")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/api/rest')}/api/rest/"


def zone(settings: Mapping[str, Any]) -> Zone:
    """Return the zone of times without an offset; raise SettingsError if there is none of that name."""
    try:
        return pendulum.timezone(str(settings["timezone"]))
    except (InvalidTimezone, ValueError, OSError):
        raise SettingsError(
            f"setting 'timezone' is {settings['timezone']!r}, which is not a time zone"
        ) from None


def check(settings: Mapping[str, Any]) -> None:
    """Raise SettingsError for what a schema cannot tell: addresses, zones, agents and dates."""
    url_base(settings)
    zone(settings)
    agent = str(settings["user_agent"])
    if not agent.isprintable() or any(name in agent.lower() for name in _BANNED_AGENTS):
        raise SettingsError(
            f"setting 'user_agent' is {agent!r}: OpenCRM blocks names with `python` or `curl`"
        )
    try:
        parse_moment(settings["start_date"])
    except ValueError:
        raise SettingsError(
            f"setting 'start_date' is {settings['start_date']!r}, which is not a date"
        ) from None


def state(given: Any) -> Any:  # noqa: ANN401 # the JSON boundary
    """Return a Singer state as it was given; raise SettingsError if it is none."""
    if isinstance(given, (list, int, float)) or (
        isinstance(given, dict) and not isinstance(given.get("bookmarks", {}), dict)
    ):
        raise SettingsError("the file given with --state does not hold a Singer state")
    return given


def catalogue(given: Any) -> Any:  # noqa: ANN401 # the JSON boundary
    """Return a Singer catalogue as the SDK reads it; raise SettingsError if it is none."""
    if given is None or isinstance(given, (str, PurePath, Catalog)):
        return given
    try:
        return Catalog.from_dict({"streams": given["streams"]})
    except (AttributeError, KeyError, TypeError):
        raise SettingsError("the file given with --catalog does not hold a Singer catalogue") from None


def explain(error: str) -> str:
    """Return a validation error in the words of somebody who fills in settings."""
    if unknown := re.search(r"\('(\w+)' was unexpected\)", error):
        close = difflib.get_close_matches(unknown[1], SETTINGS["properties"], n=1)
        return f"unknown setting '{unknown[1]}'" + (f"; did you mean '{close[0]}'?" if close else "")
    if missing := re.search(r"'(\w+)' is a required property", error):
        return f"setting '{missing[1]}' is missing"
    return error
