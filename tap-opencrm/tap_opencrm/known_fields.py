"""What the state of a stream tells of its fields, beside its bookmark: pure functions.

OpenCRM describes no fields, so which custom ones there are is known from records alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_opencrm.records import is_custom

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

_CUSTOM, _IN_EXTRA = "custom_fields", "fields_in_extra"


def custom_fields(state: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the custom fields that earlier runs have seen."""
    return tuple(filter(is_custom, _names(state, _CUSTOM)))


def new_columns(state: Mapping[str, Any], columns: AbstractSet[str]) -> list[str]:
    """Return the fields that have a column now, and are in _extra of records that came before."""
    return sorted(columns & set(_names(state, _IN_EXTRA)))


def noted(state: Mapping[str, Any], columns: AbstractSet[str], unknown: AbstractSet[str]) -> dict[str, Any]:
    """Return what the next run is to know after one that put unknown fields into _extra."""
    return {
        _CUSTOM: sorted(filter(is_custom, columns | unknown)),
        _IN_EXTRA: sorted((unknown | set(_names(state, _IN_EXTRA))) - columns),
    }


def _names(state: Mapping[str, Any], key: str) -> list[str]:
    return [str(name) for name in state.get(key) or ()]
