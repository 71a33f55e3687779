"""What email and SMS say about themselves, what they take, and what they say about wrong settings: as the clients know it."""

import pytest

from adapters.media.email import Email
from adapters.media.sms import Sms
from argus_core.conformance import check_medium, sample_notification
from argus_core.ports.media import BadSettings, TryLater

REQUIRED = "This field is required."
BAD_ADDRESS = "Enter a valid email address."
BAD_NUMBER = "Enter a valid phone number (e.g. +12125552368)."


def refusal(medium, settings):
    with pytest.raises(BadSettings) as caught:
        medium.clean(settings)
    return caught.value.errors


@pytest.mark.parametrize(
    ("medium", "good", "bad"),
    [
        (
            Email({}),
            [{"email_address": "alice@example.org"}, {"email_address": "A@EXAMPLE.org", "synced": True}],
            [{"email_address": "a@b"}, {"phone_number": "+4791234567"}],
        ),
        (
            Sms({}),
            [{"phone_number": "+47 912 34 567"}, {"phone_number": "+12125552368"}],
            [{"phone_number": "91234567"}, {"email_address": "a@b.org"}],
        ),
    ],
    ids=["email", "sms"],
)
def test_ours_pass_the_contract_of_media(medium, good, bad):
    check_medium(medium, good, bad)


def test_email_describes_itself():
    medium = Email({})

    assert ("email", "Email") == (medium.slug, medium.name)
    assert medium.schema == {
        "title": "Email Settings",
        "description": "Settings for a DestinationConfig using email.",
        "type": "object",
        "required": ["email_address"],
        "properties": {"email_address": {"type": "string", "title": "Email address"}},
    }


def test_sms_describes_itself():
    medium = Sms({})

    assert ("sms", "SMS") == (medium.slug, medium.name)
    assert medium.schema == {
        "title": "SMS Settings",
        "description": "Settings for a DestinationConfig using SMS.",
        "type": "object",
        "required": ["phone_number"],
        "properties": {
            "phone_number": {
                "type": "string",
                "title": "Phone number",
                "description": "The phone number is validated and the country code needs to be given.",
            },
        },
    }


def test_addresses_are_kept_as_they_are_written():
    clean = Email({}).clean({"email_address": "  Alice@EXAMPLE.org ", "synced": True})

    assert {"email_address": "Alice@EXAMPLE.org"} == clean
    assert Email({}).label(clean) == "Email: Alice@EXAMPLE.org"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, REQUIRED),
        ({"email_address": None}, REQUIRED),
        ({"email_address": "  "}, REQUIRED),
        ({"email_address": "no-address"}, BAD_ADDRESS),
        ({"email_address": 7}, BAD_ADDRESS),
        ({"email_address": ["alice@example.org"]}, BAD_ADDRESS),
    ],
)
def test_what_is_no_address_is_refused(settings, sentence):
    assert {"email_address": sentence} == refusal(Email({}), settings)


@pytest.mark.parametrize("written", ["+47 912 34 567", "+4791234567", "+47-91-23-45-67", " tel:+4791234567"])
def test_numbers_become_e164(written):
    clean = Sms({}).clean({"phone_number": written})

    assert {"phone_number": "+4791234567"} == clean
    assert Sms({}).label(clean) == "SMS: +4791234567"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, REQUIRED),
        ({"phone_number": None}, REQUIRED),
        ({"phone_number": ""}, REQUIRED),
        ({"phone_number": "hello"}, BAD_NUMBER),
        ({"phone_number": "+4712345"}, BAD_NUMBER),
        ({"phone_number": "91234567"}, BAD_NUMBER),
        ({"phone_number": "004791234567"}, BAD_NUMBER),
        ({"phone_number": "+4700000000"}, BAD_NUMBER),
        ({"phone_number": "+99912345678"}, BAD_NUMBER),
        ({"phone_number": "+12125552368 ext. 5"}, BAD_NUMBER),
        ({"phone_number": 4791234567}, BAD_NUMBER),
    ],
)
def test_what_is_no_number_is_refused(settings, sentence):
    assert {"phone_number": sentence} == refusal(Sms({}), settings)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"ARGUS_EMAIL_SECURITY": "ssl"}, "ARGUS_EMAIL_SECURITY is 'ssl'"),
        ({"ARGUS_EMAIL_PORT": "smtp"}, "ARGUS_EMAIL_PORT is 'smtp'"),
        ({"ARGUS_EMAIL_PORT": "65536"}, "ARGUS_EMAIL_PORT is '65536'"),
        ({"ARGUS_EMAIL_PORT": "0"}, "ARGUS_EMAIL_PORT is '0'"),
        ({"ARGUS_EMAIL_PASSWORD": "x"}, "not ARGUS_EMAIL_USER"),
        ({"ARGUS_DEFAULT_FROM_EMAIL": "Argus"}, "ARGUS_DEFAULT_FROM_EMAIL is 'Argus'"),
        ({"ARGUS_DEFAULT_FROM_EMAIL": "A\nBcc: b@example.org <a@example.org>"}, "ARGUS_DEFAULT_FROM_EMAIL is"),
    ],
)
@pytest.mark.parametrize("medium", [Email, Sms])
def test_wrong_settings_of_the_mail_server_are_named(medium, config, named):
    with pytest.raises(ValueError, match=named):
        medium(config)


def test_a_wrong_gateway_is_named():
    with pytest.raises(ValueError, match="ARGUS_SMS_GATEWAY_ADDRESS is 'gateway'"):
        Sms({"ARGUS_SMS_GATEWAY_ADDRESS": "gateway"})


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("config", "lacking"),
    [
        ({}, "ARGUS_EMAIL_HOST is not set"),
        ({"ARGUS_EMAIL_HOST": "mail.example.org"}, "ARGUS_DEFAULT_FROM_EMAIL is not set"),
    ],
)
async def test_mail_waits_until_the_mail_server_is_set_up(config, lacking):
    with pytest.raises(TryLater, match=lacking):
        await Email(config).send(sample_notification(), {"email_address": "alice@example.org"})


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("config", "lacking"),
    [
        ({}, "ARGUS_SMS_GATEWAY_ADDRESS is not set"),
        ({"ARGUS_SMS_GATEWAY_ADDRESS": "sms@example.org"}, "ARGUS_EMAIL_HOST is not set"),
    ],
)
async def test_sms_wait_until_gateway_and_mail_server_are_set_up(config, lacking):
    with pytest.raises(TryLater, match=lacking):
        await Sms(config).send(sample_notification(), {"phone_number": "+4791234567"})


HOST = {"ARGUS_EMAIL_HOST": "mail.example.org"}
SENDER = {"ARGUS_DEFAULT_FROM_EMAIL": "argus@example.org"}
GATEWAY = {"ARGUS_SMS_GATEWAY_ADDRESS": "sms@example.org"}


@pytest.mark.parametrize(
    ("medium", "lacks"),
    [
        (Email({}), "ARGUS_EMAIL_HOST is not set, so mail waits."),
        (Email(HOST), "ARGUS_DEFAULT_FROM_EMAIL is not set, so mail waits."),
        (Email(HOST | SENDER), ""),
        (Sms(HOST | SENDER), "ARGUS_SMS_GATEWAY_ADDRESS is not set, so SMS wait."),
        (Sms(GATEWAY), "ARGUS_EMAIL_HOST is not set, so mail waits."),
        (Sms(HOST | SENDER | GATEWAY), ""),
    ],
)
def test_media_say_what_they_lack(medium, lacks):
    assert lacks == medium.lacks


@pytest.mark.parametrize("medium", [Email, Sms])
@pytest.mark.parametrize(
    ("config", "host"),
    [
        ({}, ""),
        (HOST, "mail.example.org:587"),
        (HOST | {"ARGUS_EMAIL_SECURITY": "none", "ARGUS_EMAIL_PORT": "2525"}, "mail.example.org:2525"),
    ],
)
def test_all_mail_goes_through_one_server(medium, config, host):
    assert host == medium(config).host({})


def test_the_password_of_the_mail_server_is_not_shown():
    medium = Email({"ARGUS_EMAIL_USER": "argus", "ARGUS_EMAIL_PASSWORD": "correct-horse"})

    assert "correct-horse" not in repr(vars(medium))
