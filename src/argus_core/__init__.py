"""
Argus as a library: incidents, their journal, and the rules of how they change. It needs the standard library only.

What is exported here is what embedders may rely on; stores in dicts are in `argus_core.memory`, the suites that hold a store to its
contract in `argus_core.conformance`.
"""

from argus_core.domain.actors import Actor, Person
from argus_core.domain.errors import DomainError, Invalid, NotAllowed, NotAllowedNow, NotFound
from argus_core.domain.ids import EventId, IncidentId, SourceId, TokenId, UserId
from argus_core.domain.incidents import Acknowledgement, Event, EventType, Incident, Level, as_of, fold
from argus_core.domain.sources import Source
from argus_core.domain.tags import Tag, TagOn
from argus_core.domain.transitions import Change, Edit, IncidentReport
from argus_core.ports.incidents import Appended, Incidents
from argus_core.usecases.accounts import AccountService
from argus_core.usecases.incidents import IncidentService

__all__ = [
    "AccountService",
    "Acknowledgement",
    "Actor",
    "Appended",
    "Change",
    "DomainError",
    "Edit",
    "Event",
    "EventId",
    "EventType",
    "Incident",
    "IncidentId",
    "IncidentReport",
    "IncidentService",
    "Incidents",
    "Invalid",
    "Level",
    "NotAllowed",
    "NotAllowedNow",
    "NotFound",
    "Person",
    "Source",
    "SourceId",
    "Tag",
    "TagOn",
    "TokenId",
    "UserId",
    "as_of",
    "fold",
]
