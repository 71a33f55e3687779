import pytest


@pytest.fixture(scope="session")
def spec():
    """Two sources and two people."""
    people = [{"actor": name, "username": name, "email": f"{name}@example.org", "token": "valid"} for name in ("alice", "bob")]
    admin = {"actor": "root", "username": "root", "is_superuser": True, "token": "valid"}
    robots = [{"actor": name, "username": name, "token": "valid"} for name in ("nav", "zabbix")]
    sources = [{"name": name, "type": name, "user": name} for name in ("nav", "zabbix")]
    return {"users": [*people, admin, *robots], "source_types": ["nav", "zabbix"], "sources": sources}
