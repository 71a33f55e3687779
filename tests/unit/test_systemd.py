"""What systemd hears."""

import os
import socket

import pytest

from adapters.systemd import Systemd


@pytest.fixture(params=["a file", "no file"])
def heard(request, tmp_path):
    """The address as systemd names it, and what arrived there."""
    name = str(tmp_path / "notify") if request.param == "a file" else f"@argus-test-{os.getpid()}-{id(request)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0"))
        listening.setblocking(False)
        yield name, lambda: listening.recv(4096).decode()


def test_each_word_is_a_datagram(heard):
    name, hear = heard
    systemd = Systemd({"NOTIFY_SOCKET": name})

    systemd.ready("Serves")
    systemd.well()
    systemd.stopping()

    assert ["READY=1\nSTATUS=Serves", "WATCHDOG=1", "STOPPING=1"] == [hear(), hear(), hear()]


def test_children_do_not_speak_for_us():
    environment = {"NOTIFY_SOCKET": "/run/systemd/notify", "PATH": "/bin"}

    Systemd(environment)

    assert {"PATH": "/bin"} == environment


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": "/nothing/here"}])
def test_nobody_who_listens_is_no_trouble(environment):
    Systemd(environment).ready("Serves")


def test_a_manager_that_hangs_holds_up_nobody(heard):
    name, _ = heard
    systemd = Systemd({"NOTIFY_SOCKET": name})

    for _ in range(10_000):  # more than any queue takes
        systemd.well()
