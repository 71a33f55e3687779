"""Profiles and what they consist of in API v2, beyond what the recorded corpus asks."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import strategies as some
from adapters.http import build_app
from argus_core.ports.media import BadSettings, EnabledMedium, Media
from argus_core.usecases.profiles import ProfileService

HERE = "notificationprofiles"
WEEKDAYS = {"days": [1, 2], "start": "08:00", "end": "16:00:00.5"}


class Pager:
    """A medium of somebody else, with a secret."""

    slug, name = "pager", "Pager <1>"
    schema = {"title": "<b>", "type": "object", "properties": {"url": {"type": "string"}, "key": {"type": "string", "writeOnly": True}}}  # noqa: RUF012

    def clean(self, settings):
        if "key" not in settings:
            raise BadSettings({"key": "This field is required."})
        return {"url": settings.get("url"), "key": settings["key"]}

    def label(self, settings):
        return f"Pager: {settings['url']}"


@pytest.fixture
def make(world):
    async def made(path, who="alice", status=201, **body):
        answer = await world.ask(who, "POST", f"{HERE}/{path}", json=body)
        assert status == answer.status_code, answer.text
        return answer.json()

    return made


@pytest.fixture
def read(world):
    async def got(path, who="alice", **params):
        answer = await world.ask(who, "GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return got


@pytest.mark.anyio
class TestTimeslots:
    async def test_show_a_zone_and_a_night_only_when_there_is_one(self, world, make):
        plain = await make("timeslots/", name="plain", time_recurrences=[WEEKDAYS], zone="Europe/Oslo")
        night = {"days": [5], "start": "22:00:00", "end": "06:00:00", "ends_next_day": True}
        special = await make("timeslots/", name="special", time_recurrences=[{**night, "junk": 1}], zone="Asia/Tokyo")

        assert {
            "pk": plain["pk"],
            "name": "plain",
            "time_recurrences": [{**WEEKDAYS, "start": "08:00:00", "end": "16:00:00.500000"}],
        } == plain
        assert {"pk": special["pk"], "name": "special", "time_recurrences": [night], "zone": "Asia/Tokyo"} == special

    async def test_keep_their_zone_until_another_is_given(self, world, make):
        slot = await make("timeslots/", name="s", time_recurrences=[], zone="Asia/Tokyo")
        path = f"{HERE}/timeslots/{slot['pk']}/"
        whole = {"name": "t", "time_recurrences": []}

        kept = await world.ask("alice", "PUT", path, json=whole)
        reset = await world.ask("alice", "PUT", path, json={**whole, "zone": None})
        changed = await world.ask("alice", "PATCH", path, json={"zone": "UTC"})

        assert ["Asia/Tokyo", None, "UTC"] == [answer.json().get("zone") for answer in (kept, reset, changed)]

    @pytest.mark.parametrize(
        ("change", "errors"),
        [
            ({"zone": "Europe/Nowhere"}, {"zone": ['"Europe/Nowhere" is not a known time zone.']}),
            ({"zone": "../secret"}, {"zone": ['"../secret" is not a known time zone.']}),
            ({"zone": ""}, {"zone": ["This field may not be blank."]}),
            (
                {"time_recurrences": [WEEKDAYS, {**WEEKDAYS, "end": "07:00"}, None]},
                {"time_recurrences": {"2": ["This field may not be null."]}},
            ),
            (
                {"time_recurrences": [WEEKDAYS, {**WEEKDAYS, "end": "07:00"}]},
                {"time_recurrences": {"1": {"non_field_errors": ["'start' must be before 'end'."]}}},
            ),
            (
                {"time_recurrences": [{**WEEKDAYS, "ends_next_day": "perhaps"}]},
                {"time_recurrences": {"0": {"ends_next_day": ["Must be a valid boolean."]}}},
            ),
            ({"time_recurrences": [WEEKDAYS] * 257}, {"time_recurrences": ["Ensure this field has no more than 256 elements."]}),
        ],
    )
    async def test_are_refused_by_place(self, world, change, errors):
        answer = await world.ask("alice", "POST", f"{HERE}/timeslots/", json={"name": "s", "time_recurrences": [], **change})

        assert (400, errors) == (answer.status_code, answer.json())


@pytest.mark.anyio
class TestEscalation:
    @pytest.fixture
    async def whole(self, make):
        slot, filter_ = await make("timeslots/", name="s", time_recurrences=[]), await make("filters/", name="f")
        return {"timeslot": slot["pk"], "filters": [filter_["pk"]]}

    async def test_is_shown_only_when_it_is_set_and_stays_until_it_is_taken_away(self, world, make, whole):
        plain, waiting = await make("", **whole), await make("", **whole, escalate_after=15)
        path = f"{HERE}/{waiting['pk']}/"

        answers = [
            await world.ask("alice", method, path, json=body)
            for method, body in (("PUT", whole), ("PATCH", {"escalate_after": 1440}), ("PATCH", {}), ("PATCH", {"escalate_after": None}))
        ]

        assert "escalate_after" not in plain
        assert [15, 15, 1440, 1440] == [waiting["escalate_after"], *(answer.json()["escalate_after"] for answer in answers[:3])]
        assert "escalate_after" not in answers[3].json()

    @pytest.mark.parametrize("wait", [0, -1, 1441, 1.5, "soon", [], 10**30, True])
    async def test_is_a_number_of_minutes(self, world, whole, wait):
        answer = await world.ask("alice", "POST", f"{HERE}/", json={**whole, "escalate_after": wait})

        assert (400, ["escalate_after"]) == (answer.status_code, list(answer.json()))


@pytest.mark.anyio
class TestFilters:
    async def test_show_what_the_document_does_not_know_only_when_it_was_given(self, world, make):
        expression = {"any": [{"not": {"tags": ["host=a"]}}, {"minDuration": 5}]}
        extra = {"event_type": "STA", "event_types": ["END", "STA"], "expression": expression}

        filter_ = await make("filters/", name="all", filter={**extra, "maxlevel": 2})
        plain = await make("filters/", name="none", filter={"expression": None, "event_type": None, "event_types": None})

        unset = {"open": None, "acked": None, "stateful": None, "maxlevel": None}
        assert {**unset, "maxlevel": 2, **extra} == filter_["filter"]
        assert unset == plain["filter"]

    @pytest.mark.parametrize(
        ("expression", "errors"),
        [
            ({"any": [{"maxlevel": 9}]}, {"any": {"0": {"maxlevel": ["Ensure this value lies between 1 and 5."]}}}),
            ("x", ["Expected an object with exactly one key."]),
            ({"all": []}, {"all": ["This list may not be empty."]}),
        ],
    )
    async def test_have_expressions_that_are_refused_by_place(self, world, expression, errors):
        kept = await world.ask("alice", "POST", f"{HERE}/filters/", json={"name": "f", "filter": {"expression": expression}})
        tried = await world.ask("alice", "POST", f"{HERE}/filterpreview/", json={"expression": expression})

        assert (400, {"filter": {"expression": errors}}) == (kept.status_code, kept.json())
        assert (400, {"expression": errors}) == (tried.status_code, tried.json())

    async def test_that_are_used_cannot_be_deleted_and_the_answer_is_a_sentence(self, world, make):
        slot = await make("timeslots/", name="s", time_recurrences=[])
        filter_ = await make("filters/", name="f")
        await make("", timeslot=slot["pk"], filters=[filter_["pk"]], name="P")

        answer = await world.ask("alice", "DELETE", f"{HERE}/filters/{filter_['pk']}/")

        assert (400, "Cannot delete this filter since it is in use in the notification profile(s): P.") == (
            answer.status_code,
            answer.json(),
        )


@pytest.mark.anyio
class TestPreviews:
    async def test_stop_at_the_limit_and_lead_on(self, world, make):
        """
        Whoever follows the link gets the rest, and nothing twice.
        """
        world.unpaged_limit = 2
        pks = [(await world.incident(tags=[{"tag": "host=a"}]))["pk"] for _ in range(5)]
        await world.incident()
        slot = await make("timeslots/", name="s", time_recurrences=[])
        filter_ = await make("filters/", name="f", filter={"tags": ["host=a"], "open": True})
        profile = await make("", timeslot=slot["pk"], filters=[filter_["pk"]])
        async with world.as_("alice", build_app(world.services)) as client:
            for answer in (
                await client.get(f"/api/v2/{HERE}/{profile['pk']}/incidents/"),
                await client.post(f"/api/v2/{HERE}/filterpreview/", json={"tags": ["host=a"], "open": True, "event_types": []}),
            ):
                seen = [incident["pk"] for incident in answer.json()]
                assert 2 == len(seen)
                url = answer.links["next"]["url"]
                while url:
                    page = (await client.get(url)).json()
                    seen += [incident["pk"] for incident in page["results"]]
                    url = page["next"]
                assert pks[::-1] == seen
            whole = await client.post(f"/api/v2/{HERE}/filterpreview/", json={"tags": ["host=b"]})
            assert {} == whole.links

    async def test_that_no_list_can_repeat_lead_nowhere(self, world):
        world.unpaged_limit = 1
        for _ in range(2):
            await world.incident(tags=[{"tag": "host="}, {"tag": "place=a,b"}])
        async with world.as_("alice", build_app(world.services)) as client:
            for asked in ({"tags": ["host="]}, {"tags": ["place=a,b"]}, {"expression": {"open": True}}):
                answer = await client.post(f"/api/v2/{HERE}/filterpreview/", json=asked)

                assert (1, {}) == (len(answer.json()), answer.links)

    async def test_know_that_events_are_not_incidents(self, world, make):
        """A filter that says nothing of incidents shows none, and neither does a profile with one; other parts of it do not help."""
        await world.incident()
        slot = await make("timeslots/", name="s", time_recurrences=[])
        filters = [
            (await make("filters/", name=name, filter=filter_))["pk"]
            for name, filter_ in (
                ("open", {"open": True}),
                ("events", {"event_types": ["STA"]}),
                ("both", {"open": True, "event_type": "END"}),
            )
        ]

        async def shown(*filters):
            profile = await make("", timeslot=slot["pk"], filters=filters)
            return len((await world.ask("alice", "GET", f"{HERE}/{profile['pk']}/incidents/")).json())

        assert [1, 0, 1, 0, 1] == [
            await shown(filters[0]),
            await shown(filters[1]),
            await shown(filters[2]),
            await shown(*filters),
            await shown(filters[0], filters[2]),
        ]


@pytest.mark.anyio
class TestDestinations:
    async def test_are_replaced_whole_and_more_than_once(self, world, make):
        made = await make("destinations/", media="sms", settings={"phone_number": "+4799000001"}, label="a")
        path = f"{HERE}/destinations/{made['pk']}/"
        body = {"media": "sms", "settings": {"phone_number": "+47 99 00 00 02"}, "label": "b"}

        answers = [await world.ask("alice", "PUT", path, json=body) for _ in range(2)]
        lacking = await world.ask("alice", "PUT", path, json={"label": "c"})

        expected = {**made, "settings": {"phone_number": "+4799000002"}, "label": "b", "suggested_label": "SMS: +4799000002"}
        assert [(200, expected)] * 2 == [(answer.status_code, answer.json()) for answer in answers]
        assert (400, {"media", "settings"}) == (lacking.status_code, set(lacking.json()))

    async def test_never_change_their_medium(self, world, make):
        made = await make("destinations/", media="sms", settings={"phone_number": "+4799000001"})

        answers = [
            await world.ask(
                "alice", method, f"{HERE}/destinations/{made['pk']}/", json={"media": "email", "settings": {"email_address": "a@b.no"}}
            )
            for method in ("PUT", "PATCH")
        ]

        assert [(400, ["media"])] * 2 == [(answer.status_code, list(answer.json())) for answer in answers]

    async def test_that_follow_the_account_may_be_labelled_and_make_room_for_another(self, world, read):
        (synced,) = await read(f"{HERE}/destinations/")
        path = f"{HERE}/destinations/{synced['pk']}/"

        labelled = await world.ask("alice", "PATCH", path, json={"pk": 1, "label": "Mine"})
        refused = await world.ask("alice", "DELETE", path)
        moved = await world.ask("alice", "PATCH", path, json={"settings": {"email_address": "else@example.org"}})

        assert {"synced": True, "email_address": "alice@example.org"} == labelled.json()["settings"]
        assert (400, list) == (refused.status_code, type(refused.json()))
        assert {"synced": False, "email_address": "else@example.org"} == moved.json()["settings"]
        assert {True, False} == {destination["settings"]["synced"] for destination in await read(f"{HERE}/destinations/")}

    async def test_have_no_label_when_it_is_empty(self, make):
        made = [await make("destinations/", media="sms", settings={"phone_number": f"+479900000{digit}"}, label="") for digit in (1, 2)]

        assert [None, None] == [destination["label"] for destination in made]


@pytest.mark.anyio
class TestMedia:
    @pytest.fixture
    async def client(self, world):
        media = Media(
            (
                EnabledMedium(slug="pager", name="Pager <1>", medium=Pager()),
                EnabledMedium(slug="owl", name="owl", medium=None, reason="No owl."),
            )
        )
        world.media, world.profiles = media, ProfileService(world.profiles.profiles, media, "Europe/Oslo")
        async with world.as_("alice", build_app(world.services)) as client:
            yield client

    async def test_that_are_missing_are_listed_as_not_installed(self, client):
        listed = (await client.get(f"/api/v2/{HERE}/media/")).json()
        schema = await client.get(f"/api/v2/{HERE}/media/owl/json_schema/")
        used = await client.post(f"/api/v2/{HERE}/destinations/", json={"media": "owl", "settings": {}})

        assert [("pager", True), ("owl", False)] == [(medium["slug"], medium["installed"]) for medium in listed]
        assert (400, ["owl is not installed."]) == (schema.status_code, schema.json())
        assert (400, ["media"]) == (used.status_code, list(used.json()))

    async def test_that_are_gone_leave_destinations_that_can_be_seen(self, client):
        (destination,) = (await client.get(f"/api/v2/{HERE}/destinations/")).json()

        assert {"slug": "email", "name": "email", "installed": False} == destination["media"]
        assert "email" == destination["suggested_label"]

    async def test_that_fail_at_a_destination_do_not_break_the_list(self, client, monkeypatch, caplog):
        """
        What a plugin has stored may be too old for the next version of it.
        """
        await client.post(f"/api/v2/{HERE}/destinations/", json={"media": "pager", "settings": {"url": "u", "key": "hush"}})
        monkeypatch.setattr(Pager, "label", lambda _, settings: settings["host"])

        listed = await client.get(f"/api/v2/{HERE}/destinations/")

        assert (200, {"email", "Pager <1>"}) == (listed.status_code, {destination["suggested_label"] for destination in listed.json()})
        assert "The medium pager cannot label a destination" in caplog.text

    async def test_are_told_secrets_and_never_tell_them(self, client):
        made = await client.post(f"/api/v2/{HERE}/destinations/", json={"media": "pager", "settings": {"url": "u", "key": "hush"}})
        path = f"/api/v2/{HERE}/destinations/{made.json()['pk']}/"
        changed = await client.patch(path, json={"settings": {"url": "v"}})

        assert [(201, {"url": "u"}), (200, {"url": "v"})] == [(answer.status_code, answer.json()["settings"]) for answer in (made, changed)]

    async def test_have_a_page_about_their_settings(self, world, client):
        schema = (await client.get(f"/api/v2/{HERE}/media/pager/json_schema/")).json()["json_schema"]
        async with world.as_(None, build_app(world.services)) as anybody:
            page = await anybody.get(schema["$id"])
            others = [(await anybody.get(f"/json-schema/{slug}")).status_code for slug in ("owl", "pigeon", "email")]

        assert (200, "/json-schema/pager") == (page.status_code, urlsplit(schema["$id"]).path)
        assert "Pager &lt;1&gt;" in page.text
        assert "<b>" not in page.text
        assert [404] * 3 == others

    async def test_are_named_where_the_server_tells_of_itself(self, client):
        assert [f"{Pager.__module__}.Pager"] == (await client.get("/api/")).json()["destination_plugins"]


@pytest.mark.anyio
class TestQueries:
    async def test_find_what_own_filters_and_profiles_match(self, world, make, read):
        await world.incident(level=1)
        await world.incident(level=4)
        slot = await make("timeslots/", name="s", time_recurrences=[])
        worst = await make("filters/", name="worst", filter={"maxlevel": 2})
        events = await make("filters/", name="events", filter={"event_type": "STA"})
        profile = await make("", timeslot=slot["pk"], filters=[worst["pk"]], active=False)

        async def found(who="alice", **params):
            return [incident["level"] for incident in (await read("incidents/", who, **params))["results"]]

        for name, pk in (("filter_pk", worst["pk"]), ("notificationprofile_pk", profile["pk"])):
            assert [1] == await found(**{name: pk})
            assert [] == await found("bob", **{name: pk})
            assert [] == await found(**{name: 987654321})
            assert [] == await found(**{name: 2**70})
            assert [4, 1] == await found(**{name: ""})
            refused = await world.ask("alice", "GET", "incidents/", params={name: "x", "level__lte": "y"})
            assert (400, {name, "level__lte"}) == (refused.status_code, set(refused.json()))
        assert [] == await found(filter_pk=events["pk"])

    async def test_search_all_texts_of_an_incident(self, world, read):
        pk = (await world.incident(description="Router is DOWN"))["pk"]
        await world.incident(description="router is up")
        await world.ask("alice", "POST", f"incidents/{pk}/events/", json={"type": "OTH", "description": "called Ægir"})

        async def found(search):
            return len((await read("incidents/", search=search))["results"])

        assert [2, 1, 1, 0, 0, 2] == [await found(text) for text in ("ROUTER", "down", "ægir, router ", "up,down", "%", " , ")]

    async def test_name_incidents_by_pk(self, world, read):
        pks = [(await world.incident())["pk"] for _ in range(3)]

        got = await read("incidents/", id__in=f"{pks[0]}, {pks[2]},{2**70}")

        assert [pks[2], pks[0]] == [incident["pk"] for incident in got["results"]]

    async def test_count_when_asked_to(self, world, read):
        for level in (1, 2, 3):
            await world.incident(level=level)

        page = await read("incidents/", count="true", page_size=1, level__lte=2)
        further = await read("incidents/", **{name: value[0] for name, value in parse_qs(urlsplit(page["next"]).query).items()})
        mine = await read("incidents/mine/", "zabbix", count="1")

        assert (2, 2, 0) == (page["count"], further["count"], mine["count"])
        assert {"next", "previous", "results"} == set(await read("incidents/", count="no"))


@pytest.mark.anyio
class TestDigests:
    async def test_are_shown_only_where_there_is_one_and_v1_leaves_them(self, world, make, read):
        slot = await make("timeslots/", name="s", time_recurrences=[WEEKDAYS])
        worst = await make("filters/", name="worst", filter={"maxlevel": 2})
        plain = await make("", timeslot=slot["pk"], filters=[worst["pk"]])
        made = await make("", timeslot=slot["pk"], filters=[worst["pk"]], digest="08:00")
        here = f"{HERE}/{made['pk']}/"
        v1 = {"timeslot": slot["pk"], "filters": [worst["pk"]], "media": [], "phone_number": None, "active": False}
        async with world.as_("alice") as alice:
            assert (await alice.put(f"/api/v1/{here}", json=v1)).is_success
        kept = await read(here)
        changes = [await world.ask("alice", "PATCH", here, json={"digest": digest}) for digest in ("30m", None, "", "25:00", 5)]

        assert ("digest" in plain, made["digest"], kept["digest"], kept["active"]) == (False, "08:00", "08:00", False)
        assert [200, 200, 200, 400, 400] == [answer.status_code for answer in changes]
        assert ["30m", None, None] == [answer.json().get("digest") for answer in changes[:3]]
        assert ["digest"] == list(changes[3].json())


NAMES = (
    *(
        "name",
        "time_recurrences",
        "zone",
        "filter",
        "media",
        "settings",
        "label",
        "timeslot",
        "filters",
        "destinations",
        "active",
        "digest",
    ),
    *("open", "tags", "sourceSystemIds", "maxlevel", "event_type", "event_types", "expression"),
)
INNER_NAMES = ("open", "tags", "maxlevel", "any", "all", "not", "text", "phone_number", "email_address", "expression")
RECURRENCE_NAMES = ("days", "start", "end", "all_day", "ends_next_day")
RECURRENCES = st.lists(
    st.dictionaries(st.sampled_from(RECURRENCE_NAMES), st.just([1]) | st.just("08:00") | some.json_values, max_size=5), max_size=3
)
BODIES = st.dictionaries(
    st.sampled_from(NAMES), some.json_values | RECURRENCES | st.dictionaries(st.sampled_from(INNER_NAMES), some.json_values)
)


@pytest.mark.anyio
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["timeslots/", "filters/", "destinations/", "", "filterpreview/", "timeslots/1/", "destinations/1/"]),
    method=st.sampled_from(["POST", "PUT", "PATCH"]),
    body=BODIES,
)
async def test_any_body_is_taken_or_refused(lasting_world, path, method, body):
    """
    Nothing a client sends makes the server fail.
    """
    answer = await lasting_world.ask("alice", method, f"{HERE}/{path}", json=body)

    assert answer.status_code < 500, answer.text
