"""A server and a worker tell systemd when they are ready, that they are well, and when they end."""

import socket
import subprocess

import pytest

from integration.serving import ARGUS, environ, impatience, process

PATIENCE = 60


@pytest.fixture
def manager(tmp_path):
    """Hears as systemd does; gives the address, and what is said next."""
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(address))
        listening.settimeout(PATIENCE)
        yield str(address), lambda: listening.recv(4096).decode().splitlines()


@pytest.mark.parametrize(("command", "status"), [(["serve", "--port", "0"], "Serves http://127.0.0.1:"), (["worker"], "Works")])
def test_systemd_hears_of_the_whole_life(command, status, manager, database_url, tmp_path):
    address, hear = manager
    environment = environ({"DATABASE_URL": database_url, "NOTIFY_SOCKET": address})
    with process(ARGUS, *command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL) as started, impatience(started):
        ready = hear()
        well = [hear() for _ in range(2)]
        started.terminate()
        while (last := hear()) == ["WATCHDOG=1"]:
            pass

        assert ("READY=1", True) == (ready[0], ready[1].startswith(f"STATUS={status}"))
        assert [["WATCHDOG=1"]] * 2 == well
        assert ["STOPPING=1"] == last
        assert 0 == started.wait(PATIENCE)
