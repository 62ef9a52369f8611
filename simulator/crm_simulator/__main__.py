"""The command line: serve both CRMs until told to stop."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from typing import TYPE_CHECKING

from crm_simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve both CRMs; print one JSON line with their addresses and throwaway credentials."""
    options = _options(arguments)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    simulator = Simulator(seed=options.seed, scale=options.scale, latency=options.latency)
    try:
        simulator.start(opencrm_port=options.opencrm_port, espocrm_port=options.espocrm_port)
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"crm-simulator: cannot listen: {error}\n")
        return 1
    sys.stdout.write(json.dumps(describe(simulator)) + "\n")
    sys.stdout.flush()
    while not stopped.wait(1):
        pass
    simulator.stop()
    return 0


def describe(simulator: Simulator) -> dict[str, dict[str, str]]:
    """Give what a client needs to know of both CRMs."""
    return {
        "opencrm": {"url": simulator.opencrm.url, **simulator.opencrm.credentials},
        "espocrm": {"url": simulator.espocrm.url, **simulator.espocrm.credentials["api_key"]},
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("crm-simulator", description=main.__doc__)
    parser.add_argument("--opencrm-port", type=int, default=0, help="port of OpenCRM; 0 takes a free one")
    parser.add_argument("--espocrm-port", type=int, default=0, help="port of EspoCRM; 0 takes a free one")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="amount of content; 1 is about 20,000 records"
    )
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same content")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every answer takes longer")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
