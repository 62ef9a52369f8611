"""The demo: two simulated CRMs, loaded over HTTP into output/warehouse.duckdb, changed, and loaded again."""

from __future__ import annotations
