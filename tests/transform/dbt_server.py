"""Runs dbt again and again: one JSON list of arguments per line in, the nodes that went wrong per line out.

dbt's start costs seconds, so it happens once; each run is a fork, because only its end lets go of the file.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from dbt.cli.main import dbtRunner

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

BAD = {"error", "fail", "warn", "skipped", "runtime error", "partial success"}


def run(manifest: Manifest, arguments: list[str]) -> dict[str, str]:
    """Run dbt; return what went wrong by node."""
    outcome = dbtRunner(manifest).invoke(["--quiet", "--no-write-json", *arguments])
    if outcome.exception is not None:
        return {"dbt": repr(outcome.exception)}
    results = getattr(outcome.result, "results", None) or []
    return {
        result.node.unique_id: f"{result.status}: {result.message}"
        for result in results
        if result.status in BAD
    }


def run_apart(manifest: Manifest, arguments: list[str]) -> str:
    """Run dbt in a fork; return its answer once that has ended and left no log beside the file."""
    inlet, outlet = os.pipe()
    child = os.fork()
    if not child:
        os.close(inlet)
        os.write(outlet, json.dumps(run(manifest, arguments)).encode())
        sys.exit(0)
    os.close(outlet)
    with os.fdopen(inlet) as answers:
        answer = answers.read()
    os.waitpid(child, 0)
    return answer


def main() -> None:
    """Answer on the real stdout, while all that dbt prints goes to stderr."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    manifest = dbtRunner().invoke(["--quiet", "parse"]).result
    for line in sys.stdin:
        print(run_apart(manifest, json.loads(line)), file=replies, flush=True)


if __name__ == "__main__":
    main()
