"""Keep deliveries, and tell whose profiles have changed."""

from alembic import op

from adapters.db.migrations.online import build_index

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DELIVERIES = """
create sequence delivery_ids;
create table lane (
    incident_id bigint not null,
    destination_id bigint not null,
    newest bigint not null,
    upto bigint,
    due timestamptz not null default now(),
    leased_until timestamptz not null default '-infinity',
    tried timestamptz not null default '-infinity',
    attempt int not null default 0,
    failures int not null default 0,
    route text not null,
    constraint pk_lane primary key (incident_id, destination_id)
);
create index lane_due on lane (route, due);

create table delivery (
    id bigint default nextval('delivery_ids') constraint pk_delivery primary key,
    incident_id bigint not null,
    event_id bigint,
    destination_id bigint not null,
    owner_id bigint not null,
    merged_into bigint,
    created timestamptz not null default now(),
    since timestamptz not null default now(),
    finished timestamptz,
    version int not null,
    medium text not null,
    status text not null,
    address text not null,
    reason text not null,
    profiles json not null
);
create index delivery_incident on delivery (incident_id, id);
create index delivery_owner on delivery (owner_id, id);
create index delivery_waiting on delivery (incident_id, destination_id, id) where status = 'waiting';

create table attempt (
    created timestamptz not null default clock_timestamp(),
    delivery_id bigint not null,
    number int not null,
    seconds double precision not null,
    outcome text not null,
    answer text not null,
    constraint pk_attempt primary key (created, delivery_id, number)
);
create index attempt_delivery on attempt (delivery_id);
"""

# Queues have few rows and many deletions: their dead rows are to go soon.
QUEUES = """
alter table outbox set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
alter table lane set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
"""

# Until now nobody read the outbox: what lies in it is nobody's news any more.
PAST = "delete from outbox"

GENERATIONS = """
alter table account add generation bigint not null default 0;
create index account_generation on account (generation);
"""


def upgrade() -> None:
    build_index("event_received", "event (received)")
    for statement in (DELIVERIES, QUEUES, PAST, GENERATIONS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop index event_received")
    op.execute("alter table account drop generation")
    for table in ("outbox", "lane"):
        op.execute(f"alter table {table} reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay)")
    op.execute("drop table attempt, delivery, lane")
    op.execute("drop sequence delivery_ids")
