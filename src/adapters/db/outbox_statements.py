"""
The statements of the outbox, each one round trip.

A lane is locked before anything in it is changed, and read as it is then: what is added to it meanwhile shows in its column `newest`,
though not among the deliveries that the statement sees. So `newest` grows whenever something waits in it that did not, also if that is an
older delivery that is tried again; what was in it when it was taken is `upto`.
"""

# ruff: noqa: S608 - values travel as parameters; what is put together here are our own words

from argus_core.domain.deliveries import AT_MOST_EVERY, PAUSES, TESTS
from argus_core.domain.holds import Keeper

# Of each incident the earliest event alone: while somebody is at it, the later ones are seen not to be the earliest, and left alone too.
_EARLIEST = """(o.due is null or o.due <= now())
        and not exists (select from outbox p where p.incident_id = o.incident_id and p.version < o.version)"""
# An incident is urgent or not, with all its events: those in two halves have none in common.
CLAIM_URGENT = f"""
        select o.incident_id, o.version from (select distinct incident_id from outbox where urgent) q join outbox o using (incident_id)
        where {_EARLIEST}
        order by o.incident_id, o.version limit %(urgent)s for update of o skip locked"""
CLAIM = f"""
    with u as materialized ({CLAIM_URGENT}
    ),
    r as materialized (
        select o.incident_id, o.version from outbox o
        where not exists (select from outbox q where q.incident_id = o.incident_id and q.urgent) and {_EARLIEST}
        order by o.incident_id, o.version limit %(most)s - (select count(*) from u) for update of o skip locked
    )
    select * from u union all select * from r"""

_PATIENCE = ", ".join(f"'{pause.total_seconds()} s'" for pause in PAUSES)
PUT_ASIDE = f"""
    update outbox o set failures = o.failures + 1, reason = w.reason,
        due = now() + (array[{_PATIENCE}]::interval[])[least(o.failures + 1, {len(PAUSES)})]
    from unnest(%s::bigint[], %s::int[], %s::text[]) as w (incident_id, version, reason)
    where o.incident_id = w.incident_id and o.version = w.version"""
ASIDE = """
    select incident_id, version, failures, reason, due from outbox where due is not null
    order by incident_id, version limit %(most)s"""

_PUT_OFF = ", ".join(f"'{keeper.value}'" for keeper in Keeper if keeper.waits_for_quiet)
_ORDERED = f"""
    o as (
        select * from json_to_recordset(%(orders)s::json) as o (incident_id bigint, event_id bigint, version int, destination_id bigint,
            owner_id bigint, medium text, address text, route text, profiles json, status text, reason text, maintenance_id bigint,
            kept_by text, subject_id bigint, urgent bool, due timestamptz, put_off bool, title text)
    ),
    d as (
        insert into delivery (incident_id, event_id, version, destination_id, owner_id, medium, address, profiles, status, reason,
            maintenance_id, kept_by, subject_id, urgent, finished)
        select incident_id, event_id, version, destination_id, owner_id, medium, address, profiles, status, reason, maintenance_id,
            kept_by, subject_id, coalesce(urgent, false), case when status <> 'waiting' then now() end
        from o order by incident_id, destination_id
        returning id, incident_id, destination_id, status
    ),
    l as (
        insert into lane (incident_id, destination_id, newest, route, urgent)
        select d.incident_id, d.destination_id, d.id, o.route, coalesce(o.urgent, false)
        from d join o using (incident_id, destination_id) where d.status = 'waiting'
        order by incident_id, destination_id
        on conflict (incident_id, destination_id) do update set newest = excluded.newest, route = excluded.route,
            urgent = lane.urgent or excluded.urgent,
            due = least(lane.due, greatest(now(), lane.tried + interval '{AT_MOST_EVERY.total_seconds()} s'))
    ),
    r as (
        insert into roundup (destination_id, kept_by, subject_id, due, title)
        select destination_id, kept_by, subject_id, case when bool_or(put_off) then max(due) else min(due) end, max(title)
        from o where due is not null group by 1, 2, 3 order by 1, 2, 3
        on conflict (destination_id, kept_by, subject_id) do update set title = excluded.title,
            due = case when excluded.kept_by in ({_PUT_OFF}) then greatest(roundup.due, excluded.due)
                else least(roundup.due, excluded.due) end
    )"""
DECIDE = f"""
    with {_ORDERED},
    x as (
        delete from outbox using unnest(%(incidents)s::bigint[], %(versions)s::int[]) as w (incident_id, version)
        where outbox.incident_id = w.incident_id and outbox.version = w.version
    ),
    t as (
        insert into timer (incident_id, kind, subject_id, due)
        select t.incident_id, t.kind, t.subject_id, t.due
        from json_to_recordset(%(timers)s::json) as t (incident_id bigint, kind text, subject_id bigint, due timestamptz) order by 1, 2, 3
        on conflict (incident_id, kind, subject_id) do update set due = excluded.due
    )
    select"""
ORDER = f"with {_ORDERED} select id from d order by id"

_KEPT_BACK = "status = 'suppressed' and merged_into is null"
TOLD = f"""
    select distinct incident_id, destination_id from delivery where incident_id = any(%s) and not ({_KEPT_BACK})"""
HEARD = f"""
    select distinct on (d.incident_id, d.destination_id, p.id) d.incident_id, d.destination_id, p.id, e.type
    from delivery d join event e on e.id = d.event_id
    cross join lateral (select (profile ->> 0)::bigint as id from json_array_elements(d.profiles) as e (profile)) p
    where d.incident_id = any(%s) and not ({_KEPT_BACK}) order by d.incident_id, d.destination_id, p.id, d.version desc"""
# From one maintenance to the next by index: there are few of them, and maybe many deliveries.
KEPT_BACK = f"""
    with recursive r as (
        (select maintenance_id from delivery where {_KEPT_BACK} order by maintenance_id limit 1)
        union all
        select (select d.maintenance_id from delivery d where {_KEPT_BACK} and d.maintenance_id > r.maintenance_id
            order by d.maintenance_id limit 1)
        from r where r.maintenance_id is not null
    )
    select maintenance_id from r where maintenance_id is not null"""
IS_DECIDED = """
    select not exists (
        select from outbox o where o.created <= now() - %(age)s::interval
        and not exists (select from outbox p where p.incident_id = o.incident_id and p.due is not null))"""

# Whoever is faster takes all of it; nobody else finds anything then. A roundup has a lane of its own, numbered like it with a minus. `s` is
# what goes into which: its `place` tells roundups apart.
_ROUNDED_UP = """
    p as (
        select place, json_agg(profile order by profile_id) as profiles from (
            select distinct on (s.place, (profile ->> 0)::bigint) s.place, (profile ->> 0)::bigint as profile_id, profile
            from s, json_array_elements(s.profiles) as e (profile) order by s.place, (profile ->> 0)::bigint, s.id desc
        ) p group by place
    ),
    g as materialized (
        select nextval('delivery_ids') as id, n.* from (
            select distinct on (place) place, destination_id, owner_id, medium, address, maintenance_id, kept_by, subject_id, title
            from s order by place, id desc
        ) n
    ),
    d as (
        insert into delivery (id, incident_id, version, destination_id, owner_id, medium, address, profiles, status, reason,
            maintenance_id, kept_by, subject_id, title)
        select g.id, -g.id, 0, g.destination_id, g.owner_id, g.medium, g.address, coalesce(p.profiles, '[]'), 'waiting', '',
            g.maintenance_id, g.kept_by, g.subject_id, g.title
        from g left join p using (place)
    ),
    l as (
        insert into lane (incident_id, destination_id, newest, route)
        select -g.id, g.destination_id, g.id, coalesce(%(routes)s::json ->> g.destination_id::text, g.medium || ':') from g
    ),
    u as (
        update delivery set merged_into = g.id from s join g using (place) where delivery.id = s.id
    )
    select count(*) from g"""
ROUND_UP = f"""
    with s as materialized (
        select id, destination_id as place, destination_id, owner_id, medium, address, profiles, maintenance_id, kept_by, subject_id,
            %(title)s as title
        from delivery where maintenance_id = %(maintenance)s and {_KEPT_BACK} order by id for update
    ),{_ROUNDED_UP}"""
# What ends is counted, so it has a row; rows are locked in one order.
NEW_FLAPS = "insert into flap (key) select unnest(%s::bigint[]) order by 1 on conflict do nothing"
FLAPS = "select key, ended, changed, until from flap where key = any(%s) order by key for update"
KEEP_FLAPS = """
    update flap set ended = w.ended::timestamptz[], changed = w.changed, until = w.until
    from unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[]) as w (key, ended, changed, until) where flap.key = w.key"""
FLAPPING = "select key from flap where key = any(%(keys)s) and until > now()"
FORGET_FLAPS = "delete from flap where changed < now() - (%s::interval[])[1]"
HAS_DUE = "select exists (select from roundup where due <= now())"
# The rows are locked before what is kept back is read, by another statement: whoever keeps more back has locked them meanwhile, or waits.
DUE = """
    select destination_id, kept_by, subject_id, title from roundup
    where due <= now() order by due, destination_id limit %s for update skip locked"""
# What `digests.is_left_out` says: it began among what was kept back, and is over.
LEAVE_OUT = f"""
    with w as (
        select * from unnest(%(destinations)s::bigint[], %(keepers)s::text[], %(subjects)s::bigint[])
            as w (destination_id, kept_by, subject_id) where kept_by = 'digest'
    ),
    k as (
        select d.destination_id, d.subject_id, d.incident_id, array_agg(d.id) as ids
        from w join delivery d on d.destination_id = w.destination_id and d.kept_by = w.kept_by and d.subject_id = w.subject_id
        where {_KEPT_BACK} group by 1, 2, 3 having min(d.version) = 1
    )
    update delivery set status = 'dropped', reason = %(why)s, finished = now()
    from k join incident i on i.id = k.incident_id
    where delivery.id = any(k.ids) and i.stateful and i.end_time <= now()"""
ROUND_UP_DUE = f"""
    with w as (
        select * from unnest(%(destinations)s::bigint[], %(keepers)s::text[], %(subjects)s::bigint[], %(titles)s::text[])
            with ordinality as w (destination_id, kept_by, subject_id, title, place)
    ),
    x as (
        delete from roundup using w
        where roundup.destination_id = w.destination_id and roundup.kept_by = w.kept_by and roundup.subject_id = w.subject_id
    ),
    s as materialized (
        select d.id, w.place, d.destination_id, d.owner_id, d.medium, d.address, d.profiles, d.maintenance_id, d.kept_by, d.subject_id,
            w.title
        from w join delivery d on d.destination_id = w.destination_id and d.kept_by = w.kept_by and d.subject_id = w.subject_id
        where {_KEPT_BACK} order by d.id for update of d
    ),{_ROUNDED_UP}"""
# As they are now, and whether their first event is among what was kept back.
ROUNDED_UP = """
    select d.merged_into, d.incident_id, min(d.version) = 1, i.version, now() from delivery d join incident i on i.id = d.incident_id
    where d.merged_into = any(%s) and d.status = 'suppressed' group by d.merged_into, d.incident_id, i.version order by 1, 2"""

# Whoever orders tests waits for others who do so for the same user, in other processes too.
ONE_TESTER = "select from account where id = %s for no key update"
TESTED = """
    select created + %(within)s::interval - now() from delivery
    where incident_id = 0 and owner_id = %(owner)s and created > now() - %(within)s::interval
    order by created desc offset %(before)s limit 1"""

# From one route to the next by index: there are few of them, and maybe many lanes.
ROUTES = """
    with recursive r as (
        (select route from lane order by route limit 1)
        union all
        select (select l.route from lane l where l.route > r.route order by l.route limit 1) from r where r.route is not null
    )
    select route from r where route is not null"""

# First those that are urgent, then of the others as many as there is room for after them; what is spare is for the urgent ones alone.
_DUE = """
    r as (
        select * from unnest(%(routes)s::text[], %(rooms)s::int[], %(shares)s::int[], %(spares)s::int[]) as r (route, room, share, spare)
    ),
    u as materialized (
        select l.* from r, lateral (
            select * from lane where lane.route = r.route and lane.urgent and lane.due <= now() and lane.leased_until <= now()
            order by lane.due limit r.share + r.spare for update skip locked
        ) l
    ),
    l as materialized (
        select * from u
        union all
        select l.* from r, lateral (
            select * from lane where lane.route = r.route and not lane.urgent and lane.due <= now() and lane.leased_until <= now()
            order by lane.due limit r.room - greatest((select count(*) from u where u.route = r.route) - r.spare, 0)
            for update skip locked
        ) l
    )"""
# Of arrays it is expected that they are short: so it finds each lane by its key, and does not read all lanes to find a few.
TAKE = f"""
    with {_DUE},
    c as (
        select * from unnest(array(select incident_id from l), array(select destination_id from l), array(select upto is not null from l))
            as c (incident_id, destination_id, repeats)
    )
    update lane l
    set attempt = l.attempt + 1, leased_until = now() + %(lease)s::interval, tried = now(), upto = coalesce(l.upto, l.newest)
    from c where l.incident_id = c.incident_id and l.destination_id = c.destination_id
    returning l.incident_id, l.destination_id, l.route, l.attempt, l.failures, c.repeats, l.upto"""

# With a budget lanes are looked at first, then what went to their destinations; both stay locked until it is written what becomes of them.
CANDIDATES = f"""
    with {_DUE}
    select l.incident_id, l.destination_id, l.upto is not null, l.incident_id = {TESTS} or exists (
            select from delivery d where d.incident_id = l.incident_id and d.destination_id = l.destination_id
            and d.status = 'waiting' and d.urgent),
        exists (
            select from delivery d where d.incident_id = l.incident_id and d.destination_id = l.destination_id
            and d.status = 'suppressed' and d.kept_by = 'budget' and (d.version = 1 or not exists (
                select from delivery e where e.incident_id = d.incident_id and e.destination_id = d.destination_id
                and e.id < d.id and e.status not in ('suppressed', 'waiting'))))
    from l order by l.due, l.incident_id, l.destination_id"""
NEW_PURSES = "insert into purse (destination_id) select unnest(%s::bigint[]) order by 1 on conflict do nothing"
# Times are read after the last row was locked, so no moment is counted that lies before one that was counted already.
PURSES = """
    with p as materialized (
        select destination_id, sent, closed_until from purse where destination_id = any(%s) order by destination_id for update
    ),
    n as materialized (select count(*) from p)
    select p.*, clock_timestamp() from n, p"""
SPEND = """
    update purse set sent = w.sent::timestamptz[], closed_until = w.closed_until
    from unnest(%s::bigint[], %s::text[], %s::timestamptz[]) as w (destination_id, sent, closed_until)
    where purse.destination_id = w.destination_id"""
REFUND = """
    update purse set sent = sent[:array_position(sent, w.at) - 1] || sent[array_position(sent, w.at) + 1:]
    from unnest(%s::bigint[], %s::timestamptz[]) as w (destination_id, at)
    where purse.destination_id = w.destination_id and array_position(sent, w.at) is not null"""
PUT_OFF = """
    update lane set due = w.due from unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) as w (incident_id, destination_id, due)
    where lane.incident_id = w.incident_id and lane.destination_id = w.destination_id"""
CLAIM_LANES = """
    update lane l
    set attempt = l.attempt + 1, leased_until = now() + %s::interval, tried = now(), upto = coalesce(l.upto, l.newest)
    from unnest(%s::bigint[], %s::bigint[], %s::bool[]) as c (incident_id, destination_id, repeats)
    where l.incident_id = c.incident_id and l.destination_id = c.destination_id
    returning l.incident_id, l.destination_id, l.route, l.attempt, l.failures, c.repeats, l.upto"""
HOLD = """
    with w as (
        select * from unnest(%(incidents)s::bigint[], %(destinations)s::bigint[], %(dues)s::timestamptz[])
            as w (incident_id, destination_id, due)
    ),
    d as (
        update delivery set status = 'suppressed', reason = %(reason)s, kept_by = %(keeper)s, subject_id = %(subject)s, finished = now()
        from w where delivery.incident_id = w.incident_id and delivery.destination_id = w.destination_id and delivery.status = 'waiting'
        returning delivery.destination_id, w.due
    ),
    x as (
        delete from lane using w where lane.incident_id = w.incident_id and lane.destination_id = w.destination_id
    )
    insert into roundup (destination_id, kept_by, subject_id, due, title)
    select destination_id, %(keeper)s, %(subject)s, min(due), %(title)s from d group by destination_id order by destination_id
    on conflict (destination_id, kept_by, subject_id) do update set title = excluded.title, due = least(roundup.due, excluded.due)"""

_DELIVERY = """d.id, d.incident_id, d.event_id, d.version, d.destination_id, d.owner_id, d.medium, d.address, d.profiles, d.created,
    d.since,
    d.status, d.reason, d.merged_into, d.finished, d.maintenance_id, d.title,
    d.kept_by, d.subject_id, d.urgent"""
WAITING = f"""
    select {_DELIVERY} from unnest(%s::bigint[], %s::bigint[], %s::bigint[]) as w (incident_id, destination_id, upto)
    join delivery d on d.incident_id = w.incident_id and d.destination_id = w.destination_id and d.id <= w.upto
    where d.status = 'waiting' order by d.id"""

OF_DESTINATIONS = """
    select d.id, d.owner_id, d.medium, d.label, d.settings, d.synced from destination d join account u on u.id = d.owner_id
    where d.id = any(%s) and u.active"""

# What is locked is read as it is now, also what has been added to the lane since the statement began.
# Of several sends at once, ordered by lane; `lane` is the place of a delivery's send among them, from 1.
SETTLE = """
    with w as (
        select * from unnest(%(incidents)s::bigint[], %(destinations)s::bigint[], %(attempts)s::int[], %(newest)s::bigint[],
            %(outcomes)s::text[], %(answers)s::text[], %(seconds)s::float[])
            with ordinality as w (incident_id, destination_id, attempt, newest, outcome, answer, seconds, place)
    ),
    l as (
        select w.place, l.incident_id, l.destination_id, l.newest <= coalesce(l.upto, w.newest) as empty
        from w cross join lateral (
            select * from lane where lane.incident_id = w.incident_id and lane.destination_id = w.destination_id
            and lane.attempt = w.attempt for update
        ) l
    ),
    a as (
        insert into attempt (delivery_id, number, outcome, answer, seconds) select newest, attempt, outcome, answer, seconds from w
    ),
    d as (
        update delivery set status = n.status, reason = n.reason, merged_into = n.merged_into, finished = now()
        from l join unnest(%(lanes)s::bigint[], %(ids)s::bigint[], %(statuses)s::text[], %(reasons)s::text[], %(merged)s::bigint[])
            as n (lane, id, status, reason, merged_into) on n.lane = l.place
        where delivery.id = n.id and delivery.status = 'waiting'
    ),
    x as (
        delete from lane using l where lane.incident_id = l.incident_id and lane.destination_id = l.destination_id and l.empty
    ),
    u as (
        update lane set leased_until = now(), due = now(), failures = 0, upto = null
        from l where lane.incident_id = l.incident_id and lane.destination_id = l.destination_id and not l.empty
    )
    select l.place is not null from w left join l using (place) order by w.place"""
FAIL = f"""
    with l as (
        select incident_id, destination_id, newest, tried, newest <= coalesce(upto, %(newest)s) as empty from lane
        where incident_id = %(incident)s and destination_id = %(destination)s and attempt = %(attempt)s for update
    ),
    a as (
        insert into attempt (delivery_id, number, outcome, answer, seconds)
        values (%(newest)s, %(attempt)s, %(outcome)s, %(answer)s, %(seconds)s)
    ),
    u as (
        update lane set leased_until = now(), failures = failures + 1, upto = case when %(unknown)s then upto end,
            due = case when l.empty then now() + %(again)s::interval
                else least(now() + %(again)s::interval, greatest(now(), l.tried + interval '{AT_MOST_EVERY.total_seconds()} s')) end
        from l where lane.incident_id = l.incident_id and lane.destination_id = l.destination_id
    )
    select count(*) from l"""
RELEASE = """
    update lane set leased_until = now(), upto = case when w.repeats then upto end
    from unnest(%s::bigint[], %s::bigint[], %s::int[], %s::bool[]) as w (incident_id, destination_id, attempt, repeats)
    where lane.incident_id = w.incident_id and lane.destination_id = w.destination_id and lane.attempt = w.attempt"""
# Nothing waits in it; unless somebody has just added something, which changes `newest`.
LEAVE = """
    delete from lane using unnest(%s::bigint[], %s::bigint[], %s::int[], %s::bigint[]) as w (incident_id, destination_id, attempt, newest)
    where lane.incident_id = w.incident_id and lane.destination_id = w.destination_id and lane.attempt = w.attempt
    and lane.newest <= w.newest"""

# Lanes are locked first: what is being sent is not taken away under the sender's hands.
_END = """
    u as (
        update lane set upto = null from l where lane.incident_id = l.incident_id and lane.destination_id = l.destination_id
    ),
    d as (
        update delivery d set status = l.status, reason = l.reason, finished = now()
        from l where d.id = any(l.ids) and d.status = 'waiting'
        returning d.id
    )
    select id from d"""
DROP = f"""
    with k as (
        select lane.incident_id, lane.destination_id from lane
        where leased_until <= now() and exists (
            select from delivery d where d.id = any(%(ids)s) and d.status = 'waiting'
            and d.incident_id = lane.incident_id and d.destination_id = lane.destination_id)
        order by 1, 2 for update
    ),
    l as (
        select k.*, 'dropped' as status, %(why)s as reason, array(
            select d.id from delivery d where d.id = any(%(ids)s) and d.incident_id = k.incident_id and d.destination_id = k.destination_id
        ) as ids from k
    ), {_END}"""
GIVE_UP = f"""
    with k as (
        select lane.incident_id, lane.destination_id, lane.route from lane
        where leased_until <= now() and exists (
            select from delivery d where d.status = 'waiting' and d.since <= now() - %(after)s::interval
            and d.incident_id = lane.incident_id and d.destination_id = lane.destination_id)
        order by 1, 2 limit 1000 for update skip locked
    ),
    l as (
        select k.incident_id, k.destination_id, 'given-up' as status, coalesce(%(why)s::json ->> k.route, (
            select a.answer from attempt a join delivery d on d.id = a.delivery_id
            where d.status = 'waiting' and d.incident_id = k.incident_id and d.destination_id = k.destination_id
            order by a.created desc limit 1), '') as reason, array(
            select d.id from delivery d where d.status = 'waiting' and d.since <= now() - %(after)s::interval
            and d.incident_id = k.incident_id and d.destination_id = k.destination_id
        ) as ids from k
    ), {_END}"""
EMPTY = """
    select incident_id, destination_id, attempt, newest from lane
    where leased_until <= now() and not exists (
        select from delivery d
        where d.status = 'waiting' and d.incident_id = lane.incident_id and d.destination_id = lane.destination_id)"""
# Numbers come from one sequence: the next one is newer than all that anybody has seen in a lane.
RETRY = """
    with d as (
        update delivery set status = 'waiting', reason = '', since = now(), finished = null
        where id = any(%(ids)s) and status = any(%(statuses)s)
        returning id, incident_id, destination_id, medium, urgent
    ),
    l as (
        insert into lane (incident_id, destination_id, newest, route, urgent)
        select incident_id, destination_id, max(id), coalesce(%(routes)s::json ->> destination_id::text, min(medium) || ':'),
            bool_or(urgent)
        from d group by incident_id, destination_id order by 1, 2
        on conflict (incident_id, destination_id) do update set newest = nextval('delivery_ids'), due = now(), failures = 0,
            urgent = lane.urgent or excluded.urgent
    )
    select id from d order by id"""

LISTED = (
    f"select {_DELIVERY}, (select e.type from event e where e.id = d.event_id) from delivery d where {{}} order by d.id desc limit %(most)s"
)
ATTEMPTS = """
    select delivery_id, number, created, outcome, answer, seconds from attempt
    where delivery_id = any(%s) order by delivery_id, created, number"""
WITHHELD = f"""
    select count(*), count(*) filter (where {_KEPT_BACK}), count(distinct incident_id), count(distinct destination_id) from delivery
    where maintenance_id = %(maintenance)s and status = 'suppressed'
    and (%(owner)s::bigint is null or owner_id = %(owner)s::bigint)"""
HAPPENED = "select incident_id, version from event where received >= %s order by received desc, id desc limit %s"
BACKLOG = """
    select (select count(*) from outbox), (select coalesce(now() - min(created), '0') from outbox),
        count(*), coalesce(now() - min(since), '0') from delivery where status = 'waiting'"""
_OLD = """
    select id from delivery where created <= now() - %(age)s::interval and finished <= now() - %(age)s::interval
    and not (status = 'suppressed' and merged_into is null)
    and not exists (select from delivery w where w.id = delivery.merged_into and w.status = 'waiting')
    order by id limit %(most)s"""
PRUNE = f"""
    with d as (delete from delivery where id in ({_OLD}) returning id),
    a as (delete from attempt where delivery_id in (select id from d))
    select count(*) from d"""
COUNT_OLD = f"select count(*) from ({_OLD}) d"
