"""When the disk under the private PostgreSQL is nearly full."""

from pathlib import Path

import pytest

from adapters.http.errors import answer_to
from adapters.http.services import State
from adapters.room import KEPT, LEAST, DiskRoom, room_for
from adapters.settings import Settings
from argus_core.domain.errors import NoRoom

DATA = Path("/var/lib/argus")


class Disk:
    """A disk whose free bytes are set by hand, and a clock."""

    def __init__(self, free=LEAST):
        self.free, self.now, self.looks = free, 0.0, 0
        self.room = DiskRoom(DATA, self.look, lambda: self.now)

    def look(self, _):
        self.looks += 1
        if self.free is None:
            raise FileNotFoundError
        return self.free


def test_there_is_room_down_to_the_least():
    Disk(LEAST).room()

    with pytest.raises(NoRoom):
        Disk(LEAST - 1).room()


def test_it_goes_on_by_itself_when_there_is_room_again():
    disk = Disk(0)
    assert State.FAILED is disk.room.check().state

    disk.free, disk.now = LEAST, KEPT

    disk.room()
    assert State.OK is disk.room.check().state


def test_readiness_names_the_folder():
    assert f"under {DATA}" in Disk(0).room.check().message


def test_the_disk_is_looked_at_once_a_second_however_much_is_asked():
    disk = Disk()
    for _ in range(1000):
        disk.room()

    assert 1 == disk.looks


def test_a_disk_that_does_not_tell_keeps_nobody_out():
    Disk(None).room()


def test_the_disk_of_a_server_of_one_s_own_is_that_server_s_care():
    assert DiskRoom(None) == room_for(Settings(database_url="postgresql://argus@db/argus"))
    assert DiskRoom(DATA) == room_for(Settings(data=DATA))


def test_whoever_is_turned_away_is_told_when_to_come_back():
    answer = answer_to(NoRoom(), "1")

    assert 503 == answer.status
    assert (b"retry-after", b"30") in answer.headers
    assert b"nearly full" in answer.body
