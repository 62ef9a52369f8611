"""The command `duckdb-publish`: a copy of the database for BI tools, which no load ever locks."""

from __future__ import annotations
