"""
What an installation can choose: from the environment, else from a file, else the default.

In the environment a key has the name that `argus settings` prints. In the file, which is TOML, the same name is written in lower case and
without `ARGUS_`: `time_zone = "Europe/Oslo"`. The file is the one named by `--config`, else by `ARGUS_CONFIG`, else `argus.toml` in the
working folder if there is one. Nothing else in Argus reads the environment.
"""

import os
import re
import tomllib
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from adapters.refusals import Refusal

CONFIG = "ARGUS_CONFIG"
DEFAULT_FILE = "argus.toml"

_ORIGIN = re.compile(r"\*|https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?", re.IGNORECASE)
_SLUG = re.compile(r"[a-z0-9_-]+")
# Kubernetes puts the addresses of a service called `argus`, or `argus-…`, into every container under names like these.
_SERVICE_LINK = re.compile(r"ARGUS_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)")
_MASKED = "***"

_Thing = TypeVar("_Thing")


class SettingsError(Refusal):
    """The settings cannot be used; `problems` are sentences that name the keys."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The choices, checked. `data` is None where the platform's own folder is meant."""

    database_url: str | None = None
    auth_token_expires_after_days: Annotated[float, Meta(gt=0, le=36_500)] = 14
    time_zone: str = "UTC"
    cors_origins: tuple[str, ...] = ()
    send_notifications: bool = True
    media: tuple[str, ...] = ("email", "sms")
    data: Path | None = None
    postgres_bin: Path | None = None
    pool_size: Annotated[int, Meta(ge=2, le=1_000)] = 10
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One choice: what it is called, and what is expected of it."""

    name: str
    expects: str
    field: str
    accepts: Callable[[object], bool] = lambda _: True
    """Whether a value of the right type is acceptable; may also raise `ValueError`."""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, where each comes from (by field; what is missing is the default), and the file that was read."""

    settings: Settings
    origins: Mapping[str, str]
    file: Path | None


def _is_database(value: object) -> bool:
    parts = urlsplit(str(value))
    _ = parts.port  # raises ValueError when it is none
    return parts.scheme in ("postgresql", "postgres")


def _is_zone(value: object) -> bool:
    try:
        zoneinfo.ZoneInfo(str(value))
    except (zoneinfo.ZoneInfoNotFoundError, OSError):  # a folder of zones, such as "Europe", is the latter
        return False
    return True


def _all(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, tuple) and all(pattern.fullmatch(part) for part in value)


KEYS = (
    Key(
        name="DATABASE_URL",
        field="database_url",
        expects="an address like postgresql://user:password@host:5432/name, or nothing at all for the embedded server",
        accepts=_is_database,
        secret=True,
    ),
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
    Key(name="ARGUS_MEDIA", field="media", expects="names of media like email,sms, separated by commas", accepts=_all(_SLUG)),
    Key(name="ARGUS_DATA", field="data", expects="a folder"),
    Key(name="ARGUS_POSTGRES_BIN", field="postgres_bin", expects="the folder that holds postgres and initdb"),
    Key(name="ARGUS_POOL_SIZE", field="pool_size", expects="a number of database connections per process, from 2 to 1000"),
    Key(name="ARGUS_LOG_LEVEL", field="log_level", expects="debug, info, warning or error"),
    Key(name="ARGUS_LOG_FORMAT", field="log_format", expects="text or json"),
)

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
    folder = folder or Path.cwd()
    file = _file(config, environment, folder)
    in_file = _read(file) if file else {}
    problems = [*_strangers(environment), *(_unknown_in_file(file, in_file) if file else ())]
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    for key in KEYS:
        try:
            if key.name in environment:
                values[key.field] = _value(key, key.name, environment[key.name], folder)
                origins[key.field] = "environment"
            elif file and file_name(key) in in_file:
                values[key.field] = _value(key, f"{file_name(key)} in {file}", in_file[file_name(key)], file.parent)
                origins[key.field] = str(file)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(*problems)
    return Loaded(msgspec.convert(values, Settings, dec_hook=as_path), origins, file)


def described(loaded: Loaded, data: Path) -> Iterator[tuple[str, str, str]]:
    """Name, value and origin of every key, secrets masked; `data` is the folder that is used when none is set."""
    for key in KEYS:
        value = getattr(loaded.settings, key.field)
        if key.field == "data" and value is None:
            value = data
        yield key.name, _shown(key, value), loaded.origins.get(key.field, "default")


def masked(url: str) -> str:
    """An address without the password in it."""
    bare = re.sub(r"^(\w+://[^:/?#]*:)[^/?#]*@", rf"\1{_MASKED}@", url)
    return re.sub(r"([?&]\w*password=)[^&]*", rf"\1{_MASKED}", bare, flags=re.IGNORECASE)


def as_path(type_: type[_Thing], value: object) -> _Thing:
    """How msgspec reads the folders among the settings; `str` writes them."""
    if type_ is Path and isinstance(value, str | Path):
        return Path(value)  # type: ignore[return-value] # _Thing is Path here
    raise NotImplementedError


def _file(config: Path | None, environment: Mapping[str, str], folder: Path) -> Path | None:
    if config is None and environment.get(CONFIG):
        config = Path(environment[CONFIG])
    if config is not None:
        return folder / config.expanduser()
    default = folder / DEFAULT_FILE
    return default if default.exists() else None


def _read(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise SettingsError(f"The settings file {file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SettingsError(f"The settings file {file} is not valid TOML: {error}.") from error


def _strangers(environment: Mapping[str, str]) -> Iterator[str]:
    known = [key.name for key in KEYS] + [CONFIG]
    for name, value in sorted(environment.items()):
        if not name.startswith("ARGUS_") or name in known or (_SERVICE_LINK.fullmatch(name) and _is_service_link(name, value)):
            continue
        yield f"{name} in the environment is not a setting of Argus; {_nearest(name, known)}"


def _is_service_link(name: str, value: str) -> bool:
    return not name.endswith("_PORT") or "SERVICE" in name or "_TCP_" in name or "://" in value


def _unknown_in_file(file: Path, keys: Mapping[str, object]) -> Iterator[str]:
    known = [file_name(key) for key in KEYS]
    for name in sorted(set(keys).difference(known)):
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
    if isinstance(prepared, str) and key.field in _LISTS:
        prepared = [part for part in (part.strip() for part in prepared.split(",")) if part]
    try:
        value = msgspec.convert(prepared, _TYPES[key.field], strict=False, dec_hook=as_path)
        fits = prepared != "" and value is not None and key.accepts(value)
    except ValueError:
        fits, value = False, None
    if not fits:
        said = "" if key.secret else f" {raw!r}"
        raise SettingsError(f"{called} is{said or ' malformed'}; expected {key.expects}.")
    return folder / value.expanduser() if isinstance(value, Path) else value


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
            return masked(value)
        case _:
            return str(value)
