"""One self-contained HTML page of CRM charts, drawn from a DuckDB file."""

from __future__ import annotations
