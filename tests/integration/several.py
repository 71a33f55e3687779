"""Argus on several machines: servers, a worker, and two machines with PostgreSQL, of which one follows the other."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from integration.cluster import Cluster, cluster
from integration.machines import Lan, Machine, lan
from integration.notifications.people import Installation
from integration.serving import ARGUS, Served, applied, environ, process, serving
from integration.sink import Sink, sink

PORT = 5432
SERVERS = 2


class Several:
    """
    What there is, and what can happen to it: `fail_over` and `network_cut`, which come back when it is over, or not if they say so.

    `url` is where some server listens, `urls` where each of them does.
    """

    def __init__(self, net: Lan, databases: Cluster, machines: Sequence[Machine], mailbox: Sink) -> None:
        self.net, self.databases, self.mailbox = net, databases, mailbox
        self._machines = machines
        self.served: list[Served] = []
        self.tokens: dict[str, str] = {}

    @property
    def urls(self) -> list[str]:
        return [one.url for one in self.served]

    @property
    def url(self) -> str:
        return self.urls[0]

    @property
    def dsn(self) -> str:
        """The database that is written to."""
        return self.databases.primary.url

    def fail_over(self, away: float = 0.5) -> None:
        """The server that is written to dies, the other one takes over, and the dead one comes back as its replica."""
        self.databases.fail_over(away)
        self.databases.rejoin()

    def network_cut(self, seconds: float) -> None:
        """For so long nothing that is sent to or from the machines with PostgreSQL arrives."""
        self.cut()
        try:
            time.sleep(seconds)
        finally:
            self.mend()

    def cut(self) -> None:
        """Nothing arrives any more."""
        for machine in self._machines:
            machine.cut()

    def mend(self) -> None:
        """Everything arrives again."""
        for machine in self._machines:
            machine.mend()


@contextmanager
def several(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Several]:
    """Such an installation with the usual people until the end of the block; skipped where there can be no machines."""
    with ExitStack() as stack:
        net = stack.enter_context(lan())
        here, there = net.machine("db1"), net.machine("db2")
        databases = stack.enter_context(cluster((here.address, PORT), (there.address, PORT), here.within, there.within))
        databases.wait_for_both()
        mailbox = stack.enter_context(sink(net.address))
        found = Several(net, databases, (here, there), mailbox)
        environment = {
            "DATABASE_URL": databases.url,
            "DATABASE_READ_URL": databases.replica.url,
            "ARGUS_FRONTEND_URL": "https://argus.example.org",
            **mailbox.settings,
            **(settings or {}),
        }
        world = applied(Installation.SPEC, environment=environment, folder=folder)
        found.tokens = {name: one["token"] for name, one in world["actors"].items()}
        working = net.machine("worker")
        log = stack.enter_context((folder / "worker.log").open("ab"))
        command = (*working.within, ARGUS, "worker")
        stack.enter_context(process(*command, env=environ(environment), cwd=folder, stdout=log, stderr=log))
        for number in range(SERVERS):
            machine = net.machine(f"web{number}")
            options = {"environment": environment, "folder": folder, "within": machine.within}
            found.served.append(stack.enter_context(serving("--no-worker", "--host", machine.address, **options)))
        yield found
