"""What one EspoCRM may do differently from the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass
class EspoCRMSwitches:
    """Behaviour that tests may change at any moment; the defaults are those of a fresh 9.2.7 on MariaDB."""

    version: str = "9.2.7"
    page_cap: int = 200
    """The most rows in a page, and how many come when the request does not say (`recordListMaxSizeLimit`)."""
    text_cut: int = 10000
    """Where texts end in a list with selected attributes; 0 cuts nothing."""
    database: Literal["mariadb", "postgresql"] = "mariadb"
    """PostgreSQL refuses values of the wrong type and compares texts exactly."""
    id_type: Literal["hex17", "uuid4"] = "hex17"
    """How ids look; set it before the first record is touched."""
    maintenance: bool = False
    ignore_where: bool = False
    """Answer as if no filter had been sent."""
    ignore_order: bool = False
    """Answer in an order of its own."""
    token_idle_hours: float = 48.0
    token_epoch: int = 0
    """Tokens of an earlier epoch are dead: add 1 to log everybody out."""
    login_failures: int = 10
    login_window_seconds: int = 60
    """After more failures than this within the window, an address is refused."""
    hidden_fields: dict[str, set[str]] = field(default_factory=dict)
    """Fields by entity type that no role but the administrator's may read."""
    uncounted: set[str] = field(default_factory=set)
    """Further entity types whose lists carry no total."""
    without_modified_at: set[str] = field(default_factory=set)
    """Entity types that have no modifiedAt at all."""
    denied: set[str] = field(default_factory=set)
    """Entity types that only administrators may read."""
    broken: set[str] = field(default_factory=set)
    """Entity types whose lists and records answer 500 without a reason."""
    without_controller: set[str] = field(default_factory=set)
    """Entity types that are in the metadata but answer 404."""
    action_history: bool = True
    """Whether reads and writes of single records are written down."""

    def since(self, version: str) -> bool:
        """Tell whether this system is at least of a version."""
        return _parts(self.version) >= _parts(version)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def unborn(switches: EspoCRMSwitches, entity: str) -> frozenset[str]:
    """Name the attributes that this version, or this system, does not have."""
    names = {"modifiedAt"} if entity in switches.without_modified_at else set()
    if not switches.since("9.0"):
        names |= {"streamUpdatedAt", "isStarred", "versionNumber"}
    return frozenset(names)
