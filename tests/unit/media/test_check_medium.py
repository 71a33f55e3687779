"""The contract of media notices every kind of broken promise, and says which one it is."""

import secrets

import pytest

from argus_core.conformance import check_medium, sample_notification
from argus_core.ports.media import BadSettings, EnabledMedium, Media, Medium, close, host_of, lack_of

GOOD = ({"code": "abc"}, {"code": " x ", "pin": "1234"})
BAD = ({}, {"code": "?"})


class Pigeon(Medium):
    """A medium that keeps its promises."""

    slug = "pigeon"
    name = "Carrier pigeon"

    @property
    def schema(self):
        return {
            "title": "Pigeon Settings",
            "description": "Where pigeons fly to.",
            "type": "object",
            "required": ["code"],
            "properties": {"code": {"type": "string", "title": "Code"}, "pin": {"type": "string", "title": "PIN", "writeOnly": True}},
        }

    def clean(self, settings):
        code, pin = settings.get("code"), settings.get("pin")
        if not isinstance(code, str) or not code.strip().isalpha() or len(code) > 100:
            raise BadSettings({"code": "Enter a code."})
        return {"code": code.strip(), **({"pin": pin.strip()} if isinstance(pin, str) and pin.strip().isdigit() else {})}

    def label(self, settings):
        return f"Pigeon: {settings['code']}"

    async def send(self, notification, settings):
        raise NotImplementedError


def changed_schema(**changes):
    return property(lambda self: {**Pigeon().schema, **changes})


def clean_with(change):
    return lambda self, settings: change(Pigeon().clean(settings), settings)


class Old:
    """A medium that only has what every medium must have."""

    slug, name, schema = Pigeon.slug, Pigeon.name, Pigeon.schema
    clean, label, send = Pigeon.clean, Pigeon.label, Pigeon.send


class OnceOnly:
    """A schema that is another one each time."""

    def __get__(self, medium, owner):
        medium.asked = getattr(medium, "asked", 0) + 1
        return {**Pigeon().schema, "title": str(medium.asked)}


def spoiling(self, settings):
    clean = Pigeon().clean(settings)
    if isinstance(settings, dict) and "pin" in settings:
        settings["pin"] = "0"
    return clean


def refusing_without(errors):
    def clean(self, settings):
        try:
            return Pigeon().clean(settings)
        except BadSettings:
            raise BadSettings(errors) from None

    return clean


def raising(self, settings):
    try:
        return Pigeon().clean(settings)
    except BadSettings as error:
        raise KeyError("code") from error


def counting(self, settings):
    return {"code": Pigeon().clean(settings)["code"] + "x"}


def not_trimming(self, settings):
    Pigeon().clean(settings)
    return {"code": settings["code"]}


def believing(self, settings):
    code = settings.get("code")
    if not code or code == "?":
        raise BadSettings({"code": "Enter a code."})
    return {"code": code.strip() if isinstance(code, str) else code}


BROKEN = {
    "slug": {"slug": "Pigeon Post"},
    "name": {"name": " "},
    "send is a coroutine function": {"send": lambda self, notification, settings: None},
    "close is a coroutine function": {"close": lambda self: None},
    "lacks is a text": {"lacks": None},
    "host, asked once more": {"host": lambda self, settings: secrets.token_hex()},
    "schema as JSON": {"schema": changed_schema(required=("code",))},
    "schema once more": {"schema": OnceOnly()},
    "schema: type": {"schema": changed_schema(type="string")},
    "schema: title and description": {"schema": changed_schema(description="")},
    "properties": {"schema": changed_schema(properties=["code"])},
    "code: type and title": {"schema": changed_schema(properties={"code": {"type": "string"}})},
    "required: expected an array": {"schema": changed_schema(required="code")},
    "required but no property": {"schema": changed_schema(required=["code", "wing"])},
    "settings that were given": {"clean": spoiling},
    "clean settings, cleaned": {"clean": counting},
    "clean settings nobody knows": {"clean": clean_with(lambda clean, _: {**clean, "wing": 1})},
    "clean settings that are missing": {"clean": clean_with(lambda clean, _: {})},
    "clean settings can be stored": {"clean": clean_with(lambda clean, _: {**clean, "pin": "\0"})},
    "settings with an unknown key": {
        "clean": clean_with(lambda clean, given: {**clean, "pin": "9"} if "unknown-to-all" in given else clean),
    },
    "settings with blanks around": {"clean": not_trimming},
    "what is for staff, named as settings": {"for_staff": lambda self, settings: {"wing": "Only staff has wings."}},
    "a sentence about what is for staff": {"for_staff": lambda self, settings: {"code": " "}},
    "label": {"label": lambda self, settings: " "},
    "label of at most 1,000 characters": {"label": lambda self, settings: "x" * 1_001},
    "What the medium says of itself raised KeyError: 'schema.json'": {"schema": property(lambda self: {}["schema.json"])},
    "which is good, also with blanks and tabs around each text, raised ZeroDivisionError": {"label": lambda self, settings: 1 / 0},
    "which has to be refused, raised KeyError": {"clean": raising},
    "pin is a secret": {"label": lambda self, settings: " ".join(settings.values())},
    "should be refused": {"clean": clean_with(lambda clean, _: clean), "bad": ({"code": "abc"},)},
    "settings named in a refusal": {"clean": refusing_without({"wing": "Broken."})},
    "a sentence about each": {"clean": refusing_without({"code": ""})},
    "code is missing": {"clean": refusing_without({"": "No."})},
    "became can be stored": {"clean": believing},
}


@pytest.mark.parametrize("medium", [Pigeon(), Old()], ids=["whole", "old"])
def test_a_medium_that_keeps_its_promises_passes(medium):
    check_medium(medium, GOOD, BAD)


@pytest.mark.anyio
@pytest.mark.parametrize("medium", [Pigeon(), Old()], ids=["whole", "old"])
async def test_what_a_medium_leaves_out_is_nothing_special(medium):
    await close(medium)

    assert ("", "") == (lack_of(medium), host_of(medium, {"code": "abc"}))


@pytest.mark.anyio
async def test_what_a_medium_says_of_itself_is_asked_for():
    class Keen(Old):
        lacks = "PIGEONS is not set, so pigeons wait."
        closed = False

        def host(self, settings):
            return f"loft of {settings['code']}"

        async def close(self):
            self.closed = True

    medium = Keen()
    await close(medium)

    assert (Keen.lacks, "loft of abc", True) == (lack_of(medium), host_of(medium, {"code": "abc"}), medium.closed)


@pytest.mark.parametrize("promise", BROKEN)
def test_a_broken_promise_is_named(promise):
    broken = dict(BROKEN[promise])
    bad = broken.pop("bad", BAD)
    medium = type("Broken", (Pigeon,), broken)()

    with pytest.raises(AssertionError) as caught:
        check_medium(medium, tuple(dict(settings) for settings in GOOD), bad)

    assert promise in str(caught.value)


def test_a_refusal_without_any_sentence_is_noticed():
    medium = type("Silent", (Pigeon,), {"clean": refusing_without({})})()

    with pytest.raises(AssertionError, match="a sentence about each"):
        check_medium(medium, GOOD, BAD)


def test_the_sample_has_what_is_hard_to_send():
    notification = sample_notification()

    assert notification == sample_notification()
    assert {"ü", "🔥", "\r\nBcc:", "\n.\n"} == {hard for hard in ("ü", "🔥", "\r\nBcc:", "\n.\n") if hard in notification.text}


def test_media_are_found_by_slug_and_say_whether_they_can_be_used():
    pigeon = EnabledMedium(slug="pigeon", name="Carrier pigeon", medium=Pigeon())
    raven = EnabledMedium(slug="raven", name="raven", medium=None, reason="No installed package offers raven.")
    media = Media((pigeon, raven))

    found = [media.get(slug) for slug in ("raven", "pigeon", "dove")]

    assert [raven, pigeon, None] == found
    assert [True, False] == [medium.installed for medium in media.enabled]
