"""Store everybody and what they own at once, under the ids that they have elsewhere."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from adapters.db import belongings as rows
from adapters.db import tables
from adapters.db.accounts import columns_of
from argus_core.domain.accounts import Token, User
from argus_core.domain.destinations import Destination
from argus_core.domain.profiles import Belonging, Profile
from argus_core.domain.saved_filters import SavedFilter
from argus_core.domain.sources import Source
from argus_core.domain.timeslots import Timeslot

_SEQUENCES = (
    (tables.account_ids, (tables.account,)),
    (tables.source_ids, (tables.source,)),
    (tables.token_ids, (tables.token,)),
    (tables.belonging_ids, (tables.timeslot, tables.filter_, tables.destination, tables.profile)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Everybody, and what they own."""

    users: tuple[User, ...]
    tokens: tuple[Token, ...]
    source_types: tuple[str, ...]
    sources: tuple[Source, ...]
    belongings: tuple[Belonging, ...]


class Taken(Exception):
    """Somebody or something is there already; the message says what."""


def free_ids(connection: sa.Connection, sequence: sa.Sequence, above: Iterable[int] = ()) -> Iterator[int]:
    """Ids that the sequence has not given yet, greater than these."""
    return count(max([int(connection.execute(_last(sequence)).scalar_one()), *above]) + 1)


def settle(connection: sa.Connection, population: Population) -> None:
    """
    Store everybody, and let the ids that are given later come after theirs. It happens in the transaction of the connection.

    Raises:
        Taken: an id or a name is.
    """
    _check_free(connection, "user", tables.account.c.id, [user.id for user in population.users])
    _check_free(connection, "user", tables.account.c.username, [user.username for user in population.users])
    _check_free(connection, "source", tables.source.c.id, [source.id for source in population.sources])
    generation = tables.generation.c.number
    number = connection.execute(sa.update(tables.generation).values(number=generation + 1).returning(generation)).scalar_one()
    _insert(connection, sa.insert(tables.account), [columns_of(user) | {"generation": number} for user in population.users])
    _insert(connection, sa.insert(tables.token), map(columns_of, population.tokens))
    _insert(connection, pg.insert(tables.source_type).on_conflict_do_nothing(), [{"name": name} for name in population.source_types])
    _insert(connection, sa.insert(tables.source), map(columns_of, population.sources))
    _own(connection, population.belongings)
    for sequence, of in _SEQUENCES:
        newest = [sa.select(sa.func.max(table.c.id)).scalar_subquery() for table in of]
        connection.execute(sa.select(sa.func.setval(sequence.name, sa.func.greatest(_last(sequence).scalar_subquery(), *newest))))


def _own(connection: sa.Connection, belongings: Sequence[Belonging]) -> None:
    timeslots = [thing for thing in belongings if isinstance(thing, Timeslot)]
    profiles = [thing for thing in belongings if isinstance(thing, Profile)]
    filters = [rows.filter_columns(thing) for thing in belongings if isinstance(thing, SavedFilter)]
    destinations = [rows.destination_columns(thing) for thing in belongings if isinstance(thing, Destination)]
    _insert(connection, sa.insert(tables.timeslot), map(rows.timeslot_columns, timeslots))
    _insert(connection, sa.insert(tables.recurrence), [columns for thing in timeslots for columns in rows.recurrence_columns(thing)])
    _insert(connection, sa.insert(tables.filter_), filters)
    _insert(connection, sa.insert(tables.destination), destinations)
    _insert(connection, sa.insert(tables.profile), map(rows.profile_columns, profiles))
    _insert(connection, sa.insert(tables.profile_filter), [columns for thing in profiles for columns in rows.filter_links(thing)])
    _insert(connection, sa.insert(tables.profile_destination), [columns for thing in profiles for columns in rows.destination_links(thing)])


def _insert(connection: sa.Connection, insert: sa.Insert, columns: Iterable[rows.Columns]) -> None:
    values = list(columns)
    if values:
        connection.execute(insert, values)


def _check_free(connection: sa.Connection, what: str, column: sa.Column[Any], values: Sequence[object]) -> None:
    wanted = sa.literal(list(values), pg.ARRAY(column.type))
    found = connection.execute(sa.select(column).where(column == sa.any_(wanted)).limit(1)).scalar()
    if found is not None:
        raise Taken(f"The database holds a {what} with the {column.name} {found} already.")


def _last(sequence: sa.Sequence) -> sa.Select[int]:
    return sa.select(sa.column("last_value", sa.BigInteger)).select_from(sa.table(sequence.name))
