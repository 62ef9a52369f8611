"""Run every benchmark, one after the other: `make bench`. Each says how long it takes and what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run the scripts beside this one; return 1 if one of them failed."""
    scripts = sorted(path for path in Path(__file__).parent.glob("*.py") if path.name != "__main__.py")
    codes = []
    for script in scripts:
        print(f"== {script.stem}", flush=True)
        codes.append(subprocess.run([sys.executable, str(script)], check=False).returncode)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
