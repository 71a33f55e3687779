"""What every user has from the start."""

from datetime import time

from argus_core.domain.destinations import synced_email
from argus_core.domain.ids import DestinationId, TimeslotId, UserId
from argus_core.domain.timeslots import all_the_time


def test_all_the_time_is_every_day_from_midnight_to_midnight():
    slot = all_the_time(TimeslotId(7), UserId(1), "Europe/Oslo")

    (recurrence,) = slot.recurrences
    assert (1, "All the time", "Europe/Oslo") == (slot.owner, slot.name, slot.zone)
    assert ({1, 2, 3, 4, 5, 6, 7}, time(0), time.max) == (recurrence.days, recurrence.start, recurrence.end)


def test_the_synced_destination_is_the_address_of_the_account():
    destination = synced_email(DestinationId(8), UserId(1), "ola@example.org")

    assert (1, "email", {"email_address": "ola@example.org"}, True) == (
        destination.owner,
        destination.medium,
        destination.settings,
        destination.synced,
    )
