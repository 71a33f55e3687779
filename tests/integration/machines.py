"""Machines of their own, as network namespaces that a switch joins; cables can be pulled."""

import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

PREFIX = 24


class Machine:
    """One machine: its address, and what runs programs there."""

    def __init__(self, lan: "Lan", name: str, number: int) -> None:
        self.name, self.address = f"{lan.name}-{name}", f"{lan.network}.{number}"
        self._lan, self._port = lan, f"p{number}"

    @property
    def within(self) -> Sequence[str]:
        """Before a command, this runs it there; the process is the command's own."""
        return ("ip", "netns", "exec", self.name)

    def connect(self) -> None:
        """Make it, and put its cable in."""
        _ip("netns", "add", self.name)
        _ip("link", "add", self._port, "netns", self._lan.name, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("-n", self.name, "addr", "add", f"{self.address}/{PREFIX}", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", self.name, "link", "set", device, "up")
        _ip("-n", self._lan.name, "link", "set", self._port, "up")
        self.mend()

    def cut(self) -> None:
        """Whatever is sent from or to it is lost, and nobody is told."""
        _ip("-n", self._lan.name, "link", "set", self._port, "nomaster")

    def mend(self) -> None:
        """Everything arrives again."""
        _ip("-n", self._lan.name, "link", "set", self._port, "master", "switch")


class Lan:
    """A switch, to which this machine is connected too, at `address`."""

    def __init__(self) -> None:
        self.name = f"argus-{secrets.token_hex(3)}"
        self.network = _unused_network()
        self.address = f"{self.network}.1"
        self._here = f"ar{secrets.token_hex(3)}"
        self._machines: list[Machine] = []

    def make(self) -> None:
        _ip("netns", "add", self.name)
        _ip("-n", self.name, "link", "add", "switch", "type", "bridge")
        _ip("-n", self.name, "link", "set", "switch", "up")
        _ip("link", "add", self._here, "type", "veth", "peer", "name", "p1", "netns", self.name)
        _ip("addr", "add", f"{self.address}/{PREFIX}", "dev", self._here)
        _ip("link", "set", self._here, "up")
        _ip("-n", self.name, "link", "set", "p1", "up", "master", "switch")

    def machine(self, name: str) -> Machine:
        """One more."""
        made = Machine(self, name, len(self._machines) + 2)
        self._machines.append(made)
        made.connect()
        return made

    def dissolve(self) -> None:
        """Take all of it away; processes that still run there stay, without a network."""
        for name in (self.name, *(machine.name for machine in self._machines)):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self._here], check=False, capture_output=True)


@contextmanager
def lan() -> Iterator[Lan]:
    """A network until the end of the block; the test is skipped where none can be made."""
    if reason := why_not():
        pytest.skip(reason)
    made = Lan()
    try:
        made.make()
        yield made
    finally:
        made.dissolve()


def why_not() -> str:
    """Why there can be no machines here; empty when there can."""
    if os.geteuid() != 0:
        return "only root can make network namespaces"
    name = f"argus-{secrets.token_hex(3)}"
    try:
        made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True, text=True)
        if made.returncode:
            return f"no network namespace can be made here: {made.stderr.strip()}"
        try:
            bridge = ["ip", "-n", name, "link", "add", "switch", "type", "bridge"]
            found = subprocess.run(bridge, check=False, capture_output=True, text=True)
        finally:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    except OSError:
        return "there is no `ip` here (package iproute2)"
    return f"no bridge can be made here: {found.stderr.strip()}" if found.returncode else ""


def _unused_network() -> str:
    """The beginning of the addresses of a private network that nobody here is in."""
    routes = Path("/proc/net/route").read_text()
    while True:
        second, third = 200 + secrets.randbelow(50), secrets.randbelow(250)
        if f"00{third:02X}{second:02X}0A" not in routes:
            return f"10.{second}.{third}"


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
