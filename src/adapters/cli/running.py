"""`argus serve`, `argus worker`, `argus health`."""

import json
import sys
from contextlib import contextmanager
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import click

from adapters.cli.doing import with_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.settings import Loaded, Settings

HEALTH_SECONDS = 5
_MOST_REASON = 200


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at; 0.0.0.0 is all of them.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes one that is free.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="So many processes answer requests.")
@click.option("--no-worker", is_flag=True, help="Do not start the process that does what is due; `argus worker` elsewhere does.")
@with_settings
def serve(*, host: str, port: int, workers: int, no_worker: bool, loaded: "Loaded") -> None:
    """
    Start the server and keep it running until Ctrl-C or SIGTERM.

    Without DATABASE_URL it brings its own PostgreSQL, with the data in --data (or ARGUS_DATA, or the folder for user data), and keeps the
    tables up to date. A database that DATABASE_URL names has to be brought up to date by `argus migrate`.

    \b
    argus serve
    argus serve --port 9000 --data ./data
    DATABASE_URL=postgresql://argus@db/argus argus serve --host 0.0.0.0 --workers 4
    """
    from adapters import logs, supervisor
    from adapters.databases import data_folder
    from adapters.plugins import check_offers
    from adapters.settings import described

    logs.configure(loaded.settings.log_level, loaded.settings.log_format)
    check_offers(loaded.settings.media, loaded.settings.ticket_system)
    plan = supervisor.Plan(
        settings=loaded.settings,
        host=host,
        port=port,
        workers=workers,
        with_worker=not no_worker,
        shown=tuple(described(loaded, data_folder(loaded.settings))),
    )
    supervisor.serve(plan, _announce)


def _announce(address: str) -> None:
    from importlib.metadata import version

    click.echo(f"Argus {version('argus-core')} serves {address}")


@click.command()
@click.option("--once", is_flag=True, help="Do what is due now, and end.")
@click.option("--metrics", metavar="HOST:PORT", help="Tell Prometheus there what is counted here; ARGUS_METRICS_ALLOW says who may ask.")
@with_settings
def worker(*, once: bool, metrics: str | None, loaded: "Loaded") -> None:
    """
    Tell people, and do what is due, without answering requests. `argus serve` starts one of these itself; more do no harm.

    \b
    DATABASE_URL=postgresql://argus@db/argus argus worker
    DATABASE_URL=postgresql://argus@db/argus argus worker --once
    DATABASE_URL=postgresql://argus@db/argus ARGUS_METRICS_ALLOW=10.1.2.3 argus worker --metrics 0.0.0.0:9100
    """
    from adapters import databases, logs
    from adapters import worker as work

    logs.configure(loaded.settings.log_level, loaded.settings.log_format)
    with databases.ready(loaded.settings) as database, _metrics(metrics, loaded.settings):
        if once:
            work.once(loaded.settings, database.url)
            return
        work.alone(loaded.settings, database.url, lambda: click.echo("The worker is ready."))


@contextmanager
def _metrics(address: str | None, settings: "Settings") -> "Iterator[None]":
    """Metrics at that address, if one is given, until the end of the block."""
    if address is None:
        yield
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise click.UsageError(f'"{address}" is no address like 0.0.0.0:9100.')
    if not settings.metrics_allow:
        raise click.UsageError("Nobody may collect metrics here: set ARGUS_METRICS_ALLOW.")
    from ipaddress import ip_network

    from adapters.counts import written
    from adapters.metrics import of_this_program
    from adapters.telling import telling

    networks = list(map(ip_network, settings.metrics_allow))
    with telling(host.strip("[]"), int(port), networks, lambda: written(of_this_program())):
        yield


@click.command()
@click.argument("url", default="http://127.0.0.1:8000/")
def health(*, url: str) -> None:
    """
    Ask a running server whether it is ready; the exit code is 0 if it is.

    \b
    argus health
    argus health http://argus.example.org/
    """
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f'"{url}" is no address like http://127.0.0.1:8000/.')
    try:
        with urlopen(f"{url.rstrip('/')}/health/ready", timeout=HEALTH_SECONDS) as answer:  # noqa: S310 - http or https
            answer.read()
    except HTTPError as error:
        click.echo(f"not ready: {_problems(error)}", err=True)
        sys.exit(1)
    except (HTTPException, OSError, ValueError) as error:  # the last of these is raised of addresses that are none
        raise click.ClickException(f"There is no answer from {url}: {_reason(error)}.") from error
    click.echo("ready")


def _reason(error: Exception) -> str:
    """Why there is none, on one line: some errors say what somebody has answered who does not speak HTTP."""
    said = error.reason if isinstance(error, URLError) else error
    return "".join(letter if letter.isprintable() else " " for letter in str(said)).strip()[:_MOST_REASON] or type(said).__name__


def _problems(error: HTTPError) -> str:
    try:
        return "; ".join(map(str, json.load(error)["problems"]))
    except (ValueError, KeyError, TypeError, RecursionError, HTTPException, OSError):
        return f"the answer was {error.code} {error.reason}"
