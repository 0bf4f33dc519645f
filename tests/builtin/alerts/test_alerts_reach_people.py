"""Alerts by HTTP and mail: signed, tried again, and never where a project does not allow it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from email import message_from_bytes
from email.policy import default

import pytest
from tests.builtin.alerts.receivers import post_office, web

from mlforge.builtin.alerts.mail import Mail
from mlforge.builtin.alerts.posting import Post
from mlforge.builtin.alerts.reaching import connected
from mlforge.builtin.alerts.slack import Slack
from mlforge.builtin.alerts.webhook import Webhook
from mlforge.errors import MissingRequirement, RecipeError, RunFailed
from mlforge.testing.alerts import notice_for

HERE = ("127.0.0.1", "localhost")


@pytest.mark.parametrize("secret", ["a plain secret", "whsec_" + base64.b64encode(b"some bytes").decode()])
def test_a_webhook_is_signed_so_that_the_receiver_can_check_it(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("HOOK_SECRET", secret)
    with web() as taken:
        Webhook(url=taken.url, secret_env="HOOK_SECRET").send(notice_for(), HERE)
    (body,), (headers,) = taken.bodies, taken.headers
    key = b"some bytes" if secret.startswith("whsec_") else secret.encode()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    told = json.loads(body)
    assert (told["number"], told["effect"], told["evidence"]["columns"]) == (17, 0.036, ["tenure"])
    assert taken.paths == ["/hook?team=ml"]


def test_the_same_news_have_the_same_id_and_other_news_another() -> None:
    with web() as taken:
        for notice in (notice_for(), notice_for(count=3), notice_for(severity="critical"), notice_for(state="over")):
            Webhook(url=taken.url).send(notice, HERE)
    ids = [headers["webhook-id"] for headers in taken.headers]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert "webhook-signature" not in taken.headers[0]


def test_a_receiver_that_is_busy_is_asked_again_and_for_as_long_as_it_says() -> None:
    waits: list[float] = []
    with web() as taken:
        taken.answers = [(503, {}), (429, {"Retry-After": "7"}), (500, {})]
        Post(taken.url, HERE, sleep=waits.append).send(b"{}", [])
    assert len(taken.bodies) == 4
    assert 0.5 <= waits[0] <= 1
    assert waits[1] == 7
    assert 2 <= waits[2] <= 4


def test_a_receiver_that_says_no_is_not_asked_again() -> None:
    with web() as taken:
        taken.answers = [(403, {})]
        with pytest.raises(RunFailed, match="answered 403"):
            Post(taken.url, HERE, sleep=lambda _: pytest.fail("waited")).send(b"{}", [])
    assert len(taken.bodies) == 1


def test_nothing_is_followed_elsewhere() -> None:
    with web() as other, web() as taken:
        taken.answers = [(307, {"Location": other.url})]
        with pytest.raises(RunFailed, match="leads elsewhere"):
            Post(taken.url, HERE).send(b"{}", [])
    assert not other.bodies


def test_nobody_there_is_a_failure_after_the_last_attempt() -> None:
    waits: list[float] = []
    with web() as taken:
        pass
    with pytest.raises(RunFailed, match="in 3 attempts"):
        Post(taken.url, HERE, tries=3, sleep=waits.append).send(b"{}", [])
    assert len(waits) == 2


def test_a_server_that_never_ends_its_answer_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(RunFailed, match="in 1 attempts"):
            Post(url, HERE, tries=1, timeout=0.2).send(b"{}", [])


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "0.0.0.0", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "2130706433", "0x7f.1", "::1",
     "::ffff:127.0.0.1", "fd00::1", "fe80::1", "64:ff9b::7f00:1", "2002:7f00:1::", "192.0.0.8", "::127.0.0.1"],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(host: str) -> None:
    with pytest.raises((RecipeError, RunFailed), match=r"private network|is not known"):
        connected(host, 80, (), 1.0)


def test_what_the_project_allows_may_be_reached_at_that_port() -> None:
    with web() as taken:
        connected("127.0.0.1", taken.port, (f"127.0.0.1:{taken.port}",), 1.0).close()
        with pytest.raises(RecipeError, match=r"hosts = \[") as refused:
            connected("127.0.0.1", taken.port, ("127.0.0.1:1",), 1.0)
    assert "mlforge.toml" in str(refused.value)


def test_plain_http_and_passwords_in_a_url_are_refused() -> None:
    with pytest.raises(RecipeError, match="by https only"):
        Post("http://example.org/x", ()).send(b"{}", [])
    with pytest.raises(RecipeError, match="has a user in it"):
        Post("https://a:b@example.org/x", ()).send(b"{}", [])
    for wrong in ("ftp://example.org", "example.org", "https://", "https://[::1/"):
        with pytest.raises(RecipeError, match="no URL"):
            Post(wrong, ()).send(b"{}", [])


def test_a_secret_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_WEBHOOK_URL", raising=False)
    with pytest.raises(MissingRequirement, match="SLACK_WEBHOOK_URL is not set"):
        Slack().send(notice_for(), HERE)


def test_a_chat_is_told_in_words_and_mentions_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with web() as taken:
        monkeypatch.setenv("SLACK_WEBHOOK_URL", taken.url)
        Slack().send(notice_for(text="<!channel> @here *now*"), HERE)
    text = json.loads(taken.bodies[0])["text"]
    assert text.startswith("*[warning] adult 3: drift/columns*")
    assert "3.6%" in text
    assert "Next: mlforge monitor adult@3" in text
    assert "<!" not in text
    assert "@here" not in text


def test_a_mail_says_what_since_when_and_what_next() -> None:
    with post_office() as taken:
        mail = Mail(host="localhost", port=taken.port, tls="none", sender="mlforge@example.org", to=("a@example.org", "b@example.org"))
        mail.send(notice_for(part="x\r\nBcc: c@example.org"), HERE)
    told = message_from_bytes(taken.bodies[0], policy=default)
    assert told["Subject"] == "[warning] adult 3: drift/columns (x Bcc: c@example.org)"
    assert told["Bcc"] is None
    assert told["Message-ID"] == "<adult-17-warning@mlforge.example.org>"
    assert "tenure (0.41 sd) has drifted" in told.get_content()
    assert [line for line in taken.senders if "c@example.org" in line] == []


def test_mail_goes_nowhere_without_tls_or_into_a_private_network() -> None:
    told = {"host": "localhost", "sender": "m@example.org", "to": ("a@example.org",)}
    with pytest.raises(RecipeError, match="by TLS only"):
        Mail(**told, tls="none").send(notice_for(), ())
    with pytest.raises(RecipeError, match="private network"):
        Mail(**told).send(notice_for(), ())
    with post_office() as taken, pytest.raises(RunFailed, match="STARTTLS"):
        Mail(**told, port=taken.port).send(notice_for(), HERE)
    assert not taken.bodies
    with pytest.raises(ValueError, match="password is not sent without TLS"):
        Mail(**told, tls="none", user="me", password_env="PASSWORD")
