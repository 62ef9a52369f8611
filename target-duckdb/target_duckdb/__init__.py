"""Singer target that loads DuckDB fast and loses nothing."""

from __future__ import annotations
