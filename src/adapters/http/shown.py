"""What all versions of the API show alike: words, addresses, and kinds of values."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urljoin

from msgspec import Meta

from argus_core.domain.incidents import EventType
from argus_core.domain.limits import url_problem

Pk: TypeAlias = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
LevelNumber: TypeAlias = Annotated[int, Meta(ge=1, le=5, description="1 is critical, 5 is information.")]
EndTime: TypeAlias = Annotated[
    object, Meta(extra_json_schema={"anyOf": [{"type": "string", "format": "date-time"}, {"const": "infinity"}, {"type": "null"}]})
]
AnyJson: TypeAlias = Annotated[object, Meta(extra_json_schema={"description": "Any JSON but null."})]
WhatIsWrong: TypeAlias = Annotated[object, Meta(extra_json_schema={"anyOf": [{"$ref": "#/components/schemas/Errors"}, {"type": "null"}]})]
EventCode: TypeAlias = Literal["STA", "END", "CHI", "CLO", "REO", "ACK", "OTH", "LES"]

DISPLAYS = {
    EventType.START: "Incident start",
    EventType.END: "Incident end",
    EventType.CHANGE: "Incident change",
    EventType.CLOSE: "Close",
    EventType.REOPEN: "Reopen",
    EventType.ACKNOWLEDGE: "Acknowledge",
    EventType.OTHER: "Other",
    EventType.STATELESS: "Stateless",
}


@lru_cache(maxsize=4096)
def joined(base_url: str, details_url: str) -> str:
    """Where the details are, seen from the source's address; as it was posted when that makes no address."""
    try:
        address = urljoin(base_url, details_url)
    except ValueError:
        return details_url
    return details_url if url_problem(address) else address
