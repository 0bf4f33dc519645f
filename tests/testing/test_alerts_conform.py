"""The built-in ways to tell people keep their contracts."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest
from tests.builtin.alerts.receivers import Taken, post_office, web

from mlforge.builtin.alerts.log import Log
from mlforge.builtin.alerts.mail import Mail
from mlforge.builtin.alerts.slack import Slack
from mlforge.builtin.alerts.webhook import Webhook
from mlforge.testing import AlertContract


def free() -> int:
    with web() as taken:
        return taken.port


PORTS = [free() for _ in range(3)]


class TestLog(AlertContract):
    component = Log()


class TestWebhook(AlertContract):
    component = Webhook(url=f"http://127.0.0.1:{PORTS[0]}/", tries=1)

    def receiver(self) -> AbstractContextManager[Taken]:
        return web(PORTS[0])


class TestSlack(AlertContract):
    component = Slack(tries=1)

    @pytest.fixture(autouse=True)
    def _url(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SLACK_WEBHOOK_URL", f"http://127.0.0.1:{PORTS[1]}/")

    def receiver(self) -> AbstractContextManager[Taken]:
        return web(PORTS[1])


class TestMail(AlertContract):
    component = Mail(host="127.0.0.1", port=PORTS[2], tls="none", sender="mlforge@example.org", to=("a@example.org",))

    def receiver(self) -> AbstractContextManager[Taken]:
        return post_office(PORTS[2])
