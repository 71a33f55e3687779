"""
What an installation can choose: from the environment, else from a file, else the default.

In the environment a key has the name that `argus settings` prints. In the file, which is TOML, the same name is written in lower case and
without `ARGUS_`: `time_zone = "Europe/Oslo"`. The file is the one named by `--config`, else by `ARGUS_CONFIG`, else `argus.toml` in the
working folder if there is one. Nothing else in Argus reads the environment.
"""

import ipaddress
import os
import re
import tomllib
import zoneinfo
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from adapters.durations import duration
from adapters.oidc.config import ProviderSettings
from adapters.refusals import Refusal
from argus_core.domain.budgets import parse_budget

CONFIG = "ARGUS_CONFIG"
DEFAULT_FILE = "argus.toml"

_ORIGIN = re.compile(r"\*|https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?", re.IGNORECASE)
_SLUG = re.compile(r"[a-z0-9_-]+")
# What PostgreSQL takes, but for passwords with @ / ? in them: of these it takes a part for something else, and would show it.
_SERVER = r"(?:\[[^]@/?]*\]|[^]\[:@/?,]*)(?::[0-9]*)?"
_DATABASE = re.compile(
    r"(?P<login>postgres(?:ql)?://(?:[^:@/?]*(?P<password>:[^@/?]*)?@)?)"
    rf"(?P<place>{_SERVER}(?:,{_SERVER})*(?:/[^@/?]*)?)(?:\?(?P<more>[^@]*))?"
)
_SHOWN_OF_DATABASE = re.compile(r"(user|host|hostaddr|port|dbname|sslmode|target_session_attrs|connect_timeout|application_name)=.*")
_ENCODED = "with @ / % in its password written as %40 %2F %25, and ? as %3F"
# Kubernetes puts the addresses of a service called `argus`, or `argus-…`, into every container under names like these.
_SERVICE_LINK = re.compile(r"ARGUS_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
OIDC = "oidc"
"""The table in the file that has one of each identity provider in it."""
_MASKED = "***"
_LAST_PORT = 65_535

_Thing = TypeVar("_Thing")


class SettingsError(Refusal):
    """The settings cannot be used; `problems` are sentences that name the keys."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """
    The choices, checked. `data` is None where the platform's own folder is meant.

    `plugins` is what media and ticket systems understand, as texts under the names that operators give them.
    """

    database_url: str | None = None
    database_direct_url: str | None = None
    database_read_url: str | None = None
    read_staleness: Annotated[float, Meta(ge=1, le=3_600)] = 2
    auth_token_expires_after_days: Annotated[float, Meta(gt=0, le=36_500)] = 14
    time_zone: str = "UTC"
    cors_origins: tuple[str, ...] = ()
    send_notifications: bool = True
    give_up_after: str = "24h"
    keep_deliveries: str = "90d"
    delivery_budget: str = "60/5m"
    flapping: str = "off"
    token_warning: str = "7d"  # noqa: S105 - a span of time
    undelivered_limit: str = "15m"
    frontend_url: str = ""
    public_url: str = ""
    session_idle: str = "8h"
    session_lifetime: str = "14d"
    oidc: dict[str, ProviderSettings] = {}
    media: tuple[str, ...] = ("email", "sms")
    ticket_system: str = ""
    plugins: dict[str, str] = {}
    sources_own_incidents_only: bool = False
    trusted_proxies: tuple[str, ...] = ()
    metrics_allow: tuple[str, ...] = ()
    unpaged_limit: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    data: Path | None = None
    postgres_bin: Path | None = None
    pool_size: Annotated[int, Meta(ge=2, le=1_000)] = 10
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    demo_mailbox: Path | None = None
    """The folder of mails to show, which only `argus demo` has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One choice: what it is called, and what is expected of it. Without a field it is for plugins."""

    name: str
    expects: str
    field: str = ""
    accepts: Callable[[object], bool] = lambda _: True
    """Whether a value of the right type is acceptable; may also raise `ValueError`."""
    secret: bool = False
    goes_with: str = ""
    """The name of another one, without which it means nothing."""

    @property
    def place(self) -> str:
        """What tells its value from all others."""
        return self.field or self.name


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, where each comes from (by `Key.place`; what is missing is the default), and the file that was read."""

    settings: Settings
    origins: Mapping[str, str]
    file: Path | None


def _is_database(value: object) -> bool:
    """PostgreSQL's own words about an address have parts of it in them, and so perhaps of a password: it shall have none to say."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    text = str(value)
    if not _DATABASE.fullmatch(text) or "\0" in text:
        return False
    try:
        ports = conninfo_to_dict(text).get("port", "")
    except psycopg.Error:
        return False
    return all(not port or _is_port(port) for port in str(ports).split(","))


def _is_zone(value: object) -> bool:
    try:
        zoneinfo.ZoneInfo(str(value))
    except (zoneinfo.ZoneInfoNotFoundError, OSError):  # a folder of zones, such as "Europe", is the latter
        return False
    return True


def _all(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, tuple) and all(pattern.fullmatch(part) for part in value)


def _is_port(value: object) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", str(value)) is not None and 0 < int(str(value)) <= _LAST_PORT


def _is_web_address(value: object) -> bool:
    parts = urlsplit(str(value))
    _ = parts.port  # raises ValueError when it is none
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_public_address(value: object) -> bool:
    """Sessions are for https only; what does not leave the machine needs none."""
    parts = urlsplit(str(value))
    bare = _ORIGIN.fullmatch(str(value)) is not None and _is_web_address(value)
    return bare and (parts.scheme == "https" or parts.hostname in LOOPBACK)


def _is_duration(value: object) -> bool:
    return bool(duration(str(value)))


def _is_budget(value: object) -> bool:
    parse_budget(str(value))
    return True


def _is_proxy(value: object) -> bool:
    parts = urlsplit(str(value))
    return parts.scheme == "http" and bool(parts.hostname) and bool(parts.port) and parts.path in ("", "/") and not parts.query


def _are_networks(value: object) -> bool:
    return all(ipaddress.ip_network(part.strip()) for part in str(value).split(","))


def _are_addresses(value: object) -> bool:
    return isinstance(value, tuple) and all(ipaddress.ip_network(part) for part in value)


def _is_address(value: object) -> bool:
    from adapters.media.addresses import is_address

    return is_address(str(value))


def _is_sender(value: object) -> bool:
    from adapters.media.addresses import sender

    return bool(sender(str(value)))


KEYS = (
    Key(
        name="DATABASE_URL",
        field="database_url",
        expects=f"an address like postgresql://user:password@host:5432/name {_ENCODED}; or nothing at all for the embedded server",
        accepts=_is_database,
        secret=True,
    ),
    Key(
        name="DATABASE_DIRECT_URL",
        field="database_direct_url",
        expects=f"an address like that in DATABASE_URL, which leads past a pooler, {_ENCODED}",
        accepts=_is_database,
        secret=True,
        goes_with="DATABASE_URL",
    ),
    Key(
        name="DATABASE_READ_URL",
        field="database_read_url",
        expects=f"the address of a streaming replica, like postgresql://user:password@host:5432/name, {_ENCODED}",
        accepts=_is_database,
        secret=True,
        goes_with="DATABASE_URL",
    ),
    Key(name="ARGUS_READ_STALENESS", field="read_staleness", expects="a number of seconds from 1 to 3600"),
    Key(
        name="AUTH_TOKEN_EXPIRES_AFTER_DAYS",
        field="auth_token_expires_after_days",
        expects="a number of days above 0 and up to 36500",
    ),
    Key(name="ARGUS_TIME_ZONE", field="time_zone", expects="a time zone like Europe/Oslo", accepts=_is_zone),
    Key(
        name="ARGUS_CORS_ORIGINS",
        field="cors_origins",
        expects="origins like https://argus.example.org (no path, no slash at the end) separated by commas, or * for all",
        accepts=_all(_ORIGIN),
    ),
    Key(name="ARGUS_SEND_NOTIFICATIONS", field="send_notifications", expects="true or false"),
    Key(name="ARGUS_GIVE_UP_AFTER", field="give_up_after", expects="a span of time like 24h or 2d", accepts=_is_duration),
    Key(name="ARGUS_KEEP_DELIVERIES", field="keep_deliveries", expects="a span of time like 90d or 52w", accepts=_is_duration),
    Key(name="ARGUS_DELIVERY_BUDGET", field="delivery_budget", expects="messages in a span of time like 20/5m, or off", accepts=_is_budget),
    Key(name="ARGUS_FLAPPING", field="flapping", expects="times in a span of time like 5/30m, or off", accepts=_is_budget),
    Key(name="ARGUS_TOKEN_WARNING", field="token_warning", expects="a span of time like 7d or 12h", accepts=_is_duration),
    Key(name="ARGUS_UNDELIVERED_LIMIT", field="undelivered_limit", expects="a span of time like 15m or 1h", accepts=_is_duration),
    Key(
        name="ARGUS_FRONTEND_URL",
        field="frontend_url",
        expects="the address of the pages that people look at, like https://argus.example.org",
        accepts=_is_web_address,
    ),
    Key(
        name="ARGUS_PUBLIC_URL",
        field="public_url",
        expects="the address under which browsers reach this server: https://argus.example.org (no path, no slash at the end)",
        accepts=_is_public_address,
    ),
    Key(name="ARGUS_SESSION_IDLE", field="session_idle", expects="a span of time like 8h or 30m", accepts=_is_duration),
    Key(name="ARGUS_SESSION_LIFETIME", field="session_lifetime", expects="a span of time like 14d or 12h", accepts=_is_duration),
    Key(name="ARGUS_MEDIA", field="media", expects="names of media like email,sms, separated by commas", accepts=_all(_SLUG)),
    Key(name="ARGUS_EMAIL_HOST", expects="the name of a mail server"),
    Key(name="ARGUS_EMAIL_PORT", expects="a number from 1 to 65535", accepts=_is_port),
    Key(name="ARGUS_EMAIL_SECURITY", expects="none, starttls or tls", accepts=("none", "starttls", "tls").__contains__),
    Key(name="ARGUS_EMAIL_USER", expects="the name that the mail server knows Argus by"),
    Key(name="ARGUS_EMAIL_PASSWORD", expects="the password for the mail server", secret=True, goes_with="ARGUS_EMAIL_USER"),
    Key(
        name="ARGUS_DEFAULT_FROM_EMAIL",
        expects='an address like argus@example.org, Argus <argus@example.org> or "Argus, Oslo" <argus@example.org>',
        accepts=_is_sender,
    ),
    Key(name="ARGUS_SMS_GATEWAY_ADDRESS", expects="an address like sms@gateway.example.org", accepts=_is_address),
    Key(name="ARGUS_OUTGOING_ALLOW", expects="networks like 10.1.2.0/24, separated by commas", accepts=_are_networks),
    Key(name="ARGUS_EGRESS_PROXY", expects="an address like http://proxy.example.org:3128", accepts=_is_proxy, secret=True),
    Key(
        name="ARGUS_TICKET_SYSTEM",
        field="ticket_system",
        expects="the name of a ticket system like github, gitlab, jira or request-tracker",
        accepts=lambda value: bool(_SLUG.fullmatch(str(value))),
    ),
    Key(name="ARGUS_TICKET_ENDPOINT", expects="an address like https://tickets.example.org", accepts=_is_web_address),
    Key(name="ARGUS_TICKET_TOKEN", expects="the token for the ticket system", secret=True),
    Key(name="ARGUS_TICKET_USER", expects="the account that the token belongs to"),
    Key(name="ARGUS_TICKET_PROJECT", expects="a project, repository or queue"),
    Key(name="ARGUS_TICKET_LABELS", expects="labels separated by commas"),
    Key(name="ARGUS_TICKET_TYPE", expects="a type of tickets"),
    Key(name="ARGUS_SOURCES_OWN_INCIDENTS_ONLY", field="sources_own_incidents_only", expects="true or false"),
    Key(
        name="ARGUS_TRUSTED_PROXIES",
        field="trusted_proxies",
        expects="addresses or networks like 127.0.0.1,10.1.2.0/24, separated by commas",
        accepts=_are_addresses,
    ),
    Key(
        name="ARGUS_METRICS_ALLOW",
        field="metrics_allow",
        expects="addresses or networks like 127.0.0.1,10.1.2.0/24, separated by commas",
        accepts=_are_addresses,
    ),
    Key(name="ARGUS_UNPAGED_LIMIT", field="unpaged_limit", expects="a number of incidents from 1 to 1000000"),
    Key(name="ARGUS_DATA", field="data", expects="a folder"),
    Key(name="ARGUS_POSTGRES_BIN", field="postgres_bin", expects="the folder that holds postgres and initdb"),
    Key(name="ARGUS_POOL_SIZE", field="pool_size", expects="a number of database connections per process, from 2 to 1000"),
    Key(name="ARGUS_LOG_LEVEL", field="log_level", expects="debug, info, warning or error"),
    Key(name="ARGUS_LOG_FORMAT", field="log_format", expects="text or json"),
)

OURS = frozenset({"email", "sms", "github", "gitlab", "jira", "request-tracker"})
"""Plugins whose settings are known here. Others have settings of their own, which begin with their name."""

_TYPES = {field.name: field.type for field in msgspec.structs.fields(Settings)}
_LISTS = {field for field, type_ in _TYPES.items() if type_ == tuple[str, ...]}


def file_name(key: Key) -> str:
    """What the key is called in the file."""
    return key.name.removeprefix("ARGUS_").lower()


def load(config: Path | None = None, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Loaded:
    """
    Read the settings; `environment` and `folder` are those of this process unless given.

    Relative folders are seen from the working folder, those in the file from where the file is.

    Raises:
        SettingsError: the file cannot be read, a key is unknown, or a value is not acceptable.
    """
    environment = os.environ if environment is None else environment
    folder = folder or working_folder()
    file = _file(config, environment, folder)
    in_file = _read(file) if file else {}
    tables = _tables(in_file.pop(OIDC, {}))
    problems: list[str] = []
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}

    def take(keys: Iterable[Key]) -> None:
        for key in keys:
            try:
                if key.name in environment:
                    values[key.place] = _value(key, key.name, environment[key.name], folder)
                    origins[key.place] = "environment"
                elif file and file_name(key) in in_file:
                    values[key.place] = _value(key, f"{file_name(key)} in {file}", in_file[file_name(key)], file.parent)
                    origins[key.place] = str(file)
            except SettingsError as error:
                problems.extend(error.problems)

    take(KEYS)
    strangers = _keys_of_strangers((*values.get("media", ()), values.get("ticket_system", "")), environment, in_file)
    take(strangers)
    of_providers = _keys_of_providers(tables)
    take(of_providers)
    providers = dict(_providers(file, tables, values, problems))
    known = (*KEYS, *strangers, *of_providers)
    problems.extend(_alone(values))
    unknown = [*_unknown(environment, known), *(_unknown_in_file(file, in_file, known) if file else ())]
    if unknown or problems:
        raise SettingsError(*unknown, *problems)
    plugins = {name: value for name, value in values.items() if name not in _TYPES and name not in {key.name for key in of_providers}}
    chosen = {name: value for name, value in values.items() if name in _TYPES}
    return Loaded(msgspec.convert({**chosen, "plugins": plugins, OIDC: providers}, Settings, dec_hook=as_path), origins, file)


def working_folder() -> Path:
    """
    The folder that Argus was started in.

    Raises:
        SettingsError: it is gone.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise SettingsError(f"The working folder cannot be used: {error.strerror}. Start Argus in another one.") from error


def described(loaded: Loaded, data: Path) -> Iterator[tuple[str, str, str]]:
    """Name, value and origin of every key, secrets masked; `data` is the folder that is used when none is set."""
    ours = {key.name for key in KEYS}
    strangers = [Key(name=name, expects="", secret=True) for name in loaded.settings.plugins if name not in ours]
    for key in (*KEYS, *strangers):
        value = getattr(loaded.settings, key.field) if key.field else loaded.settings.plugins.get(key.name)
        if key.field == "data" and value is None:
            value = data
        yield key.name, _shown(key, value), loaded.origins.get(key.place, "default")
    for slug, provider in loaded.settings.oidc.items():
        for key in _keys_of_providers([slug]):
            value = getattr(provider, key.name.removeprefix(_provider_key(slug, "")).lower())
            yield key.name, _shown(key, value) if value else "", loaded.origins.get(key.place, str(loaded.file))


def masked(url: str) -> str:
    """The address of a database without the password in it. Of what is not written as it should be nothing is shown, it may be anywhere."""
    parts = _DATABASE.fullmatch(url)
    if not parts:
        return _MASKED
    login = f"{parts['login'].removesuffix(parts['password'] + '@')}:{_MASKED}@" if parts["password"] else parts["login"]
    more = "&".join(map(_without_secret, parts["more"].split("&"))) if parts["more"] else ""
    return login + parts["place"] + (f"?{more}" if more else "")


def _without_secret(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    if _SHOWN_OF_DATABASE.fullmatch(parameter):
        return parameter
    return f"{name}={_MASKED}" if equals and name.isidentifier() else _MASKED


def as_path(type_: type[_Thing], value: object) -> _Thing:
    """How msgspec reads the folders among the settings; `str` writes them."""
    if type_ is not Path:
        raise NotImplementedError
    if not isinstance(value, str | Path) or "\0" in str(value):
        raise ValueError("it is no folder")
    return Path(value)  # type: ignore[return-value] # _Thing is Path here


def _file(config: Path | None, environment: Mapping[str, str], folder: Path) -> Path | None:
    if config is None and environment.get(CONFIG):
        config = Path(environment[CONFIG])
    if config is not None:
        try:
            return folder / config.expanduser()
        except RuntimeError as error:
            raise SettingsError(f"The settings file {config} cannot be read: there is no such home folder.") from error
    default = folder / DEFAULT_FILE
    try:
        return default if default.exists() else None
    except OSError as error:
        raise SettingsError(
            f"The settings file {default} cannot be looked for: {error.strerror}. "
            f"Start Argus in another folder, or name a file with --config or {CONFIG}."
        ) from error


def _read(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise SettingsError(f"The settings file {file} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"The settings file {file} is not valid TOML: {error}.") from error


def _alone(values: Mapping[str, object]) -> Iterator[str]:
    for key in KEYS:
        other = next((known for known in KEYS if known.name == key.goes_with), None)
        if other and key.place in values and other.place not in values:
            yield f"{key.name} goes with {other.name}, which is not set."


def _keys_of_strangers(plugins: Iterable[str], environment: Mapping[str, str], in_file: Mapping[str, object]) -> list[Key]:
    """The settings of enabled plugins that only they know. What is secret among them is not known either, so all are."""
    prefixes = tuple(f"ARGUS_{re.sub('-', '_', slug).upper()}_" for slug in plugins if slug and slug not in OURS)
    named = {*environment, *(f"ARGUS_{name.upper()}" for name in in_file)} - {key.name for key in KEYS}
    return [Key(name=name, expects="a text", secret=True) for name in sorted(named) if prefixes and name.startswith(prefixes)]


def _tables(given: object) -> dict[str, dict[str, object]]:
    """What the file says of each identity provider; what is malformed is found out when it is read as such."""
    tables = given if isinstance(given, dict) else {"": {}}
    return {slug: table if isinstance(table, dict) else {} for slug, table in tables.items()}


def _keys_of_providers(slugs: Iterable[str]) -> list[Key]:
    """What the environment may say about identity providers that are in the file: secrets do not belong there."""
    return [
        Key(name=_provider_key(slug, field), expects="a text", secret=field == "client_secret")
        for slug in slugs
        for field in ProviderSettings.__struct_fields__
    ]


def _provider_key(slug: str, field: str) -> str:
    return f"ARGUS_OIDC_{slug.replace('-', '_')}_{field}".upper()


def _providers(
    file: Path | None, tables: Mapping[str, Mapping[str, object]], values: Mapping[str, Any], problems: list[str]
) -> Iterator[tuple[str, object]]:
    """What is known about each identity provider. What is wrong is added to the problems."""
    lists = {field.name for field in msgspec.structs.fields(ProviderSettings) if isinstance(field.default, tuple)}
    for slug, table in tables.items():
        if not _SLUG.fullmatch(slug):
            problems.append(f"oidc in {file} has tables like [oidc.feide]: small letters, digits, - and _.")
            continue
        told = {field: values[key] for field in ProviderSettings.__struct_fields__ if (key := _provider_key(slug, field)) in values}
        whole = {**table, **{name: value.split(",") if name in lists else value for name, value in told.items()}}
        try:
            yield slug, msgspec.to_builtins(msgspec.convert(whole, ProviderSettings))
        except msgspec.ValidationError as error:
            problems.append(f"oidc.{slug} in {file} cannot be used: {error}.")


def _unknown(environment: Mapping[str, str], keys: Sequence[Key]) -> Iterator[str]:
    known = [key.name for key in keys] + [CONFIG]
    for name, value in sorted(environment.items()):
        if not name.startswith("ARGUS_") or name in known or (_SERVICE_LINK.fullmatch(name) and _is_service_link(name, value)):
            continue
        yield f"{name} in the environment is not a setting of Argus; {_nearest(name, known)}"


def _is_service_link(name: str, value: str) -> bool:
    return not name.endswith("_PORT") or "SERVICE" in name or "_TCP_" in name or "://" in value


def _unknown_in_file(file: Path, names: Iterable[str], keys: Sequence[Key]) -> Iterator[str]:
    known = [file_name(key) for key in keys]
    for name in sorted(set(names).difference(known)):
        yield f"{name} in {file} is not a setting of Argus; {_nearest(name, known)}"


def _nearest(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    bare = {one.lower().removeprefix("argus_"): one for one in known}
    close = get_close_matches(name.lower().removeprefix("argus_"), bare, n=1)
    return f"is it {bare[close[0]]}?" if close else "`argus settings` lists them."


def _value(key: Key, called: str, raw: object, folder: Path) -> object:
    """
    A value as the settings hold it.

    Raises:
        SettingsError: it is not what the key expects.
    """
    prepared: object = raw.strip() if isinstance(raw, str) else raw
    if not key.field:
        prepared = _as_text(prepared)
    if isinstance(prepared, str) and key.field in _LISTS:
        prepared = [part for part in (part.strip() for part in prepared.split(",")) if part]
    try:
        value = msgspec.convert(prepared, _TYPES.get(key.field, str), strict=False, dec_hook=as_path)
        value = folder / value.expanduser() if isinstance(value, Path) else value
        fits = prepared != "" and value is not None and key.accepts(value)
    except (ValueError, RuntimeError):  # the latter where "~somebody" has no home folder
        fits, value = False, None
    if not fits:
        said = "" if key.secret else f" {raw!r}"
        raise SettingsError(f"{called} is{said or ' malformed'}; expected {key.expects}.")
    return value


def _as_text(value: object) -> object:
    """A value of the file's own types as the environment would have it."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case list():
            return ",".join(map(str, value))
        case _:
            return value


def _shown(key: Key, value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(value)
        case float():
            return f"{value:g}"
        case str() if key.secret:
            return masked(value) if key.field else _MASKED
        case _:
            return str(value)
