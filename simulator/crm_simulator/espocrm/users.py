"""Who may log in, with which secrets and roles; all of it made up for this simulator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class User:
    """A person or program of the CRM."""

    name: str
    type: str
    first: str | None
    last: str
    role: str | None = None
    password: str | None = None
    api_key: str | None = None
    secret_key: str | None = None
    team: int | None = None
    active: bool = True


ADMIN = "admin"
READ_ALL = "read-all"
LIMITED = "limited"

# ruff: noqa: S106 - made up for this simulator, and printed by its command line
USERS = (
    User("admin", "admin", None, "Admin", password="admin-password"),
    User("reader", "api", None, "reader", READ_ALL, api_key="5f3a9c1b7d2e4f60a8b1c2d3e4f5a6b7"),
    User(
        "signer",
        "api",
        None,
        "signer",
        READ_ALL,
        api_key="9b1d3c5e7f90a2b4c6d8e0f1a3b5c7d9",
        secret_key="c0ffee11d2e3f4a5b6c7d8e9f0a1b2c3",
    ),
    User("limited", "api", None, "limited", LIMITED, api_key="1e2d3c4b5a69788796a5b4c3d2e1f00f", team=0),
    User("norole", "api", None, "norole", api_key="77aa88bb99cc00dd11ee22ff33aa44bb"),
    User(
        "retired", "api", None, "retired", READ_ALL, api_key="deadbeefdeadbeefdeadbeefdeadbeef", active=False
    ),
    User("sales1", "regular", "Maya", "Müller", READ_ALL, "sales1-password", team=0),
    User("sales2", "regular", "Sean", "O'Brien", team=0),
    User("sales3", "regular", "Oksana", "Шевченко", team=1),
    User("sales4", "regular", "Linh", "Nguyễn", team=1),
    User("support1", "regular", "Priya", "Patel", team=2),
    User("support2", "regular", "José", "García", team=2),
    User("former", "regular", "Ned", "Former", password="former-password", active=False),
)
STAFF = tuple(index for index, user in enumerate(USERS) if user.type == "regular" and user.active)
"""Places in USERS of those that records are assigned to."""
