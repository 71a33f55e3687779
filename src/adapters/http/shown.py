"""What all versions of the API show alike: words, addresses, and kinds of values."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from argus_core.domain.incidents import EventType
from argus_core.domain.sources import details_address

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


joined = lru_cache(maxsize=4096)(details_address)
"""Where the details are: pages of incidents repeat few addresses."""
