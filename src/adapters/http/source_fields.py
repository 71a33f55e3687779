"""The fields of sources and their types; see `fields`."""

from typing import NamedTuple

from adapters.http import fields
from adapters.http.bodies import ApiRequest
from adapters.http.bodies import fields as body_fields
from adapters.http.fields import Fields
from argus_core.domain.limits import KEY_BYTES, URL_BYTES

_source_name = fields.text(most_bytes=KEY_BYTES, blank=False)
_base_url = fields.text(most_bytes=URL_BYTES)


class NewSource(NamedTuple):
    """A source as somebody wants it; without an address it has none, or keeps the one it has."""

    name: str
    type: str
    base_url: str | None


async def source(request: ApiRequest) -> NewSource:
    """A source."""
    taken = Fields(await body_fields(request))
    new = NewSource(
        taken.required("name", _source_name),
        taken.required("type", _type_name),
        taken.optional("base_url", _base_url, None),
    )
    taken.check()
    return new


async def source_type(request: ApiRequest) -> str:
    """The name of a source type."""
    taken = Fields(await body_fields(request))
    name = taken.required("name", _source_name)
    taken.check()
    return name


def _type_name(value: object) -> str:
    """A type as answers show it, `{"name": "nav"}`, or its name alone."""
    return fields.nested(lambda taken: taken.required("name", _source_name))(value) if isinstance(value, dict) else _source_name(value)
