"""What ticket systems say about settings that are missing or wrong."""

import pytest

from adapters.tickets.github import GitHub
from adapters.tickets.gitlab import GitLab
from adapters.tickets.jira import Jira
from adapters.tickets.request_tracker import RequestTracker

SYSTEMS = {GitHub: "example/network", GitLab: "example/network", Jira: "NOC", RequestTracker: "General"}
MISSING = None


def settings(system, **changes):
    given = {"ENDPOINT": "https://tickets.example.org/", "TOKEN": "t0ken", "PROJECT": SYSTEMS[system], **changes}
    return {f"ARGUS_TICKET_{name}": value for name, value in given.items() if value is not MISSING}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"TOKEN": MISSING}, "ARGUS_TICKET_TOKEN is not set."),
        ({"TOKEN": "t0 ken"}, "ARGUS_TICKET_TOKEN is malformed"),
        ({"TOKEN": "t0ken\r\nX: y"}, "ARGUS_TICKET_TOKEN is malformed"),
        ({"TOKEN": "tøken"}, "ARGUS_TICKET_TOKEN is malformed"),
        ({"PROJECT": MISSING}, "ARGUS_TICKET_PROJECT is not set; expected "),
        ({"PROJECT": "\n"}, r"ARGUS_TICKET_PROJECT is '\\n'; expected "),
        ({"ENDPOINT": "tickets.example.org"}, "ARGUS_TICKET_ENDPOINT is malformed"),
        ({"ENDPOINT": "ftp://tickets.example.org"}, "ARGUS_TICKET_ENDPOINT is malformed"),
        ({"ENDPOINT": "https://me:pw@tickets.example.org"}, "ARGUS_TICKET_ENDPOINT is malformed"),
        ({"ENDPOINT": "https://tickets.example.org/?a=b"}, "ARGUS_TICKET_ENDPOINT is malformed"),
        ({"ENDPOINT": "https://tickets.example.org/#a"}, "ARGUS_TICKET_ENDPOINT is malformed"),
        ({"ENDPOINT": "https://xn--/"}, "ARGUS_TICKET_ENDPOINT is malformed"),
        ({"ENDPOINT": "https://tickets.example.org:99999/"}, "ARGUS_TICKET_ENDPOINT is malformed"),
    ],
)
def test_what_is_missing_or_wrong_is_named(system, changes, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        system(settings(system, **changes))

    assert not {"t0ken", "t0 ken", "pw"} & set(str(caught.value).replace(":", " ").replace("@", " ").split())


@pytest.mark.parametrize("system", SYSTEMS)
def test_right_settings_are_taken(system):
    made = system(settings(system, LABELS="" if system is RequestTracker else "argus, noc"))

    assert "t0ken" not in repr(vars(made))


@pytest.mark.parametrize(
    ("system", "project"),
    [(GitHub, "network"), (GitHub, "a/b/c"), (GitLab, "network"), (GitLab, "a//b"), (Jira, "noc"), (Jira, "NOC-1"), (RequestTracker, " ")],
)
def test_projects_are_written_as_the_system_does(system, project):
    with pytest.raises(ValueError, match="ARGUS_TICKET_PROJECT is"):
        system(settings(system, PROJECT=project))


@pytest.mark.parametrize("system", [Jira, RequestTracker])
def test_systems_of_ones_own_need_an_endpoint(system):
    with pytest.raises(ValueError, match=r"ARGUS_TICKET_ENDPOINT is not set\."):
        system(settings(system, ENDPOINT=MISSING))


@pytest.mark.parametrize(("system", "labels"), [(Jira, "two words"), (RequestTracker, "argus")])
def test_labels_that_the_system_cannot_have_are_named(system, labels):
    with pytest.raises(ValueError, match="ARGUS_TICKET_LABELS"):
        system(settings(system, LABELS=labels))
