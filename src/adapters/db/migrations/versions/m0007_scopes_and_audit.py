"""Give tokens a scope, remember when each was used last, and keep an audit log."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


AUDIT = """
create sequence audit_ids;
create table audit (
    created timestamptz not null default clock_timestamp(),
    id bigint not null default nextval('audit_ids'),
    user_id bigint,
    done boolean not null,
    deed text not null,
    about text not null,
    username text not null,
    address text not null,
    details text not null,
    constraint pk_audit primary key (created, id)
);
create index audit_id on audit (id);
create index audit_username on audit (username, created, id);
create index audit_deed on audit (deed, created, id);
create index audit_about on audit (about, created, id);

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if old.created < nullif(current_setting('argus.audit_prune_before', true), '')::timestamptz then
            return old;
        end if;
    end if;
    raise exception 'The audit log is append-only; use argus audit prune for what is old.' using errcode = 'restrict_violation';
end $$;
create trigger audit_append_only before update or delete on audit for each row execute function audit_is_append_only();
create trigger audit_no_truncate before truncate on audit for each statement execute function audit_is_append_only();
"""


def upgrade() -> None:
    # A constant default is kept beside the table, so no row is rewritten; the version before makes tokens with it.
    op.execute("alter table token add column scope text not null default 'all', add column used timestamptz")
    op.execute(AUDIT)


def downgrade() -> None:
    op.execute("drop table audit; drop function audit_is_append_only(); drop sequence audit_ids")
    op.execute("alter table token drop column scope, drop column used")
