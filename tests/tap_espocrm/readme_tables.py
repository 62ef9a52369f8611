"""The tables of the README, made from the code. Refresh: `python -m tests.tap_espocrm.readme_tables`."""

from __future__ import annotations

import re
from pathlib import Path

from tap_espocrm.answers import _ANSWERS, Next
from tap_espocrm.field_types import FIELD_TYPES, attribute_name
from tap_espocrm.settings import _PROPERTIES

README = Path(__file__).resolve().parents[2] / "tap-espocrm" / "README.md"

WORDS = {
    Next.RETRY: "try again, up to `max_retries` times",
    Next.GIVE_UP: "the stream fails, the others go on",
    Next.ASK_SHORTER: "ask for fewer attributes at a time and join the rows",
    Next.LOG_IN_AGAIN: "log in again if a token died, else the run ends",
}


def settings_table() -> str:
    rows = ["| setting | what it does | default |", "|---|---|---|"]
    declared = _PROPERTIES.to_dict()  # without what the SDK adds to every tap
    for name, facts in declared["properties"].items():
        default = facts.get("default")
        shown = "" if default is None or default == [] else f"`{str(default).lower()}`"
        secret = " (secret)" if facts.get("secret") else ""
        required = " **(required)**" if name in declared["required"] else ""
        rows.append(f"| `{name}`{secret}{required} | {facts['description']} | {shown} |")
    return "\n".join(rows)


def types_table() -> str:
    rows = ["| field type | attributes of a field `x` | JSON Schema |", "|---|---|---|"]
    for name, known in sorted(FIELD_TYPES.items()):
        attributes = [
            f"`{attribute_name('x', part, is_prefixed=known.is_prefixed)}`"
            + ("¹" if part in known.only_in_single_reads else "")
            for part in known.parts
        ]
        schemas = dict.fromkeys(
            schema["type"][0] + (f" ({schema['format']})" if "format" in schema else "")
            for schema in known.parts.values()
        )
        rows.append(f"| `{name}` | {', '.join(attributes) or 'none'} | {', '.join(schemas) or 'left out'} |")
    return "\n".join(rows)


def answers_table() -> str:
    rows = ["| answer | meaning | what the tap does |", "|---|---|---|"]
    rows += [f"| {status} | {hint} | {WORDS[after]} |" for status, (after, hint) in _ANSWERS.items()]
    return "\n".join(rows)


TABLES = {"settings": settings_table, "types": types_table, "answers": answers_table}


def rendered(text: str) -> str:
    for name, table in TABLES.items():
        marks = rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)"
        text, count = re.subn(marks, lambda m, t=table: m[1] + t() + "\n" + m[2], text, flags=re.DOTALL)
        assert count == 1, name
    return text


if __name__ == "__main__":
    README.write_text(rendered(README.read_text()))
