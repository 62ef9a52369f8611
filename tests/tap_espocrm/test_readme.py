"""The README says what the code does."""

from __future__ import annotations

import re

from tap_espocrm.settings import SETTINGS

from tests.tap_espocrm.readme_tables import README, rendered


def test_the_tables_of_the_readme_are_up_to_date() -> None:
    text = README.read_text()
    assert text == rendered(text), "run `python -m tests.tap_espocrm.readme_tables`"


def test_every_setting_the_readme_mentions_exists() -> None:
    mentioned = set(re.findall(r'^  "(\w+)":', README.read_text(), flags=re.MULTILINE))
    assert mentioned <= set(SETTINGS["properties"])


def test_every_setting_explains_itself() -> None:
    assert all({"title", "description", "type"} <= set(facts) for facts in SETTINGS["properties"].values())


def test_secrets_are_marked() -> None:
    secret = {name for name, facts in SETTINGS["properties"].items() if facts.get("secret")}
    assert secret == {"api_key", "secret_key", "password"}
