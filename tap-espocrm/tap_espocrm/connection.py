"""Where EspoCRM is and how to reach it: the address, certificates and the HTTP session."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from singer_sdk.exceptions import ConfigurationError

from tap_espocrm.auth import API_PATH

logger = logging.getLogger("tap-espocrm.connection")

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Connection:
    """Where EspoCRM is and how to treat it."""

    url: str
    timeout: float = 120.0
    user_agent: str = ""
    ca_bundle: str | None = None
    max_retries: int = 5
    max_requests_per_second: float | None = None
    connections: int = 10


def site_url(text: str) -> str:
    """Normalise the address of a site: without a trailing slash, without `/api/v1`, without credentials."""
    stripped = text.strip().partition("#")[0].rstrip("/").removesuffix(API_PATH).rstrip("/")
    if "@" in stripped:
        raise ConfigurationError("url must not hold a user name or password: use the settings for them.")
    try:
        parts = urlsplit(stripped)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise ConfigurationError(f"url must look like https://crm.example.com, but is {text!r}.")
    return stripped


def warn_of_clear_text(url: str) -> None:
    """Warn if credentials would travel unencrypted over a network."""
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        logger.warning("url is not https: credentials and records travel unencrypted to %s.", parts.hostname)


def open_session(connection: Connection) -> requests.Session:
    """Make the session that all threads share."""
    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connection.connections)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    agent = connection.user_agent or f"tap-espocrm/{version('tap-espocrm')}"
    session.headers.update({"User-Agent": agent, "Accept": "application/json"})
    session.verify = _authorities(connection.ca_bundle)
    # A .netrc entry for the host would replace our own credentials.
    session.trust_env = False
    session.proxies = requests.utils.get_environ_proxies(connection.url)
    return session


def innermost_cause(error: Exception) -> str:
    """Name the innermost cause of a failed connection, without the URL and its parameters."""
    cause: BaseException = error
    while True:
        inner = [a for a in (getattr(cause, "reason", None), *cause.args) if isinstance(a, BaseException)]
        if not inner:
            break
        cause = inner[-1]
    text = str(cause)
    return text.rpartition(": ")[2] if ": " in text else text or type(cause).__name__


def _authorities(ca_bundle: str | None) -> str | bool:
    """Choose whom to trust; the variables are those that `requests` itself looks at."""
    chosen = ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    if chosen and not Path(chosen).exists():
        raise ConfigurationError(f"ca_bundle: there is no {chosen}.")
    return chosen or True
