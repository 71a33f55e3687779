"""People with profiles: each wants to hear of one customer or, if it is bad enough, of one site."""

import psycopg

PEOPLE = """
    insert into account (id, username, password, first_name, last_name, email, active, staff, superuser)
        select {first} + n, 'person' || n, '', '', '', 'person' || n || '@example.org', true, false, false
        from generate_series(0, {count} - 1) n;
    insert into timeslot (id, owner_id, name, zone) select id, id, 'All the time', 'Europe/Oslo' from account where id >= {first};
    insert into recurrence (timeslot_id, days, start_time, end_time)
        select id, array[1, 2, 3, 4, 5, 6, 7], '00:00', '23:59:59.999999' from account where id >= {first};
    insert into destination (id, owner_id, medium, settings, synced)
        select id, id, 'email', jsonb_build_object('email_address', email), true from account where id >= {first};
    insert into filter (id, owner_id, name, definition)
        select id, id, 'mine', case when id % 5 < 3
            then jsonb_build_object('open', true, 'tags', jsonb_build_array('customer=customer-' || id / 5 % {customers}))
            else jsonb_build_object('max_level', 2, 'tags', jsonb_build_array('location=site-' || id / 5 % {sites})) end
        from account where id >= {first};
    insert into profile (id, owner_id, timeslot_id, active, name) select id, id, id, true, 'mine' from account where id >= {first};
    insert into profile_filter select id, id from account where id >= {first};
    insert into profile_destination select id, id from account where id >= {first};
    update generation set number = number + 1;
    update account set generation = (select number from generation) where id >= {first};
    analyze;
"""
FIRST = 1_000_000
"""Ids of theirs begin here, in every table."""

DUE = """
    select count(*) from incident i
    join filter f on f.definition->'tags'->>0 = any(i.tags) and i.level <= coalesce((f.definition->>'max_level')::int, 5)"""
"""As many deliveries there have to be, of incidents that are open."""


def settle(connection: psycopg.Connection, count: int, *, customers: int, sites: int) -> None:
    """Make so many people, each with an address for mails, a filter and a profile."""
    with connection.transaction():
        connection.execute(PEOPLE.format(first=FIRST, count=count, customers=customers, sites=sites))


def due(connection: psycopg.Connection) -> int:
    """How many deliveries of the incidents that are there have to be."""
    return connection.execute(DUE).fetchone()[0]
