"""Two CRMs that people work in: random but reproducible changes, and how each is read and compared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crm_simulator import Clock, Fault, Simulator

from tests import figures
from tests.end_to_end import truth
from tests.end_to_end.pipeline import Kill, Launcher, Outcome, Pipeline, load
from tests.end_to_end.warehouse import Warehouse, is_torn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

FAULTS: dict[str, Callable[[], Fault]] = {
    "429": lambda: Fault("status", 429, {"Retry-After": "0"}),
    "500": lambda: Fault("status", 500),
    "503": lambda: Fault("status", 503, {"Retry-After": "0"}),
    "reset": lambda: Fault("reset"),
    "truncate": lambda: Fault("truncate"),
    "html": lambda: Fault("html"),
    "empty": lambda: Fault("empty"),
    "not_json": lambda: Fault("not_json"),
    "slow": lambda: Fault("slow", seconds=0.05),
}


@dataclass
class World(ABC):
    """One CRM, its pipeline into a warehouse of its own, and the people who change things in it."""

    simulator: Simulator
    pipeline: Pipeline
    entities: tuple[str, ...]
    deleted: list[tuple[str, str]] = field(default_factory=list)
    restored: set[str] = field(default_factory=set)
    """Ids of records that were brought back without a trace."""

    crm_name = ""
    tap = ""

    @property
    def crm(self) -> Any:
        return getattr(self.simulator, self.crm_name)

    @property
    def path(self) -> Path:
        return self.pipeline.folder / "warehouse.duckdb"

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.path)

    @classmethod
    def create(
        cls,
        launcher: Launcher,
        folder: Path,
        simulator: Simulator,
        entities: tuple[str, ...],
        **settings: Any,
    ) -> World:
        """Point a tap at its CRM and a target at a new file."""
        crm = getattr(simulator, cls.crm_name)
        target = {
            "path": str(folder / "warehouse.duckdb"),
            "default_target_schema": cls.crm_name,
            "lock_timeout_seconds": 1,
        }
        pipeline = Pipeline(launcher, cls.tap, cls.tap_config(crm, entities) | settings, target, folder)
        return cls(simulator, pipeline, entities)

    @classmethod
    @abstractmethod
    def tap_config(cls, crm: Any, entities: tuple[str, ...]) -> dict[str, Any]:
        """Return the settings of the tap for this CRM."""

    @property
    @abstractmethod
    def table(self) -> str:
        """The table of the first entity."""

    @property
    @abstractmethod
    def list_path(self) -> str:
        """What the requests for the lists of the first entity have in their path."""

    def run(self, kill: Kill | None = None) -> Outcome:
        return self.pipeline.run(kill)

    def make_whole(self) -> None:
        """Have a target that gets no lines undo a write of DuckDB that a kill cut short, if it did."""
        if is_torn(self.path):
            pipeline = self.pipeline
            code, _, said = load(pipeline.launcher, pipeline.target_config, pipeline.folder, [])
            assert (code, is_torn(self.path)) == (0, False), said
            figures.count("Kills", "of which within a write in place, undone by the next run")

    def run_tap(self) -> Outcome:
        return self.pipeline.run_tap()

    @abstractmethod
    def differences(self) -> list[str]:
        """Compare the warehouse with the source, keys and values and ledger."""

    def create_record(self, random: Random) -> None:
        self.crm.store.create(random.choice(self.entities))

    def update_record(self, random: Random) -> None:
        entity, identity = self.pick(random)
        if identity:
            self.crm.store.update(entity, identity, self.new_values(entity, random))

    def tie(self, random: Random) -> None:
        """Change many records in one second."""
        for _ in range(random.randint(2, 9)):
            self.update_record(random)

    def delete_record(self, random: Random) -> None:
        entity, identity = self.pick(random)
        if identity and len(self.crm.store.ids(entity)) > 1:
            self.crm.store.delete(entity, identity)
            self.deleted.append((entity, identity))

    def undelete_record(self, random: Random) -> tuple[str, str] | None:
        """Bring a deleted record back, if there is one."""
        if not self.deleted:
            return None
        entity, identity = self.deleted.pop(random.randrange(len(self.deleted)))
        self.crm.store.undelete(entity, identity)
        return entity, identity

    @abstractmethod
    def relate(self, random: Random) -> None:
        """Relate two records, where this CRM has such relations."""

    @abstractmethod
    def unrelate(self, random: Random) -> None:
        """Part two records, where this CRM has such relations."""

    @abstractmethod
    def add_field(self, random: Random) -> None:
        """Add a custom field and fill it in somewhere."""

    @abstractmethod
    def retype_field(self, random: Random) -> None:
        """Let a field hold values of another kind from now on."""

    @abstractmethod
    def end_session(self, random: Random) -> None:
        """Let every session and token die."""

    def change(self, kind: str, random: Random) -> None:
        """Do one thing people do in a CRM."""
        getattr(self, kind)(random)

    def pick(self, random: Random) -> tuple[str, str | None]:
        entity = random.choice(self.entities)
        ids = sorted(self.crm.store.ids(entity))
        return entity, random.choice(ids) if ids else None

    @abstractmethod
    def new_values(self, entity: str, random: Random) -> dict[str, Any]:
        """Draw values for some fields of an entity."""


FIELD_KINDS: dict[str, tuple[Any, ...]] = {
    "varchar": ("", "twelve", "12", "2024-02-29", None),
    "int": (0, -7, 2**31 - 1, None),
    "float": (0.1, -2.5, None),
    "date": ("2024-02-29", None),
}
CHANGES = (
    "create_record", "update_record", "tie", "delete_record", "undelete_record", "relate", "unrelate",
    "add_field", "retype_field", "end_session",
)  # fmt: skip


class OpenCRMWorld(World):
    """An OpenCRM, read by tap-opencrm."""

    crm_name = "opencrm"
    tap = "tap-opencrm"

    @classmethod
    def tap_config(cls, crm, entities):
        streams = [truth.OPENCRM_STREAMS[entity] for entity in entities]
        return {"url": crm.url, **crm.credentials, "entities": streams, "page_size": 5}

    @property
    def table(self):
        return truth.OPENCRM_STREAMS[self.entities[0]]

    @property
    def list_path(self):
        return f"get_{self.entities[0]}_list"

    def differences(self):
        warehouse = self.warehouse
        return truth.opencrm_differences(self.crm, warehouse, self.entities) + truth.ledger_differences(
            warehouse
        )

    def new_values(self, entity, random):
        kinds = self.crm.store.kinds(entity)
        names = [
            name
            for name, kind in kinds.items()
            if name not in {"modifiedtime", "createdtime", "user_password"}
        ]
        return {name: _text(kinds[name], random) for name in random.sample(names, 3)}

    def relate(self, random):
        """Nothing: OpenCRM tells of no relations."""

    def unrelate(self, random):
        """Nothing: OpenCRM tells of no relations."""

    def add_field(self, random):
        entity, identity = self.pick(random)
        name = f"cf_{random.randint(2000, 2005)}"
        if identity and name not in self.crm.store.kinds(entity):
            self.crm.store.add_field(entity, name, only=[])
            self.crm.store.update(entity, identity, {name: _text("text", random)})

    def retype_field(self, random):
        entity, identity = self.pick(random)
        kinds = self.crm.store.kinds(entity)
        typed = [name for name, kind in kinds.items() if kind in {"int", "money", "flag"}]
        if identity and typed:
            name = random.choice(typed)
            self.crm.store.update(entity, identity, {name: random.choice(("none", "1;2", "n/a", "£12"))})

    def end_session(self, random):
        self.crm.expire_access_keys()


class EspoCRMWorld(World):
    """An EspoCRM, read by tap-espocrm."""

    crm_name = "espocrm"
    tap = "tap-espocrm"
    links: tuple[truth.Link, ...] = (
        ("Contact", "accounts", "contact__accounts", ("contactId", "accountId")),
        ("Opportunity", "contacts", "opportunity__contacts", ("opportunityId", "contactId")),
        ("Meeting", "contacts", "meeting__contacts", ("meetingId", "contactId")),
    )

    @classmethod
    def tap_config(cls, crm, entities):
        return {
            "url": crm.url,
            **crm.credentials["api_key"],
            "entities": list(entities),
            "page_size": 5,
            "notes": False,
        }

    @property
    def table(self):
        return truth.snake_case(self.entities[0])

    @property
    def list_path(self):
        return f"/{self.entities[0]}?"

    @property
    def followed(self):
        return [
            link for link in self.links if {link[0], self.other_side(link[0], link[1])} <= set(self.entities)
        ]

    def other_side(self, entity: str, link: str) -> str:
        return {"accounts": "Account", "contacts": "Contact"}[link]

    def differences(self):
        warehouse = self.warehouse
        found = truth.espocrm_differences(self.crm, warehouse, self.entities, self.restored)
        if self.pipeline.tap_config.get("link_streams", True):
            for link in self.followed:
                found += truth.link_differences(self.crm, warehouse, link)
        return found + truth.ledger_differences(warehouse)

    def new_values(self, entity, random):
        known = {
            "Account": {"name", "description", "industry", "website"},
            "Contact": {"firstName", "lastName", "description", "doNotCall"},
            "Opportunity": {"name", "description", "probability", "closeDate", "amount"},
            "Meeting": {"name", "description", "dateStart"},
            "CEverything": {
                *("fText", "fBool", "fInt", "fFloat", "fDate", "fDatetime"),
                *("fMultiEnum", "fJsonObject", "fCurrencyDecimal", "fEnum"),
            },
        }
        names = sorted(known.get(entity, {"name", "description"}))
        return {name: _value(name, random) for name in random.sample(names, min(3, len(names)))}

    def undelete_record(self, random):
        """Restore a record and save it: restoring alone leaves no trace in EspoCRM (see test_traps)."""
        restored = super().undelete_record(random)
        while restored and not self.crm.store.update(*restored, self.new_values(restored[0], random)):
            pass

    def relate(self, random):
        if self.followed:
            entity, link, _, _ = random.choice(self.followed)
            ends = [sorted(self.crm.store.ids(name)) for name in (entity, self.other_side(entity, link))]
            if all(ends):
                self.crm.store.relate(entity, random.choice(ends[0]), link, random.choice(ends[1]))

    def unrelate(self, random):
        if self.followed:
            entity, link, _, _ = random.choice(self.followed)
            for identity in sorted(self.crm.store.ids(entity)):
                for other in self.crm.store.related(entity, identity, link):
                    self.crm.store.unrelate(entity, identity, link, other)
                    return

    def add_field(self, random):
        entity, identity = self.pick(random)
        name = f"cAdded{random.randint(1, 5)}"
        if identity and name not in self.crm.store.schema.attributes(entity):
            kind = random.choice(tuple(FIELD_KINDS))
            self.crm.store.schema.add_field(entity, f"{name}:{kind}@")
            self.crm.store.update(entity, identity, {name: random.choice(FIELD_KINDS[kind])})

    def retype_field(self, random):
        """Let a field of numbers become one of text; the values stay what they were."""
        entity, identity = self.pick(random)
        fields = self.crm.store.schema.entities[entity].fields
        added = {name: field for name, field in fields.items() if name.startswith("cAdded")}
        numbers = [name for name, field in added.items() if field.type != "varchar"]
        if identity and numbers:
            name = random.choice(numbers)
            self.crm.store.schema.add_field(entity, f"{name}:varchar@/100")
            for row in self.crm.store.rows(entity):
                if row[name] is not None:
                    self.crm.store.touch(entity, row["id"], {name: str(row[name])})
            self.crm.store.update(entity, identity, {name: random.choice(FIELD_KINDS["varchar"])})

    def end_session(self, random):
        self.crm.switches.token_epoch += 1


def _text(kind: str, random: Random) -> str:
    day = f"20{random.randint(10, 39)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"
    drawn = {
        "text": random.choice(
            ("", " ", "plain", "R&amp;D", 'O\'Brien "x"', "é😀\u2028", "a\tb\r\nc", "NULL", "\\N")
        ),
        "flag": random.choice(("0", "1", "")),
        "int": str(random.choice((0, -1, 7, 2**31, 2**53 + 1))),
        "money": random.choice(("0.10", "12345678901234.56", "-3", "", "0.300000000")),
        "date": random.choice((day, "", "0000-00-00", "2026-03-29", "2026-10-25")),
        "datetime": random.choice((f"{day} 12:00:00", "2026-03-29 02:30:00", "2026-10-25 01:30:00", "")),
        "ref": random.choice(("0", "", str(random.randint(1, 3000)))),
    }
    return drawn[kind]


def _value(name: str, random: Random) -> Any:
    drawn = {
        "doNotCall": random.random() < 0.5,
        "fBool": random.random() < 0.5,
        "probability": random.randint(0, 100),
        "closeDate": random.choice(("2026-03-29", "2026-10-25", "2024-02-29")),
        "amount": random.choice((0.1, 1234.56, 99999999.99, None)),
        "dateStart": random.choice(("2026-10-25 00:30:00", "2026-10-25 01:30:00", "2026-03-29 01:30:00")),
        "fDatetime": random.choice(("2026-10-25 00:30:00", "2026-03-29 01:30:00", None)),
        "fDate": random.choice(("2026-03-29", "2026-10-25", None)),
        "fInt": random.choice((0, -1, 2**31 - 1, None)),
        "fFloat": random.choice((0.1, 2.7182818284591, -0.0, 1e15, None)),
        "fCurrencyDecimal": random.choice(("0.0001", "99999999.1234", None)),
        "fMultiEnum": random.choice(([], ["red"], ["red", "Ünïcode, comma"], None)),
        "fJsonObject": random.choice(({}, {"k": {"n": [1, None, "ü"]}}, None)),
        "fEnum": random.choice(("Alpha", "Beta", None)),
        "fText": random.choice(("", "x" * 10_000, "y" * 10_001, "é😀", None)),
        "website": random.choice(("https://example.com/?a=1&b=2", None)),
        "industry": random.choice(("Retail", "", None)),
    }
    return drawn.get(
        name, random.choice(("", "plain", "é😀\u2028", "a\tb\r\nc", "NULL", "'; DROP TABLE x; --", None))
    )


def frozen(moment: str, *, seed: int, scale: float = 0.004) -> Simulator:
    """Start both CRMs at a moment that stands still."""
    return Simulator(seed=seed, scale=scale, clock=Clock.frozen(moment)).start()


WORLDS: dict[str, tuple[type[World], tuple[str, ...]]] = {
    "opencrm": (OpenCRMWorld, ("company", "quote")),
    "espocrm": (EspoCRMWorld, ("Account", "Contact")),
}
