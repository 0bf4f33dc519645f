"""Alerts in a chat."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from pydantic import Field

from mlforge.builtin.alerts.posting import Post
from mlforge.builtin.alerts.variables import held
from mlforge.components import Alert, Notice, Variable

__all__ = ["Slack"]


class Slack(Alert):
    """Posts alerts to a chat by an incoming webhook as Slack has them; Mattermost, Rocket.Chat and Discord (/slack) take the same."""

    url_env: Variable = Field(default="SLACK_WEBHOOK_URL", description="environment variable with the webhook's URL; the project must allow it")
    tries: int = Field(default=4, ge=1, le=10, description="attempts, each waiting twice as long as the one before")
    timeout: float = Field(default=10.0, gt=0, le=60, description="seconds for each attempt")

    def send(self, notice: Notice, private: Iterable[str]) -> None:
        """Post it."""
        text = "\n".join([f"*{_plain(notice.headline)}*", *map(_plain, notice.lines())])
        body = json.dumps({"text": text}, ensure_ascii=False).encode()
        Post(held(self.url_env), tuple(private), self.tries, self.timeout).send(body, [("Content-Type", "application/json")])


def _plain(text: str) -> str:
    """Text that mentions nobody and links nowhere: names of columns come with the data."""
    quiet = re.sub(r"(?<!\w)@", "@\u200b", text)  # a command such as `mlforge monitor adult@3` can still be copied
    return quiet.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("*", "∗").replace("`", "'")
