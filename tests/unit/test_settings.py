"""Settings come from the environment, else from a file, else they are defaults; what is wrong is named."""

import errno
from pathlib import Path

import pytest

from adapters.media.plain import PlainMail
from adapters.settings import KEYS, Settings, SettingsError, described, file_name, load, masked

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def problems(environment, folder, config=None):
    with pytest.raises(SettingsError) as refused:
        load(config, environment, folder)
    return refused.value.problems


def test_without_anything_the_defaults_hold(tmp_path):
    loaded = load(None, {"HOME": "/somewhere"}, tmp_path)

    assert (Settings(), {}, None) == (loaded.settings, loaded.origins, loaded.file)


def test_the_environment_comes_before_the_file_and_that_before_the_defaults(tmp_path):
    (tmp_path / "argus.toml").write_text('time_zone = "Europe/Oslo"\nlog_level = "debug"\n')

    loaded = load(None, {"ARGUS_TIME_ZONE": "Asia/Tokyo"}, tmp_path)

    assert ("Asia/Tokyo", "debug", "text") == (loaded.settings.time_zone, loaded.settings.log_level, loaded.settings.log_format)
    assert {"time_zone": "environment", "log_level": str(tmp_path / "argus.toml")} == loaded.origins


def test_the_file_is_the_one_named_by_the_option_else_by_the_environment_else_argus_toml(tmp_path):
    for name in ("argus", "other", "third"):
        (tmp_path / f"{name}.toml").write_text(f'data = "{name}"')
    environment = {"ARGUS_CONFIG": "other.toml"}

    files = [load(None, {}, tmp_path).file, load(None, environment, tmp_path).file, load(Path("third.toml"), environment, tmp_path).file]

    assert [tmp_path / "argus.toml", tmp_path / "other.toml", tmp_path / "third.toml"] == files


def test_values_may_be_text_or_of_the_file_s_own_types(tmp_path):
    (tmp_path / "argus.toml").write_text(
        'media = ["sms"]\nauth_token_expires_after_days = 7\nsend_notifications = false\npool_size = "20"\n'
    )
    environment = {"ARGUS_CORS_ORIGINS": "https://a.example.org, http://localhost:3000", "DATABASE_URL": "postgres://db/argus"}

    settings = load(None, environment, tmp_path).settings

    assert (("sms",), 7, False, 20) == (
        settings.media,
        settings.auth_token_expires_after_days,
        settings.send_notifications,
        settings.pool_size,
    )
    assert ("https://a.example.org", "http://localhost:3000") == settings.cors_origins
    assert () == load(None, {"ARGUS_MEDIA": ""}, tmp_path).settings.media


def test_folders_are_seen_from_where_they_are_written(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "argus.toml").write_text('data = "data"')

    loaded = load(Path("etc/argus.toml"), {"ARGUS_POSTGRES_BIN": "bin"}, tmp_path)

    assert (tmp_path / "etc" / "data", tmp_path / "bin") == (loaded.settings.data, loaded.settings.postgres_bin)


def test_unknown_keys_are_named_with_the_nearest_known_one(tmp_path):
    (tmp_path / "argus.toml").write_text('timezone = "UTC"\n[monitoring]\nport = 1\n')

    found = problems({"ARGUS_DATABASE_URL": "x", "ARGUS_COLOUR": "red"}, tmp_path)

    assert (
        "ARGUS_COLOUR in the environment is not a setting of Argus; `argus settings` lists them.",
        "ARGUS_DATABASE_URL in the environment is not a setting of Argus; is it DATABASE_URL?",
        f"monitoring in {tmp_path}/argus.toml is not a setting of Argus; `argus settings` lists them.",
        f"timezone in {tmp_path}/argus.toml is not a setting of Argus; is it time_zone?",
    ) == found


def test_what_kubernetes_says_of_a_service_is_no_setting(tmp_path):
    environment = {
        "ARGUS_SERVICE_HOST": "10.0.0.1",
        "ARGUS_SERVICE_PORT": "80",
        "ARGUS_SERVICE_PORT_HTTP": "80",
        "ARGUS_PORT": "tcp://10.0.0.1:80",
        "ARGUS_PORT_80_TCP": "tcp://10.0.0.1:80",
        "ARGUS_PORT_80_TCP_ADDR": "10.0.0.1",
        "ARGUS_API_SERVICE_HOST": "10.0.0.2",
    }

    assert Settings() == load(None, environment, tmp_path).settings
    assert 1 == len(problems({"ARGUS_PORT": "8000"}, tmp_path))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("AUTH_TOKEN_EXPIRES_AFTER_DAYS", "two weeks"),
        ("AUTH_TOKEN_EXPIRES_AFTER_DAYS", "0"),
        ("AUTH_TOKEN_EXPIRES_AFTER_DAYS", "nan"),
        ("AUTH_TOKEN_EXPIRES_AFTER_DAYS", "1e9"),
        ("ARGUS_TIME_ZONE", "Mars/Olympus"),
        ("ARGUS_TIME_ZONE", "Europe"),
        ("ARGUS_TIME_ZONE", "../etc/passwd"),
        ("ARGUS_TIME_ZONE", ""),
        ("ARGUS_CORS_ORIGINS", "https://argus.example.org/"),
        ("ARGUS_CORS_ORIGINS", "https://*.example.org"),
        ("ARGUS_SEND_NOTIFICATIONS", "perhaps"),
        ("ARGUS_MEDIA", "e mail"),
        ("ARGUS_DATA", ""),
        ("ARGUS_POOL_SIZE", "1"),
        ("ARGUS_LOG_LEVEL", "loud"),
        ("ARGUS_LOG_FORMAT", "xml"),
    ],
)
def test_a_bad_value_is_shown_with_its_key_and_what_is_expected(key, value, tmp_path):
    (problem,) = problems({key: value}, tmp_path)

    (expects,) = (known.expects for known in KEYS if known.name == key)
    assert f"{key} is {value!r}; expected {expects}." == problem


@pytest.mark.parametrize("value", ["", "mysql://root:geheim@db/argus", "postgresql://root:geheim@db:port/argus", "geheim"])
def test_a_bad_database_address_is_not_shown(value, tmp_path):
    (problem,) = problems({"DATABASE_URL": value}, tmp_path)

    assert problem.startswith("DATABASE_URL is malformed; expected ")
    assert "geheim" not in problem


NOT_ENCODED = [
    "postgresql://u:12/34sec@h/db",
    "postgresql://u:p@ss@127.0.0.1:1/y",
    "postgresql://u:12?3sec@h/db",
    "postgresql://u:1/2/3sec@h/db",
    "postgresql://u:1/2?host=3@h/db",
    "postgresql://u:1/2?password=3@h/db",
    "postgresql://u:12345@678@h/db",
]


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_DIRECT_URL", "DATABASE_READ_URL"])
@pytest.mark.parametrize("value", [*NOT_ENCODED, "postgresql://u:pa%zz@x/y", "postgresql://u:geheim"])
def test_a_password_that_is_not_encoded_is_refused_without_a_word_of_it(name, value, tmp_path):
    """
    What PostgreSQL takes for a host, port or database may be a part of the password, and its errors would say it.
    """
    environment = {"DATABASE_URL": "postgresql://h/db", name: value}

    (problem,) = problems(environment, tmp_path)

    assert problem.startswith(f"{name} is malformed; expected ")
    assert "@ / % in its password written as %40 %2F %25" in problem
    assert value.removeprefix("postgresql://u:")[:4] not in problem


@pytest.mark.parametrize("value", ["postgresql://h:99999/db", "postgresql://h/db?port=x", "postgresql://h/db?x", "postgresql://h/db?x=y"])
def test_an_address_that_postgresql_does_not_understand_is_refused(value, tmp_path):
    (problem,) = problems({"DATABASE_URL": value}, tmp_path)

    assert problem.startswith("DATABASE_URL is malformed; ")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://argus%40server:p%40%2F%25%3F@db:5432/argus",
        "postgres://db",
        "postgresql:///argus?host=/run/postgresql",
        "postgresql://%2Frun%2Fpostgresql/argus",
        "postgresql://a:5432,[::1]:5433,c/argus?target_session_attrs=read-write",
        "postgresql://argus:a#b:c[d@db/argus?sslmode=verify-full&sslrootcert=/etc/ca.pem",
    ],
)
def test_an_address_that_postgresql_understands_is_taken(url, tmp_path):
    assert url == load(None, {"DATABASE_URL": url}, tmp_path).settings.database_url


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    assert 3 == len(problems({"ARGUS_LOG_LEVEL": "loud", "ARGUS_MEDIUM": "email", "DATABASE_URL": "sqlite://"}, tmp_path))


@pytest.mark.parametrize(("text", "says"), [(None, "No such file"), ("time_zone =", "not valid TOML"), (b"\xff", "not valid TOML")])
def test_a_file_that_cannot_be_read_is_named(text, says, tmp_path):
    file = tmp_path / "named.toml"
    if text:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    (problem,) = problems({}, tmp_path, file)

    assert str(file) in problem
    assert says in problem


def test_a_working_folder_that_cannot_be_looked_into_is_named(tmp_path, monkeypatch):
    def stat(path, **_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", stat)

    (problem,) = problems({}, tmp_path)

    assert f"The settings file {tmp_path}/argus.toml cannot be looked for: Permission denied. " in problem
    assert "--config or ARGUS_CONFIG" in problem


def test_a_working_folder_that_is_gone_is_said_to_be(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    (problem,) = problems({}, None)

    assert problem.startswith("The working folder cannot be used: No such file or directory. ")


@pytest.mark.parametrize("key", ["ARGUS_DATA", "ARGUS_POSTGRES_BIN"])
def test_the_home_folder_of_nobody_is_refused(key, tmp_path):
    (problem,) = problems({key: "~nosuch/x"}, tmp_path)

    assert problem.startswith(f"{key} is '~nosuch/x'; expected ")


@pytest.mark.parametrize("environment", [{}, {"ARGUS_CONFIG": "~nosuch/x"}])
def test_a_file_in_the_home_folder_of_nobody_cannot_be_read(environment, tmp_path):
    (problem,) = problems(environment, tmp_path, None if environment else Path("~nosuch/x"))

    assert "The settings file ~nosuch/x cannot be read: there is no such home folder." == problem


@pytest.mark.parametrize("value", ["5", "true", '"a\\u0000b"', "[]"])
def test_what_is_no_folder_is_refused(value, tmp_path):
    (tmp_path / "argus.toml").write_text(f"data = {value}\n")

    (problem,) = problems({}, tmp_path)

    assert problem.startswith(f"data in {tmp_path}/argus.toml is ")
    assert problem.endswith("; expected a folder.")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://argus:geheim@db:5432/argus", "postgresql://argus:***@db:5432/argus"),
        ("postgresql://argus:ge:he#im@a:1,[::1]:2/argus", "postgresql://argus:***@a:1,[::1]:2/argus"),
        ("postgresql://argus:geheim@/argus?", "postgresql://argus:***@/argus"),
        (
            "postgresql://db/argus?user=a&password=geheim&sslpassword=x&port=1",
            "postgresql://db/argus?user=a&password=***&sslpassword=***&port=1",
        ),
        ("postgresql://db/argus?pass%77ord=geheim&port=1", "postgresql://db/argus?***&port=1"),
        ("postgresql://argus@db/argus", "postgresql://argus@db/argus"),
        ("postgresql:///argus?host=%2Frun", "postgresql:///argus?host=%2Frun"),
    ],
)
def test_passwords_are_masked(url, shown):
    assert shown == masked(url)


@pytest.mark.parametrize(
    "text",
    [
        *NOT_ENCODED,
        "postgresql://u:geheim",
        "postgresql://db?password=ge@heim",
        "host=db password=geheim",
        "mysql://u:geheim@db/argus",
        "geheim",
        "postgresql://u:ge\nhe@im@db/x",
    ],
)
def test_of_an_address_that_is_none_nothing_is_shown(text):
    assert "***" == masked(text)


def test_settings_are_shown_as_they_would_be_written_and_with_their_origin(tmp_path):
    loaded = load(None, {"DATABASE_URL": "postgresql://a:b@c/d", "ARGUS_SEND_NOTIFICATIONS": "0"}, tmp_path)

    shown = {name: (value, origin) for name, value, origin in described(loaded, Path("/data"))}

    assert [key.name for key in KEYS] == list(shown)
    assert ("postgresql://a:***@c/d", "environment") == shown["DATABASE_URL"]
    assert ("false", "environment") == shown["ARGUS_SEND_NOTIFICATIONS"]
    assert ("14", "default") == shown["AUTH_TOKEN_EXPIRES_AFTER_DAYS"]
    assert ("email,sms", "default") == shown["ARGUS_MEDIA"]
    assert ("/data", "default") == shown["ARGUS_DATA"]


def test_a_database_may_have_several_servers(tmp_path):
    url = "postgresql://argus:secret@a:5432,[::1]:5433/argus?target_session_attrs=read-write"

    loaded = load(None, {"DATABASE_URL": url, "DATABASE_READ_URL": "postgresql://c/argus"}, tmp_path)

    assert url == loaded.settings.database_url


@pytest.mark.parametrize("name", ["DATABASE_READ_URL", "DATABASE_DIRECT_URL"])
def test_there_is_no_way_beside_one_that_is_not_there(name, tmp_path):
    (problem,) = problems({name: "postgresql://c/argus"}, tmp_path)

    assert f"{name} goes with DATABASE_URL, which is not set." == problem


def test_the_document_names_every_setting_in_both_spellings():
    text = DOCUMENT.read_text()

    missing = [key.name for key in KEYS if f"`{key.name}`" not in text or f"`{file_name(key)}`" not in text]

    assert [] == missing


def test_plugins_get_their_settings_as_texts_under_full_names(tmp_path):
    (tmp_path / "argus.toml").write_text(
        'email_port = 2525\nticket_labels = ["a", "b"]\npager_retries = 3\npager_loud = true\nmedia = ["pager"]\n'
    )
    environment = {"ARGUS_EMAIL_HOST": "mail.example.org", "ARGUS_PAGER_URL": "https://x.example.org", "ARGUS_TICKET_SYSTEM": "jira"}

    settings = load(None, environment, tmp_path).settings

    assert {
        "ARGUS_EMAIL_HOST": "mail.example.org",
        "ARGUS_EMAIL_PORT": "2525",
        "ARGUS_TICKET_LABELS": "a,b",
        "ARGUS_PAGER_URL": "https://x.example.org",
        "ARGUS_PAGER_RETRIES": "3",
        "ARGUS_PAGER_LOUD": "true",
    } == settings.plugins
    assert "jira" == settings.ticket_system


def test_only_plugins_that_are_enabled_have_settings_of_their_own(tmp_path):
    found = problems(
        {"ARGUS_MEDIA": "email,my-pager", "ARGUS_MY_PAGER_URL": "x", "ARGUS_PIGEON_LOFT": "x", "ARGUS_EMAIL_COLOUR": "x"}, tmp_path
    )

    assert ["ARGUS_EMAIL_COLOUR", "ARGUS_PIGEON_LOFT"] == [problem.split()[0] for problem in found]


def test_secrets_of_plugins_are_never_shown(tmp_path):
    """Of a plugin that Argus does not know any setting may be one."""
    environment = {"ARGUS_MEDIA": "pager", "ARGUS_PAGER_KEY": "hush", "ARGUS_EMAIL_PASSWORD": "hush", "ARGUS_TICKET_TOKEN": "https://hush"}
    environment["ARGUS_EMAIL_USER"] = "argus"

    shown = {name: value for name, value, _ in described(load(None, environment, tmp_path), tmp_path)}

    assert {"***"} == {shown[name] for name in ("ARGUS_PAGER_KEY", "ARGUS_EMAIL_PASSWORD", "ARGUS_TICKET_TOKEN")}
    assert "" == shown["ARGUS_EMAIL_HOST"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ARGUS_EMAIL_PORT", "0"),
        ("ARGUS_EMAIL_PORT", "smtp"),
        ("ARGUS_EMAIL_SECURITY", "ssl"),
        ("ARGUS_EMAIL_PORT", "000025"),
        ("ARGUS_EMAIL_PORT", "٢٥"),
        ("ARGUS_DEFAULT_FROM_EMAIL", "argus"),
        ("ARGUS_DEFAULT_FROM_EMAIL", "@"),
        ("ARGUS_DEFAULT_FROM_EMAIL", "Argus, NOC <argus@example.org>"),
        ("ARGUS_DEFAULT_FROM_EMAIL", "Argus argus@example.org"),
        ("ARGUS_DEFAULT_FROM_EMAIL", "Argus <argus@example.org>\nBcc: x@example.org"),
        ("ARGUS_SMS_GATEWAY_ADDRESS", "sms@"),
        ("ARGUS_OUTGOING_ALLOW", "10.0.0.1/8"),
        ("ARGUS_TICKET_ENDPOINT", "tickets.example.org"),
        ("ARGUS_TICKET_SYSTEM", "Git Hub"),
        ("ARGUS_UNPAGED_LIMIT", "0"),
    ],
)
def test_what_a_plugin_could_not_use_is_refused_at_the_start(tmp_path, name, value):
    (problem,) = problems({name: value}, tmp_path)

    assert problem.startswith(f"{name} is ")


@pytest.mark.parametrize("text", ["argus@example.org", "Argus <argus@example.org>", '"Argus, NOC" <argus@example.org>', "a@bücher.example"])
def test_a_sender_that_is_taken_can_write(tmp_path, text):
    """Mail about no incident is there whatever media are enabled: its settings must never keep Argus from starting."""
    settings = load(None, {"ARGUS_DEFAULT_FROM_EMAIL": text, "ARGUS_EMAIL_HOST": "mail.example.org"}, tmp_path).settings

    assert "" == PlainMail(settings.plugins).lacks


def test_a_password_goes_with_a_name(tmp_path):
    (problem,) = problems({"ARGUS_EMAIL_PASSWORD": "hush"}, tmp_path)

    assert "ARGUS_EMAIL_PASSWORD goes with ARGUS_EMAIL_USER, which is not set." == problem


PROVIDER = '[oidc.feide]\nissuer = "https://id.example.org"\nclient_id = "argus"\n'


def test_identity_providers_have_a_table_each_and_their_secrets_come_from_the_environment(tmp_path):
    (tmp_path / "argus.toml").write_text(
        f'{PROVIDER}staff_groups = ["a", "b"]\n[oidc.other-one]\nissuer = "http://localhost:4000"\nclient_id = "x"\n'
    )
    environment = {"ARGUS_OIDC_FEIDE_CLIENT_SECRET": "secret", "ARGUS_OIDC_OTHER_ONE_STAFF_GROUPS": "c,d"}

    loaded = load(None, environment, tmp_path)

    feide, other = loaded.settings.oidc["feide"], loaded.settings.oidc["other-one"]
    assert ("https://id.example.org", "argus", "secret", ("a", "b")) == (
        feide.issuer,
        feide.client_id,
        feide.client_secret,
        feide.staff_groups,
    )
    assert ("http://localhost:4000", ("c", "d")) == (other.issuer, other.staff_groups)
    assert {} == loaded.settings.plugins
    shown = {name: (value, origin) for name, value, origin in described(loaded, tmp_path)}
    assert ("***", "environment") == shown["ARGUS_OIDC_FEIDE_CLIENT_SECRET"]
    assert ("https://id.example.org", str(tmp_path / "argus.toml")) == shown["ARGUS_OIDC_FEIDE_ISSUER"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{PROVIDER}colour = 1\n", "colour"),
        (f"{PROVIDER}algorithms = ['none']\n", "algorithms"),
        (f"{PROVIDER}algorithms = ['HS256']\n", "algorithms"),
        ('[oidc.feide]\nissuer = "https://id.example.org"\n', "client_id"),
        ('[oidc.feide]\nissuer = "http://id.example.org"\nclient_id = "argus"\n', "issuer"),
        ('[oidc.Feide]\nissuer = "https://id.example.org"\nclient_id = "argus"\n', "[oidc.feide]"),
        ('oidc = "feide"\n', "[oidc.feide]"),
        ("[oidc]\nfeide = 1\n", "oidc.feide"),
    ],
)
def test_a_provider_that_is_described_wrongly_is_named(tmp_path, text, said):
    (tmp_path / "argus.toml").write_text(text)

    (problem,) = problems({}, tmp_path)

    assert said in problem
    assert "argus.toml" in problem


@pytest.mark.parametrize(
    "address", ["http://argus.example.org", "https://argus.example.org/", "https://argus.example.org/a", "ftp://localhost", "*"]
)
def test_the_public_address_is_one_where_nobody_listens_on_the_way(tmp_path, address):
    assert 1 == len(problems({"ARGUS_PUBLIC_URL": address}, tmp_path))


@pytest.mark.parametrize(
    "address", ["https://argus.example.org", "https://argus.example.org:8443", "http://localhost:8000", "http://127.0.0.1"]
)
def test_the_public_address_may_be_https_or_this_machine(tmp_path, address):
    assert address == load(None, {"ARGUS_PUBLIC_URL": address}, tmp_path).settings.public_url
