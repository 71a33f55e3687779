"""`argus user`, `argus source`, `argus token`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from adapters.cli.doing import PASSWORD_STDIN, Group, moment, new_password, run, run_existing, table, tell, with_settings
from adapters.durations import duration
from argus_core.domain.accounts import Token, User
from argus_core.domain.actors import Scope
from argus_core.domain.sources import Source
from argus_core.domain.watching import Heart
from argus_core.usecases.accounts import LOGIN, NewToken, NewUser

if TYPE_CHECKING:
    from adapters.container import Container
    from adapters.settings import Loaded


def lifetime(text: str) -> float | None:
    """
    How many days a token lives; None is for good.

    Raises:
        BadParameter: the text does not say.
    """
    if text == "never":
        return None
    try:
        return duration(text) / timedelta(days=1)
    except ValueError:
        raise click.BadParameter(f'"{text}" is no lifetime; give one like 90d, 12h or never.') from None


def _checked_span(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    if text not in (None, "off"):
        try:
            duration(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    return text


def _checked_lifetime(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    if text is not None:
        lifetime(text)
    return text


@click.group(cls=Group)
def user() -> None:
    """
    People, and the users of sources.

    \b
    argus user create alice --email alice@example.org
    argus user grant alice --superuser
    argus user list
    """


@user.command("create")
@click.argument("username")
@click.option("--email", default="", help="Also becomes a destination for notifications.")
@click.option("--first-name", default="")
@click.option("--last-name", default="")
@click.option("--staff", is_flag=True, help="May use the pages for administrators.")
@click.option("--superuser", is_flag=True, help="May do everything.")
@PASSWORD_STDIN
@click.option("--no-password", is_flag=True, help="Only tokens open the door.")
@with_settings
def create_user(
    username: str,
    *,
    email: str,
    first_name: str,
    last_name: str,
    staff: bool,
    superuser: bool,
    password_stdin: bool,
    no_password: bool,
    loaded: "Loaded",
) -> None:
    """
    Make a user. The password is asked for.

    \b
    argus user create alice --email alice@example.org
    pass show argus/bob | argus user create bob --password-stdin --staff
    """
    password = None if no_password else new_password(from_stdin=password_stdin)
    new = NewUser(
        username=username, password=password, email=email, first_name=first_name, last_name=last_name, staff=staff, superuser=superuser
    )

    async def create(container: "Container") -> User:
        return await container.accounts().create_user(new)

    made = run(loaded.settings, create)
    tell(f"Created the user {made.username} with number {made.id}.")


@user.command("password")
@click.argument("username")
@PASSWORD_STDIN
@with_settings
def set_password(username: str, *, password_stdin: bool, loaded: "Loaded") -> None:
    """
    Give a user another password, which is asked for.

    \b
    argus user password alice
    """
    password = new_password(from_stdin=password_stdin)

    async def set_(container: "Container") -> None:
        await container.accounts().set_password(username, password)

    run_existing(loaded.settings, set_)
    tell(f"The user {username} has another password.")


@user.command("deactivate")
@click.argument("username")
@with_settings
def deactivate_user(username: str, *, loaded: "Loaded") -> None:
    """
    Keep a user out: neither password nor tokens open the door any more.

    \b
    argus user deactivate alice
    """
    _set_active(loaded, username, active=False)


@user.command("activate")
@click.argument("username")
@with_settings
def activate_user(username: str, *, loaded: "Loaded") -> None:
    """
    Let a user in again; tokens that have not expired are good again too.

    \b
    argus user activate alice
    """
    _set_active(loaded, username, active=True)


@user.command("grant")
@click.argument("username")
@click.option("--staff", is_flag=True, help="May use the pages for administrators.")
@click.option("--superuser", is_flag=True, help="May do everything.")
@with_settings
def grant(username: str, *, staff: bool, superuser: bool, loaded: "Loaded") -> None:
    """
    Give a user a role.

    \b
    argus user grant alice --staff
    """
    _set_roles(loaded, username, given=True, staff=staff, superuser=superuser)


@user.command("revoke")
@click.argument("username")
@click.option("--staff", is_flag=True)
@click.option("--superuser", is_flag=True)
@with_settings
def revoke(username: str, *, staff: bool, superuser: bool, loaded: "Loaded") -> None:
    """
    Take a role from a user.

    \b
    argus user revoke alice --superuser
    """
    _set_roles(loaded, username, given=False, staff=staff, superuser=superuser)


@user.command("list")
@with_settings
def list_users(*, loaded: "Loaded") -> None:
    """Show all users."""

    async def read(container: "Container") -> tuple[Sequence[User], Sequence[Source]]:
        accounts = container.accounts()
        return await accounts.users(), await accounts.sources()

    users, sources = run_existing(loaded.settings, read)
    source_of = {source.user_id: f"{source.name} ({source.type})" for source in sources}
    table(
        ("NUMBER", "USERNAME", "NAME", "E-MAIL", "STATE", "ROLES", "SOURCE"),
        (
            (
                one.id,
                one.username,
                f"{one.first_name} {one.last_name}".strip(),
                one.email,
                "active" if one.active else "inactive",
                ",".join(role for role, has in (("staff", one.staff), ("superuser", one.superuser)) if has),
                source_of.get(one.id, ""),
            )
            for one in users
        ),
    )


@click.group(cls=Group)
def source() -> None:
    """
    Source systems: the programs that report incidents.

    \b
    argus source create oslo --type nav --base-url https://nav.example.org/
    argus source list
    """


TYPE = click.option("--type", "type_", metavar="TYPE", help="Which one, when several types have a source of this name.")


@source.command("create")
@click.argument("name")
@click.option("--type", "type_", required=True, metavar="TYPE", help="What kind of program it is, such as nav; made when it is new.")
@click.option("--user", "username", metavar="NAME", help="What its user is called; else like the source.")
@click.option("--base-url", default="", metavar="URL", help="Where links of its incidents begin.")
@with_settings
def create_source(name: str, *, type_: str, username: str | None, base_url: str, loaded: "Loaded") -> None:
    """
    Make a source with a user of its own and a token that never expires, which is printed.

    \b
    argus source create oslo --type nav --base-url https://nav.example.org/
    TOKEN=$(argus source create zabbix-1 --type zabbix)
    """

    async def create(container: "Container") -> tuple[Source, NewToken]:
        return await container.accounts().create_source(name, type_, username=username, base_url=base_url)

    made, token = run(loaded.settings, create)
    tell(
        f"Created the source {made.name} ({made.type}) with number {made.id} and the user {username or name}. Its token is shown only now:"
    )
    click.echo(token.key)


@source.command("list")
@with_settings
def list_sources(*, loaded: "Loaded") -> None:
    """Show all sources."""

    async def read(container: "Container") -> tuple[Sequence[Source], Sequence[User]]:
        accounts = container.accounts()
        return await accounts.sources(), await accounts.users()

    sources, users = run_existing(loaded.settings, read)
    user_of = {one.id: one for one in users}
    table(
        ("NUMBER", "NAME", "TYPE", "USER", "STATE", "BASE URL"),
        (
            (one.id, one.name, one.type, owner.username, "active" if owner.active else "inactive", one.base_url)
            for one in sources
            for owner in (user_of[one.user_id],)
        ),
    )


@source.command("rename")
@click.argument("name")
@click.argument("new_name")
@TYPE
@with_settings
def rename_source(name: str, new_name: str, *, type_: str | None, loaded: "Loaded") -> None:
    """
    Call a source something else; its incidents show the new name, its user keeps the old one.

    \b
    argus source rename oslo oslo-1
    """

    async def rename(container: "Container") -> Source:
        accounts = container.accounts()
        return await accounts.rename_source((await accounts.source_named(name, type_)).id, new_name)

    renamed = run_existing(loaded.settings, rename)
    tell(f"The source {name} ({renamed.type}) is called {renamed.name} now.")


@source.command("heartbeat")
@click.argument("name")
@click.option("--every", metavar="SPAN", callback=_checked_span, help="How often it is to say that it is alive: 5m, 12h, 1d; or off.")
@TYPE
@with_settings
def expect_heartbeats(name: str, *, every: str | None, type_: str | None, loaded: "Loaded") -> None:
    """
    Expect a source to say that it is alive, and show when it was heard of last.

    It does so with POST /api/v2/incidents/sources/heartbeat/. When it does not, there is an incident of the source argus.

    \b
    argus source heartbeat oslo --every 5m
    argus source heartbeat oslo --every off
    argus source heartbeat oslo
    """

    async def expect(container: "Container") -> tuple[Source, Heart | None]:
        watching, known = container.watching(), await container.accounts().source_named(name, type_)
        if every is not None:
            await watching.expect(known.id, None if every == "off" else duration(every))
        return known, next((heart for heart in await watching.watch.hearts() if heart.source == known), None)

    known, heart = run_existing(loaded.settings, expect)
    if heart is None:
        tell(f"No heartbeat of {known.name} ({known.type}) is expected.")
    else:
        minutes = heart.every / timedelta(minutes=1)
        last = f"Heard of last, or waited for since: {moment(heart.last)}."
        tell(f"{known.name} ({known.type}) is to say every {minutes:g} minutes that it is alive. {last}")


@source.command("flapping")
@click.argument("name")
@click.option("--above", metavar="THRESHOLD", help="What is above that flaps: 5/30m; off: nothing does; usual: as ARGUS_FLAPPING says.")
@TYPE
@with_settings
def show_or_set_flapping(name: str, *, above: str | None, type_: str | None, loaded: "Loaded") -> None:
    """
    Say when a source flaps, or show it: what opens and ends too often is told when it is quiet.

    \b
    argus source flapping oslo --above 5/30m
    argus source flapping oslo --above off
    argus source flapping oslo --above usual
    argus source flapping oslo
    """

    async def keep(container: "Container") -> tuple[Source, str]:
        flapping, known = container.source_flapping(), await container.accounts().source_named(name, type_)
        if above is not None:
            await flapping.set_threshold(known.id, "" if above == "usual" else above)
        return known, await flapping.threshold(known.id)

    known, spelled = run_existing(loaded.settings, keep)
    who = f"{known.name} ({known.type})"
    if not spelled:
        tell(f"{who} has no threshold of its own; ARGUS_FLAPPING is {loaded.settings.flapping}.")
    elif spelled == "off":
        tell(f"Nothing of {who} is held to flap.")
    else:
        tell(f"What opens and ends more often than {spelled} flaps at {who}.")


@source.command("deactivate")
@click.argument("name")
@TYPE
@with_settings
def deactivate_source(name: str, *, type_: str | None, loaded: "Loaded") -> None:
    """
    Let a source report no more; its incidents stay.

    \b
    argus source deactivate oslo
    """
    _set_source_active(loaded, name, type_, active=False)


@source.command("activate")
@click.argument("name")
@TYPE
@with_settings
def activate_source(name: str, *, type_: str | None, loaded: "Loaded") -> None:
    """
    Let a source report again.

    \b
    argus source activate oslo
    """
    _set_source_active(loaded, name, type_, active=True)


@source.command("rotate-token")
@click.argument("name")
@TYPE
@with_settings
def rotate_token(name: str, *, type_: str | None, loaded: "Loaded") -> None:
    """
    Print a new token for a source; all those it has die at once.

    \b
    TOKEN=$(argus source rotate-token oslo)
    """

    async def rotate(container: "Container") -> NewToken:
        accounts = container.accounts()
        return await accounts.rotate_source_token((await accounts.source_named(name, type_)).id)

    token = run_existing(loaded.settings, rotate)
    tell(f"The source {name} has a new token instead of all others. It is shown only now:")
    click.echo(token.key)


@click.group(cls=Group)
def token() -> None:
    """
    Keys to the API.

    \b
    argus token create alice laptop --expires 90d
    argus token list
    argus token revoke 12
    """


@token.command("create")
@click.argument("username")
@click.argument("name")
@click.option(
    "--expires",
    callback=_checked_lifetime,
    metavar="WHEN",
    show_default="never for sources, AUTH_TOKEN_EXPIRES_AFTER_DAYS for people",
    help="After so many minutes, hours, days or weeks: 30m, 12h, 90d, 4w; or never.",
)
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default=Scope.ALL.value,
    show_default=True,
    help="What it may be used for: only reading, besides that incidents, events, acks and heartbeats, or everything.",
)
@with_settings
def create_token(username: str, name: str, *, expires: str | None, scope: str, loaded: "Loaded") -> None:
    """
    Print a new token of a user, beside the ones there are. Give it a name that tells what it is for.

    \b
    argus token create alice laptop --expires 90d
    TOKEN=$(argus token create oslo glue --expires never --scope incidents:write)
    """

    async def create(container: "Container") -> NewToken:
        accounts = container.accounts()
        days = await accounts.usual_days(username) if expires is None else lifetime(expires)
        return await accounts.create_token(username, name, days=days, scope=Scope(scope))

    made = run_existing(loaded.settings, create)
    tell(f"Created the token {name} of {username} with number {made.token.id} and scope {scope}; it expires: {moment(made.token.expires)}.")
    tell("It is shown only now:")
    click.echo(made.key)


@token.command("revoke")
@click.argument("number", type=click.IntRange(min=1, max=2**63 - 1))
@with_settings
def revoke_token(number: int, *, loaded: "Loaded") -> None:
    """
    Take a token away; it opens nothing from now on. `argus token list` shows the numbers.

    \b
    argus token revoke 12
    """
    from argus_core.domain.ids import TokenId

    async def revoke_(container: "Container") -> None:
        await container.accounts().revoke_token(TokenId(number))

    run_existing(loaded.settings, revoke_)
    tell(f"The token with number {number} opens nothing any more.")


@token.command("list")
@with_settings
def list_tokens(*, loaded: "Loaded") -> None:
    """Show all tokens: whose they are, what they may be used for, when they were used last, and until when they are good."""

    async def read(container: "Container") -> tuple[Sequence[tuple[User, Token]], datetime]:
        accounts = container.accounts()
        return await accounts.tokens(), await accounts.accounts.now()

    tokens, now = run_existing(loaded.settings, read)
    table(
        ("NUMBER", "USER", "NAME", "BEGINS", "SCOPE", "CREATED", "LAST USED", "EXPIRES", "STATE"),
        (
            (
                one.id,
                owner.username,
                "(login)" if one.name == LOGIN else one.name,
                one.prefix,
                one.scope.value,
                moment(one.created),
                moment(one.used),
                moment(one.expires),
                "live" if one.is_live(now) and owner.active else "user inactive" if one.is_live(now) else "expired",
            )
            for owner, one in tokens
        ),
    )


def _set_active(loaded: "Loaded", username: str, *, active: bool) -> None:
    async def set_(container: "Container") -> None:
        await container.accounts().set_active(username, active=active)

    run_existing(loaded.settings, set_)
    tell(f"The user {username} is {'active' if active else 'inactive'}.")


def _set_roles(loaded: "Loaded", username: str, *, given: bool, staff: bool, superuser: bool) -> None:
    if not (staff or superuser):
        raise click.UsageError("Say which role: --staff, --superuser, or both.")

    async def set_(container: "Container") -> None:
        await container.accounts().set_roles(username, staff=given if staff else None, superuser=given if superuser else None)

    run_existing(loaded.settings, set_)
    roles = " and ".join(role for role, meant in (("staff", staff), ("superuser", superuser)) if meant)
    tell(f"The user {username} is {roles}." if given else f"The user {username} is not {roles}.")


def _set_source_active(loaded: "Loaded", name: str, type_: str | None, *, active: bool) -> None:
    async def set_(container: "Container") -> None:
        accounts = container.accounts()
        await accounts.set_source_active((await accounts.source_named(name, type_)).id, active=active)

    run_existing(loaded.settings, set_)
    tell(f"The source {name} is {'active' if active else 'inactive'}.")
