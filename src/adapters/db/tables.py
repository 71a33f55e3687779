"""
The tables, as SQLAlchemy sees them: what migrations are compared with, and what statements on accounts are built from.

Ids come from sequences of their own before a row is written, so that a repeated insert is the same insert.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

Id = sa.BigInteger
Moment = sa.DateTime(timezone=True)
Json = sa.JSON(none_as_null=False)

# Queues have few rows and many deletions: their dead rows are to go soon.
QUEUE = {"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 1000, "autovacuum_vacuum_cost_delay": 0}

incident_ids = sa.Sequence("incident_ids", metadata=metadata)
event_ids = sa.Sequence("event_ids", metadata=metadata)
account_ids = sa.Sequence("account_ids", metadata=metadata)
source_ids = sa.Sequence("source_ids", metadata=metadata)
token_ids = sa.Sequence("token_ids", metadata=metadata)
belonging_ids = sa.Sequence("belonging_ids", metadata=metadata)
delivery_ids = sa.Sequence("delivery_ids", metadata=metadata)
audit_ids = sa.Sequence("audit_ids", metadata=metadata)

# The journal. No foreign keys lead out of these tables: they would cost an eighth of the ingest rate (ADR 0001), and what they would
# guard cannot happen, since sources and accounts are never removed and an event is only written from the RETURNING of its incident.

incident = sa.Table(
    "incident",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("source_id", Id, nullable=False),
    sa.Column("start_time", Moment, nullable=False),
    sa.Column("end_time", Moment),
    sa.Column("received", Moment, nullable=False),
    sa.Column("acked_until", Moment),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("level", sa.SmallInteger, nullable=False),
    sa.Column("stateful", sa.Boolean, nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False),
    sa.Column("source_incident_id", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("details_url", sa.Text, nullable=False),
    sa.Column("ticket_url", sa.Text, nullable=False),
    sa.Column("metadata", Json, nullable=False),
    sa.Column("tags", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("tags_by", pg.ARRAY(Id), nullable=False),
    sa.Column("tags_at", pg.ARRAY(Moment), nullable=False),
    # Room for new versions of a row beside the old one: `version`, `received` and `acked_until` are in no index and change all the time.
    postgresql_with={"fillfactor": 85},
)

# A tag that the statistics do not know counts for half a percent of all incidents, and its few would be sought among all of them by time.
# A text that one description in a hundred holds is found sooner by time than by index, so that has to be seen.
for _column in ("tags", "description"):
    _statistics = sa.DDL(f"alter table incident alter {_column} set statistics 500")  # type: ignore[no-untyped-call] # SQLAlchemy forgot
    sa.event.listen(incident, "after_create", _statistics)

_newest_first = (incident.c.start_time.desc(), incident.c.id.desc())
_endless = sa.and_(incident.c.stateful, incident.c.end_time.is_(None))

sa.Index("incident_start", *_newest_first)
sa.Index("incident_open", *_newest_first, postgresql_where=_endless)
# In other orders: by end, of which there may be none, and by level, the worst last.
sa.Index("incident_end_start", incident.c.end_time, incident.c.start_time, incident.c.id, postgresql_where=incident.c.end_time.is_not(None))
sa.Index(
    "incident_stateless",
    incident.c.start_time,
    incident.c.id,
    postgresql_where=sa.and_(sa.not_(incident.c.stateful), incident.c.end_time.is_(None)),
)
for _name, _which in (("incident_level_endless", _endless), ("incident_level_other", sa.not_(_endless))):
    sa.Index(_name, -incident.c.level, incident.c.start_time, incident.c.id, postgresql_where=_which)
sa.Index("incident_ended_early", *_newest_first, postgresql_where=incident.c.end_time < incident.c.start_time)
sa.Index("incident_text", incident.c.description, postgresql_using="gin", postgresql_ops={"description": "gin_trgm_ops"})
sa.Index("incident_tags", incident.c.tags, postgresql_using="gin")
sa.Index("incident_open_tags", incident.c.tags, postgresql_using="gin", postgresql_where=_endless)
sa.Index("incident_source_start", incident.c.source_id, *_newest_first)
sa.Index(
    "incident_source_key",
    incident.c.source_incident_id,  # first, so that a key is found without its source too
    incident.c.source_id,
    unique=True,
    postgresql_where=incident.c.source_incident_id != sa.literal_column("''"),
)

sa.event.listen(metadata, "before_create", sa.DDL("create extension if not exists pg_trgm"))  # type: ignore[no-untyped-call]  # SQLAlchemy left it out

event = sa.Table(
    "event",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("incident_id", Id, nullable=False),
    sa.Column("actor_id", Id),
    sa.Column("timestamp", Moment, nullable=False),
    sa.Column("received", Moment, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("effect", sa.Boolean, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("changes", Json, nullable=False),
    sa.UniqueConstraint("incident_id", "version"),
)
# What the first event says is the description of its incident. How often later ones say something, the planner has to know apart from that.
LATER_TEXT = "(\nCASE\n    WHEN version > 1 THEN description\n    ELSE NULL::text\nEND)"  # as PostgreSQL spells it, line by line
sa.Index(
    "event_later_text",
    sa.literal_column(LATER_TEXT),
    postgresql_using="gin",
    postgresql_ops={LATER_TEXT: "gin_trgm_ops"},
    postgresql_where=event.c.version > 1,
    _table=event,
)
sa.event.listen(event, "after_create", sa.DDL(f"create statistics event_later_texts on {LATER_TEXT} from event"))  # type: ignore[no-untyped-call] # SQLAlchemy left it out
sa.Index("event_received", event.c.received)
sa.Index("event_incident_timestamp", event.c.incident_id, event.c.timestamp.desc(), event.c.id.desc())

ack = sa.Table(
    "ack",
    metadata,
    sa.Column("event_id", Id, primary_key=True, autoincrement=False),
    sa.Column("incident_id", Id, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # of the event: ids of several processes are in no order
    sa.Column("expiration", Moment),
    sa.Column("until", sa.Text),  # what ends it besides: `resolved`, or `level-rises 3`
)
sa.Index("ack_incident", ack.c.incident_id, ack.c.version)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("incident_id", Id, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("created", Moment, nullable=False, server_default=sa.func.now()),
    # Of events about which nobody could decide so far.
    sa.Column("due", Moment),
    sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("reason", sa.Text),
    # Those of level 1 come before others.
    sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.text("false")),
    postgresql_with=QUEUE,
)
sa.Index("outbox_urgent", outbox.c.incident_id, postgresql_where=outbox.c.urgent)

# Notifications. Lanes are a small queue, deliveries and attempts the ledger; the incident of a test is 0. `newest` is the latest delivery
# that was added to a lane: whoever empties a lane looks at it, because what is added meanwhile is not in its snapshot.

lane = sa.Table(
    "lane",
    metadata,
    sa.Column("incident_id", Id, primary_key=True, autoincrement=False),
    sa.Column("destination_id", Id, primary_key=True, autoincrement=False),
    sa.Column("newest", Id, nullable=False),
    sa.Column("upto", Id),
    sa.Column("due", Moment, nullable=False, server_default=sa.func.now()),
    sa.Column("leased_until", Moment, nullable=False, server_default=sa.text("'-infinity'")),
    sa.Column("tried", Moment, nullable=False, server_default=sa.text("'-infinity'")),
    sa.Column("attempt", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.text("false")),
    postgresql_with=QUEUE,
)
sa.Index("lane_next", lane.c.route, lane.c.urgent, lane.c.due)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False, server_default=delivery_ids.next_value()),
    sa.Column("incident_id", Id, nullable=False),
    sa.Column("event_id", Id),
    sa.Column("destination_id", Id, nullable=False),
    sa.Column("owner_id", Id, nullable=False),
    sa.Column("merged_into", Id),
    sa.Column("created", Moment, nullable=False, server_default=sa.func.now()),
    sa.Column("since", Moment, nullable=False, server_default=sa.func.now()),
    sa.Column("finished", Moment),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("medium", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("profiles", Json, nullable=False),
    # What kept it back, or what a roundup is about: planned maintenance, or another kind of thing; the title is that of a roundup.
    sa.Column("maintenance_id", Id),
    sa.Column("title", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("kept_by", sa.Text),
    sa.Column("subject_id", Id),
    sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.text("false")),
)
_SUPPRESSED = delivery.c.status == sa.literal_column("'suppressed'")
sa.Index("delivery_kept_back", delivery.c.maintenance_id, postgresql_where=_SUPPRESSED & delivery.c.merged_into.is_(None))
sa.Index(
    "delivery_held",
    delivery.c.destination_id,
    delivery.c.kept_by,
    delivery.c.subject_id,
    postgresql_where=_SUPPRESSED & delivery.c.merged_into.is_(None) & delivery.c.kept_by.is_not(None),
)
sa.Index(
    "delivery_above_budget",
    delivery.c.incident_id,
    delivery.c.destination_id,
    postgresql_where=_SUPPRESSED & (delivery.c.kept_by == sa.literal_column("'budget'")),
)
sa.Index("delivery_rounded_up", delivery.c.merged_into, postgresql_where=_SUPPRESSED)
sa.Index("delivery_maintenance", delivery.c.maintenance_id, delivery.c.id, postgresql_where=delivery.c.maintenance_id.is_not(None))
sa.Index("delivery_incident", delivery.c.incident_id, delivery.c.id)
sa.Index("delivery_owner", delivery.c.owner_id, delivery.c.id)
sa.Index(
    "delivery_waiting",
    delivery.c.incident_id,
    delivery.c.destination_id,
    delivery.c.id,
    postgresql_where=delivery.c.status == sa.literal_column("'waiting'"),
)

attempt = sa.Table(
    "attempt",
    metadata,
    sa.Column("created", Moment, primary_key=True, server_default=sa.func.clock_timestamp()),
    sa.Column("delivery_id", Id, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
)
sa.Index("attempt_delivery", attempt.c.delivery_id)

# When the roundup is due of what a keeper, other than planned maintenance, keeps back from a destination. Whoever keeps something back
# locks the row, so that nobody orders the roundup without it.
roundup = sa.Table(
    "roundup",
    metadata,
    sa.Column("destination_id", Id, primary_key=True, autoincrement=False),
    sa.Column("kept_by", sa.Text, primary_key=True),
    sa.Column("subject_id", Id, primary_key=True, autoincrement=False),
    sa.Column("due", Moment, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    postgresql_with=QUEUE,
)
sa.Index("roundup_due", roundup.c.due)

# When messages went to a destination lately, and until when none goes there one by one (ADR 0007).
purse = sa.Table(
    "purse",
    metadata,
    sa.Column("destination_id", Id, primary_key=True, autoincrement=False),
    sa.Column("sent", pg.ARRAY(Moment), nullable=False, server_default=sa.text("'{}'")),
    sa.Column("closed_until", Moment),
    postgresql_with=QUEUE,
)

# What opens and ends: its key is a hash (see `flapping.flap_key`).
flap = sa.Table(
    "flap",
    metadata,
    sa.Column("key", Id, primary_key=True, autoincrement=False),
    sa.Column("ended", pg.ARRAY(Moment), nullable=False, server_default=sa.text("'{}'")),
    sa.Column("changed", Moment),
    sa.Column("until", Moment),
    postgresql_with=QUEUE,
)
sa.Index("flap_changed", flap.c.changed)

timer = sa.Table(
    "timer",
    metadata,
    sa.Column("incident_id", Id, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("subject_id", Id, primary_key=True, autoincrement=False),
    sa.Column("due", Moment, nullable=False),
)
sa.Index("timer_due", timer.c.due)

# Accounts.

account = sa.Table(
    "account",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("username", sa.Text, nullable=False, unique=True),
    sa.Column("password", sa.Text, nullable=False),
    sa.Column("first_name", sa.Text, nullable=False),
    sa.Column("last_name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("staff", sa.Boolean, nullable=False),
    sa.Column("superuser", sa.Boolean, nullable=False),
    # Of all generations, the one in which something changed last that this user owns.
    sa.Column("generation", Id, nullable=False, server_default=sa.text("0")),
)
sa.Index("account_generation", account.c.generation)

token = sa.Table(
    "token",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.ForeignKey(account.c.id), nullable=False, index=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("expires", Moment),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False, server_default=sa.text("'all'")),
    sa.Column("used", Moment),
)
sa.Index("token_user", token.c.user_id)

# No foreign keys in or out, and the moment in the primary key: it may be partitioned by month one day. Triggers keep it as it is.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("created", Moment, primary_key=True, server_default=sa.func.clock_timestamp()),
    sa.Column("id", Id, primary_key=True, autoincrement=False, server_default=audit_ids.next_value()),
    sa.Column("user_id", Id),
    sa.Column("done", sa.Boolean, nullable=False),
    sa.Column("deed", sa.Text, nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("details", sa.Text, nullable=False),
)
sa.Index("audit_id", audit.c.id)
sa.Index("audit_username", audit.c.username, audit.c.created, audit.c.id)
sa.Index("audit_deed", audit.c.deed, audit.c.created, audit.c.id)
sa.Index("audit_about", audit.c.about, audit.c.created, audit.c.id)

source_type = sa.Table(
    "source_type",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
)

source = sa.Table(
    "source",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.ForeignKey(account.c.id), nullable=False, unique=True),
    sa.Column("type", sa.ForeignKey(source_type.c.name), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("base_url", sa.Text, nullable=False),
    sa.Column("flapping", sa.Text),
    sa.UniqueConstraint("type", "name"),
)

# When each source was heard of last, and how often it is expected to be; apart from `source`, which every request reads.
heart = sa.Table(
    "heart",
    metadata,
    sa.Column("source_id", sa.ForeignKey(source.c.id), primary_key=True),
    sa.Column("every", sa.Interval),
    sa.Column("last", Moment, nullable=False),
    postgresql_with={"fillfactor": 50},
)

# Somebody who is logged in with a browser.
session = sa.Table(
    "session",
    metadata,
    sa.Column("id", Id, sa.Identity(always=True), primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("user_id", sa.ForeignKey(account.c.id), nullable=False),
    sa.Column("begun", Moment, nullable=False),
    sa.Column("used", Moment, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("proof", sa.Text, nullable=False),
)
sa.Index("session_user", session.c.user_id)
sa.Index("session_used", session.c.used)

# Attempts at something that is tried only so often; of what it is there is a digest, since it may be of any length.
attempt_at = sa.Table(
    "attempt_at",
    metadata,
    sa.Column("subject", sa.LargeBinary, nullable=False),
    sa.Column("at", Moment, nullable=False),
)
sa.Index("attempt_at_subject", attempt_at.c.subject, attempt_at.c.at)
sa.Index("attempt_at_at", attempt_at.c.at)

# Notes that are found by a secret, once.
slip = sa.Table(
    "slip",
    metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("until", Moment, nullable=False),
    sa.Column("content", Json, nullable=False),
)
sa.Index("slip_until", slip.c.until)

# Whom identity providers mean.
identity = sa.Table(
    "identity",
    metadata,
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("user_id", sa.ForeignKey(account.c.id), nullable=False),
)
sa.Index("identity_user", identity.c.user_id)

timeslot = sa.Table(
    "timeslot",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False, server_default=belonging_ids.next_value()),
    sa.Column("owner_id", sa.ForeignKey(account.c.id), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.UniqueConstraint("owner_id", "name"),
)

recurrence = sa.Table(
    "recurrence",
    metadata,
    sa.Column("id", Id, sa.Identity(), primary_key=True),
    sa.Column("timeslot_id", sa.ForeignKey(timeslot.c.id, ondelete="CASCADE"), nullable=False),
    sa.Column("days", pg.ARRAY(sa.SmallInteger), nullable=False),
    sa.Column("start_time", sa.Time, nullable=False),
    sa.Column("end_time", sa.Time, nullable=False),
    sa.Column("ends_next_day", sa.Boolean, nullable=False, server_default=sa.false()),
)
sa.Index("recurrence_timeslot", recurrence.c.timeslot_id)

destination = sa.Table(
    "destination",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False, server_default=belonging_ids.next_value()),
    sa.Column("owner_id", sa.ForeignKey(account.c.id), nullable=False),
    sa.Column("medium", sa.Text, nullable=False),
    sa.Column("label", sa.Text),
    sa.Column("settings", Json, nullable=False),
    sa.Column("synced", sa.Boolean, nullable=False),
    sa.UniqueConstraint("owner_id", "label"),
)
sa.Index("destination_synced", destination.c.owner_id, destination.c.medium, unique=True, postgresql_where=destination.c.synced)

filter_ = sa.Table(
    "filter",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("owner_id", sa.ForeignKey(account.c.id), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("definition", Json, nullable=False),
    sa.Column("shared", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.UniqueConstraint("owner_id", "name"),
)
sa.Index("filter_shared", filter_.c.id, postgresql_where=filter_.c.shared)

profile = sa.Table(
    "profile",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("owner_id", sa.ForeignKey(account.c.id), nullable=False),
    sa.Column("timeslot_id", sa.ForeignKey(timeslot.c.id), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("name", sa.Text),
    # As `Digest` spells it.
    sa.Column("digest", sa.Text),
    sa.Column("escalate_after", sa.Interval),
    sa.UniqueConstraint("owner_id", "name"),
)
sa.Index("profile_timeslot", profile.c.timeslot_id)

profile_filter = sa.Table(
    "profile_filter",
    metadata,
    sa.Column("profile_id", sa.ForeignKey(profile.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("filter_id", sa.ForeignKey(filter_.c.id), primary_key=True),
)
sa.Index("profile_filter_filter", profile_filter.c.filter_id)

profile_destination = sa.Table(
    "profile_destination",
    metadata,
    sa.Column("profile_id", sa.ForeignKey(profile.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("destination_id", sa.ForeignKey(destination.c.id), primary_key=True),
)
sa.Index("profile_destination_destination", profile_destination.c.destination_id)

# Filters and windows are its own, as they were when they were chosen.
maintenance = sa.Table(
    "maintenance",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("created_by", sa.ForeignKey(account.c.id), nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("start_time", Moment, nullable=False),
    sa.Column("end_time", Moment),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("filters", Json, nullable=False),
    sa.Column("windows", Json, nullable=False),
)
sa.Index("maintenance_end", maintenance.c.end_time)
sa.Index("maintenance_created_by", maintenance.c.created_by)

# One row. Whoever decides about notifications compares the number with the one it has, and loads anew what it tells people.
generation = sa.Table(
    "generation",
    metadata,
    sa.Column("number", Id, nullable=False),
)
