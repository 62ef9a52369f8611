"""The schema of each stream, one file per stream: the only place where a field is declared."""
