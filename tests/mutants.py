"""Puts one deliberate defect after another into the packages and shows which test catches each.

Each mutant is a copy of a package with one line changed, put before the real one on the search path; the
named tests must pass without it and fail with it. The exit code is 1 if one survives or no longer applies.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
END_TO_END = "tests/end_to_end"
TRAPS = f"{END_TO_END}/test_traps.py"


@dataclass(frozen=True)
class Mutant:
    """One defect: what it is, where it goes, and the test that must notice."""

    defect: str
    module: str
    before: str
    after: str
    test: str


MUTANTS = (
    Mutant(
        "tap-opencrm: the bookmark is compared with > instead of >=",
        "tap-opencrm/tap_opencrm/incremental.py",
        "return modified >= self._due_from",
        "return modified > self._due_from",
        f"{TRAPS}::test_a_change_in_the_very_second_of_the_bookmark_is_not_missed[opencrm]",
    ),
    Mutant(
        "tap-espocrm: the bookmark is compared with > instead of >=",
        "tap-espocrm/tap_espocrm/paging.py",
        "else at_least(query.order_by, start)",
        "else greater_than(query.order_by, start)",
        f"{TRAPS}::test_a_change_in_the_very_second_of_the_bookmark_is_not_missed[espocrm]",
    ),
    Mutant(
        "tap-espocrm: rows that share a second with the last row of a page are skipped",
        "tap-espocrm/tap_espocrm/paging.py",
        'asked = query.narrowed(after(query.order_by, low, last["id"]))',
        "asked = query.narrowed(greater_than(query.order_by, low))",
        f"{TRAPS}::test_many_changes_in_one_second_go_over_the_edges_of_pages[espocrm]",
    ),
    Mutant(
        "tap-opencrm: the offset advances by the page size instead of by the rows received",
        "tap-opencrm/tap_opencrm/paging.py",
        "self._position = window.start + len(keys)",
        "self._position = window.start + self.page_size",
        "tests/tap_opencrm/test_paging.py",
    ),
    Mutant(
        "tap-opencrm: a list that is known to be incomplete counts as complete",
        "tap-opencrm/tap_opencrm/sweeps.py",
        'if sweep.misses_some and self.config["fail_on_count_mismatch"]:',
        "if False:",
        f"{TRAPS}::test_a_page_that_comes_back_empty_by_mistake_deletes_nothing",
    ),
    Mutant(
        "tap-opencrm: a custom field that gets a column late is left empty in records that came before",
        "tap-opencrm/tap_opencrm/known_fields.py",
        "return sorted(columns & set(_names(state, _IN_EXTRA)))",
        "return []",
        "tests/tap_opencrm/test_discovery.py",
    ),
    Mutant(
        "tap-espocrm: deletes are concluded from the first page of ids",
        "tap-espocrm/tap_espocrm/paging.py",
        "        if page.is_last or not page.rows:\n            return\n        last = page.rows[-1][key]",
        "        return\n        last = page.rows[-1][key]",
        f"{TRAPS}::test_many_changes_in_one_second_go_over_the_edges_of_pages[espocrm]",
    ),
    Mutant(
        "tap-opencrm: the ambiguous hour in autumn is taken for the first of the two",
        "tap-opencrm/tap_opencrm/dates.py",
        "moment.replace(fold=1)",
        "moment.replace(fold=0)",
        "tests/tap_opencrm/test_dates.py",
    ),
    Mutant(
        "tap-espocrm: redirects are followed",
        "tap-espocrm/tap_espocrm/client.py",
        "allow_redirects=False",
        "allow_redirects=True",
        f"{END_TO_END}/test_network.py::test_no_redirect_to_another_origin_is_followed[espocrm-302-port]",
    ),
    Mutant(
        "tap-espocrm: certificates are not checked",
        "tap-espocrm/tap_espocrm/connection.py",
        "session.verify = _authorities(connection.ca_bundle)",
        "session.verify = False",
        f"{END_TO_END}/test_network.py::test_tls_that_cannot_be_trusted_is_refused[espocrm-expired]",
    ),
    Mutant(
        "tap-opencrm: log records are not cleaned of secrets",
        "tap-opencrm/tap_opencrm/redaction.py",
        "clean = redact(text)",
        "clean = text",
        "tests/tap_opencrm/test_safety.py",
    ),
    Mutant(
        "target-duckdb: STATE leaves before the commit",
        "target-duckdb/target_duckdb/commit_queue.py",
        "        self.committer.commit(batch)\n",
        "        if batch.state is not None:\n"
        '            sys.stdout.write(json.dumps(json.loads(batch.state)) + "\\n")\n'
        "            sys.stdout.flush()\n"
        "        self.committer.commit(batch)\n",
        f"{TRAPS}::test_a_run_that_found_the_file_locked_is_made_good_by_the_next",
    ),
    Mutant(
        "target-duckdb: a quotation mark in an identifier is not doubled",
        "target-duckdb/target_duckdb/sql.py",
        """return '"' + name.replace('"', '""') + '"'""",
        """return '"' + name + '"'""",
        f"{TRAPS}::test_hostile_names_of_custom_fields_do_no_harm",
    ),
    Mutant(
        "target-duckdb: of two records with one key in a batch the first wins",
        "target-duckdb/target_duckdb/sql.py",
        "SELECT max(rowid)",
        "SELECT min(rowid)",
        "tests/target_duckdb/test_loads.py",
    ),
    Mutant(
        "target-duckdb: a number that DuckDB would write anew passes for a text",
        "target-duckdb/target_duckdb/staging.py",
        "    if not segment.is_checked:\n        odd +=",
        "    if False:\n        odd +=",
        "tests/target_duckdb/test_straight.py",
    ),
    Mutant(
        "target-duckdb: what comes after a stream has become long counts as looked at",
        "target-duckdb/target_duckdb/streams.py",
        "            self.segment.is_checked = False\n",
        "            self.segment.is_checked = True\n",
        "tests/target_duckdb/test_straight.py",
    ),
    Mutant(
        "target-duckdb: a time of day loses its zone",
        "target-duckdb/target_duckdb/casts.py",
        "AS TIMETZ) AT TIME ZONE 'UTC' AS TIME) END",
        "AS TIME) AS TIME) END",
        "tests/target_duckdb/test_values.py",
    ),
    Mutant(
        "target-duckdb: a stream takes the table of another that asked for the same name",
        "target-duckdb/target_duckdb/tables.py",
        "self.ledger.streams_of(wanted) <= {shape.stream}",
        "True",
        "tests/target_duckdb/test_loads.py",
    ),
    Mutant(
        "target-duckdb: a property takes the column of another of its SCHEMA that differs in case",
        "target-duckdb/target_duckdb/names.py",
        "if owner not in here and folded(name)",
        "if folded(name)",
        "tests/target_duckdb/test_names.py",
    ),
    Mutant(
        "target-duckdb: who has taken a column of other case is not written down",
        "target-duckdb/target_duckdb/names.py",
        "    if not is_own or original_name(text)",
        "    if original_name(text)",
        "tests/target_duckdb/test_names.py",
    ),
    Mutant(
        "target-duckdb: a stream takes the table that another of its batch has just taken",
        "target-duckdb/target_duckdb/tables.py",
        "if own.name and own not in self._places.values():",
        "if own.name:",
        "tests/target_duckdb/test_names.py",
    ),
    Mutant(
        "target-duckdb: flattening goes by the rules that the Singer SDK knows",
        "target-duckdb/target_duckdb/flattening.py",
        'return bool(rule["properties"]) and rule.get("type") in OBJECTS',
        'return "type" in rule',
        "tests/target_duckdb/test_flattening.py",
    ),
    Mutant(
        "target-duckdb: what no rule knows takes the flat name of what one knows",
        "target-duckdb/target_duckdb/flattening.py",
        "if name not in flat and name not in self.properties)",
        "if name not in self._members)",
        "tests/target_duckdb/test_flattening.py",
    ),
    Mutant(
        "target-duckdb: a record is checked once it is taken apart",
        "target-duckdb/target_duckdb/mapping.py",
        "check(exact(record))",
        "check(exact(self._flatteners[way].flatten(record) if self.flattening else record))",
        "tests/target_duckdb/test_flattening.py",
    ),
    Mutant(
        "target-duckdb: validation fetches what a reference names",
        "target-duckdb/target_duckdb/validation.py",
        "VALIDATOR(plain, registry=Registry())",
        "VALIDATOR(plain)",
        "tests/target_duckdb/test_sdk_way.py::test_validation_connects_to_nothing",
    ),
    Mutant(
        "target-duckdb: a version of one stream deletes what another of its alias holds",
        "target-duckdb/target_duckdb/aliases.py",
        "if self._is_deleting and alias",
        "if not self._is_deleting and alias",
        "tests/target_duckdb/test_sdk_way.py::test_versions_of_streams_with_one_alias_delete_nothing",
    ),
    Mutant(
        "target-duckdb: what stands behind a record of a BATCH file takes its place",
        "target-duckdb/target_duckdb/files.py",
        "else BROKEN + line",
        "else line",
        "tests/target_duckdb/test_sdk_way.py::test_what_stands_behind_a_record_in_a_line_of_a_batch_is_no_json",
    ),
    Mutant(
        "target-duckdb: of a stream whose schema changed the latest records are committed first",
        "target-duckdb/target_duckdb/batches.py",
        "return [[step] for step in steps] if may_part",
        "return [[step] for step in steps[::-1]] if may_part",
        "tests/target_duckdb/test_batches.py",
    ),
    Mutant(
        "target-duckdb: a table is altered in a transaction of smaller row groups than its own",
        "target-duckdb/target_duckdb/database.py",
        "if self._row_group < largest:",
        "if self._row_group < largest < rows:",
        "tests/target_duckdb/test_schemas.py",
    ),
    Mutant(
        "target-duckdb: records that go straight in leave the rows they replace",
        "target-duckdb/target_duckdb/sql.py",
        "WHERE t.rowid <= {last} AND {match}",
        "WHERE false AND {match}",
        "tests/target_duckdb/test_straight.py",
    ),
    Mutant(
        "target-duckdb: a record that msgspec refuses goes past its stream map",
        "target-duckdb/target_duckdb/exactjson.py",
        "    try:\n        return json.loads(",
        "    return None\n    try:\n        return json.loads(",
        "tests/target_duckdb/test_sdk_way.py",
    ),
    Mutant(
        "target-duckdb: a folder called id=7 is a value of the records in its files",
        "target-duckdb/target_duckdb/sql.py",
        "hive_partitioning = false",
        "hive_partitioning = true",
        "tests/target_duckdb/test_parquet.py",
    ),
    Mutant(
        "target-duckdb: a double of a Parquet file that is no number goes straight into its table",
        "target-duckdb/target_duckdb/parquet.py",
        '    "DOUBLE": "NOT isfinite({v})",\n',
        '    "DOUBLE": "false",\n',
        "tests/target_duckdb/test_parquet.py",
    ),
    Mutant(
        "target-duckdb: what a schema does not have is forgotten once its name is known",
        "target-duckdb/target_duckdb/strays.py",
        'if raw and raw != b"null":',
        "if False:",
        "tests/target_duckdb/test_strays.py::test_every_value_is_kept_once_as_it_came",
    ),
    Mutant(
        "target-duckdb: STATE comes with the first half of a batch that does not fit into memory",
        "target-duckdb/target_duckdb/batches.py",
        "replace(self, steps=first, state=None, is_final=False)",
        "replace(self, steps=first)",
        "tests/target_duckdb/test_batches.py",
    ),
    Mutant(
        "duckdb-publish: the read copy takes the place of the working file",
        "target-duckdb/target_duckdb/publish/ownership.py",
        "if other := taken.get(here):",
        "if other := taken.get(here.parent):",
        "tests/target_duckdb/test_publish.py",
    ),
    Mutant(
        "target-duckdb: a batch is committed after one that is not",
        "target-duckdb/target_duckdb/commit_queue.py",
        "        if self.failure:\n",
        "        if False:\n",
        "tests/target_duckdb/test_interruptions.py",
    ),
    Mutant(
        "target-duckdb: a block that a kill left half written stays so",
        "target-duckdb/target_duckdb/database.py",
        "file.restore()",
        "pass",
        "tests/target_duckdb/test_doublewrite.py",
    ),
    Mutant(
        "target-duckdb: an old block is put back into a file with a new header",
        "target-duckdb/target_duckdb/doublewrite.py",
        "if file.read(HEADERS) != headers:",
        "if not file.read(HEADERS):",
        "tests/target_duckdb/test_doublewrite.py",
    ),
    Mutant(
        "target-duckdb: deletes beyond belief are carried out",
        "target-duckdb/target_duckdb/deletes.py",
        "lost <= before * self.settings.max_delete_fraction",
        "lost >= 0",
        f"{TRAPS}::test_more_deletes_than_believable_stop_the_run_and_delete_nothing",
    ),
    Mutant(
        "target-duckdb: a record that is alive again stays marked as deleted",
        "target-duckdb/target_duckdb/deletes.py",
        "IS NOT NULL AND {is_alive}{is_not_spared}",
        "IS NOT NULL AND false",
        f"{TRAPS}::test_a_record_restored_without_a_trace_is_unmarked",
    ),
    Mutant(
        "target-duckdb: a batch is committed again because DuckDB failed once it had committed",
        "target-duckdb/target_duckdb/commits.py",
        "if not self.database.is_in_doubt:",
        "if True:",
        "tests/target_duckdb/test_interruptions.py::test_a_commit_that_fails_once_it_is_done_is_not_repeated",
    ),
    Mutant(
        "target-duckdb: an overwrite lets STATE out before its rows count",
        "target-duckdb/target_duckdb/commit_queue.py",
        "if self._is_overwriting and not batch.is_final:",
        "if False:",
        "tests/target_duckdb/test_loads.py",
    ),
    Mutant(
        "target-duckdb: an overwrite lands in whatever table has the name",
        "target-duckdb/target_duckdb/tables.py",
        "left or free_name(place.name + NEW, self._taken(place.schema))",
        "place.name + NEW",
        "tests/target_duckdb/test_loads.py",
    ),
    Mutant(
        "target-duckdb: rows with a key overtake those that wait for a STATE",
        "target-duckdb/target_duckdb/batches.py",
        "(held if group_of(step) in waiting else ready).append(step)",
        "(ready if step.shape.keys else held).append(step)",
        "tests/target_duckdb/test_loads.py",
    ),
    Mutant(
        "target-duckdb: an ACTIVATE_VERSION that is said again of the same live keys counts again",
        "target-duckdb/target_duckdb/loader.py",
        "if known.counted == version:",
        "if False:",
        "tests/target_duckdb/test_deletes.py",
    ),
    Mutant(
        "target-duckdb: live keys that came before the SCHEMA of their stream delete",
        "target-duckdb/target_duckdb/loader.py",
        "if known.is_early:",
        "if False:",
        "tests/target_duckdb/test_deletes.py",
    ),
    Mutant(
        "target-duckdb: a row whose key could not be read in the list of live keys is deleted",
        "target-duckdb/target_duckdb/commits.py",
        "if segment.records_rejected + rejected:",
        "if False:",
        "tests/target_duckdb/test_deletes.py",
    ),
    Mutant(
        "target-duckdb: a batch that is tried again has forgotten that a live key could not be read",
        "target-duckdb/target_duckdb/commits.py",
        "self.deleter.unversioned, self._incomplete = before",
        "self.deleter.unversioned, self._incomplete = (*before[:-1], set())",
        "tests/target_duckdb/test_deletes.py",
    ),
    Mutant(
        "target-duckdb: a version deletes rows though its records broke off",
        "target-duckdb/target_duckdb/loader.py",
        "elif stream.is_whole:",
        "elif True:",
        "tests/target_duckdb/test_deletes.py",
    ),
    Mutant(
        "target-duckdb: columns that a SCHEMA does not have are emptied when their record comes again",
        "target-duckdb/target_duckdb/inserts.py",
        "if unwritten := self._unwritten(table, values):",
        "if unwritten := []:",
        "tests/target_duckdb/test_schemas.py",
    ),
    Mutant(
        "target-duckdb: live keys delete what another run has loaded meanwhile",
        "target-duckdb/target_duckdb/ledger.py",
        "AND s.run_id <> ? AND s.committed_at >= ?",
        "AND s.run_id <> ? AND s.committed_at < ?",
        "tests/target_duckdb/test_deletes.py",
    ),
    Mutant(
        "target-duckdb: a record between two lists is deleted if its schema changes",
        "target-duckdb/target_duckdb/open_batch.py",
        "known.stream == base.stream for known",
        "known == base for known",
        "tests/target_duckdb/test_deletes.py",
    ),
    Mutant(
        "target-duckdb: of two runs that overwrite one table each drops what the other has landed",
        "target-duckdb/target_duckdb/tables.py",
        "elif self.is_overwriting and self._comments.get(table) != self._landing_comment(shape):",
        "elif False:",
        "tests/target_duckdb/test_loads.py",
    ),
    Mutant(
        "target-duckdb: rows go into a file that has lost its name to a compacted one",
        "target-duckdb/target_duckdb/doublewrite.py",
        "return self._descriptor != CLOSED and is_at(self._descriptor, self.path)",
        "return True",
        "tests/target_duckdb/test_interruptions.py",
    ),
    Mutant(
        "target-duckdb: STATE waits for a compaction",
        "target-duckdb/target_duckdb/commit_queue.py",
        "        if batch.state is not None and",
        "        self.committer.compact()\n        if batch.state is not None and",
        "tests/target_duckdb/test_interruptions.py",
    ),
    Mutant(
        "target-duckdb: a signal waits for a compaction",
        "target-duckdb/target_duckdb/session.py",
        "if self._is_leisurely:",
        "if False:",
        "tests/target_duckdb/test_interruptions.py",
    ),
    Mutant(
        "target-duckdb: a signal waits for a commit, however long that takes",
        "target-duckdb/target_duckdb/commit_queue.py",
        "if STOP.is_overdue(GRACE):",
        "if False:",
        "tests/target_duckdb/test_interruptions.py",
    ),
    Mutant(
        "target-duckdb: a file that somebody has just begun is removed",
        "target-duckdb/target_duckdb/stubs.py",
        "BIRTH_SECONDS = 1.0",
        "BIRTH_SECONDS = 0.0",
        "tests/target_duckdb/test_interruptions.py",
    ),
    Mutant(
        "target-duckdb: a version deletes records that came without one",
        "target-duckdb/target_duckdb/deletes.py",
        '"false" if activation.shape.stream in self.unversioned else "true"',
        '"true"',
        "tests/target_duckdb/test_deletes.py",
    ),
    Mutant(
        "target-duckdb: a number rounds an id",
        "target-duckdb/target_duckdb/guards.py",
        "float | EXACT | NUMBER_AS_TEXT",
        "float | NUMBER_AS_TEXT",
        "tests/target_duckdb/test_values.py",
    ),
    Mutant(
        "target-duckdb: a number within an object is put in quotes instead of one under a text",
        "target-duckdb/target_duckdb/misfits.py",
        "if name in after or after[:start]",
        "if after[:start]",
        "tests/target_duckdb/test_misfits.py",
    ),
    Mutant(
        "target-duckdb: a signal waits until all records of a batch have been looked at",
        "target-duckdb/target_duckdb/staging.py",
        "            STOP.check(PATIENCE)\n",
        "",
        "tests/target_duckdb/test_interruptions.py",
    ),
    Mutant(
        "duckdb-publish: two models share a file",
        "target-duckdb/target_duckdb/publish/exports.py",
        "free_name(safe(model), taken)",
        "safe(model)",
        "tests/target_duckdb/test_publish_exports.py",
    ),
    Mutant(
        "duckdb-publish: the last digits of a sum are rounded",
        "target-duckdb/target_duckdb/publish/sql.py",
        "if casts else",
        "if False else",
        "tests/target_duckdb/test_publish_exports.py",
    ),
    Mutant(
        "duckdb-publish: a database that no publisher has made is replaced",
        "target-duckdb/target_duckdb/publish/ownership.py",
        "path.samefile(version) or filecmp",
        "True or filecmp",
        "tests/target_duckdb/test_publish_ownership.py",
    ),
)


def run_tests(tests: list[str], search_path: Path | None = None) -> tuple[bool, str]:
    """Run some tests, with a copy of a package put first; tells whether they passed and what failed."""
    environment = dict(os.environ)
    if search_path:
        environment["PYTHONPATH"] = str(search_path)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not soak", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return done.returncode == 0, failed[0].partition(" - ")[0] if failed else done.stdout[-300:]


def breed(mutant: Mutant, folder: Path) -> bool:
    """Copy the package with the defect in it; tells whether the defect still applies."""
    module = ROOT / mutant.module
    text = module.read_text(encoding="utf-8")
    if text.count(mutant.before) != 1:
        return False
    package = ROOT.joinpath(*Path(mutant.module).parts[:2])
    copy = folder / package.name
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / module.relative_to(package)).write_text(
        text.replace(mutant.before, mutant.after), encoding="utf-8"
    )
    return True


def judge(mutant: Mutant) -> tuple[bool, str]:
    """Put a mutant before its test; tells whether it was caught, and by what."""
    with tempfile.TemporaryDirectory(prefix="crm-mutant-") as folder:
        if not breed(mutant, Path(folder)):
            return False, f"no longer applies to {mutant.module}"
        passed, what = run_tests([mutant.test], Path(folder))
    return not passed, "survived" if passed else what


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Try every mutant whose defect contains one of the arguments, or all."""
    wanted = sys.argv[1:] or [""]
    chosen = [mutant for mutant in MUTANTS if any(word in mutant.defect for word in wanted)]
    passed, what = run_tests(sorted({mutant.test for mutant in chosen}))
    if not passed:
        say(f"the tests fail without any mutant: {what}")
        return 1
    survivors = 0
    for mutant in chosen:
        is_caught, what = judge(mutant)
        survivors += not is_caught
        say(f"{'caught' if is_caught else 'NOT CAUGHT'} | {mutant.defect} | {what}")
    say(f"{len(chosen)} mutants, {survivors} not caught")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
