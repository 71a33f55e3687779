"""The ids of things: 64-bit numbers from 1 on, given before a thing is stored."""

from typing import NewType

UserId = NewType("UserId", int)
SourceId = NewType("SourceId", int)
TokenId = NewType("TokenId", int)
IncidentId = NewType("IncidentId", int)
EventId = NewType("EventId", int)
TimeslotId = NewType("TimeslotId", int)
FilterId = NewType("FilterId", int)
DestinationId = NewType("DestinationId", int)
ProfileId = NewType("ProfileId", int)
DeliveryId = NewType("DeliveryId", int)
SessionId = NewType("SessionId", int)
MaintenanceId = NewType("MaintenanceId", int)
