"""The schema of each stream, one file per stream: the only place where a field is declared."""

from __future__ import annotations

from pathlib import Path

from singer_sdk import SchemaDirectory

SCHEMA_FILES = SchemaDirectory(Path(__file__).parent)
