"""A command that is stopped, and what commands say on stderr."""

from __future__ import annotations

import pytest

PLUGIN = """
from mlforge.hookspecs import hookimpl

@hookimpl
def mlforge_register_commands():
    return {"stop": "verbs_of_mine:stop", "talk": "verbs_of_mine:talk"}
"""
VERBS = """
import logging
import os
import signal

import click

from mlforge.secrets import remember

@click.command("stop")
@click.argument("name")
def stop(name):
    os.kill(os.getpid(), getattr(signal, name))
    signal.pause()

@click.command("talk")
def talk():
    remember("hunter2-secret")
    log = logging.getLogger("mlforge.talk")
    log.warning("careful with hunter2-secret")
    log.info("by the way")
    log.debug("in detail")
    logging.getLogger("elsewhere").info("somebody else")
"""


@pytest.fixture
def talkative(project):
    return project.write({"mlforge.toml": 'plugins = ["mine_too"]\n', "mine_too.py": PLUGIN, "verbs_of_mine.py": VERBS})


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_stopped_command_ends_with_130_and_no_traceback(talkative, name):
    result = talkative.command("stop", name)
    assert (result.code, result.err) == (130, "Stopped.\n")


@pytest.mark.parametrize(
    ("flags", "said", "unsaid"),
    [
        ([], ["WARNING: careful"], ["by the way", "in detail", "somebody else"]),
        (["-v"], ["WARNING: careful", "INFO: by the way"], ["in detail", "somebody else"]),
        (["-vv"], ["careful", "by the way", "in detail"], []),
    ],
)
def test_verbosity_decides_what_is_logged_and_secrets_never_are(talkative, flags, said, unsaid):
    err = talkative.run(*flags, "talk").err
    assert all(text in err for text in said)
    assert not any(text in err for text in [*unsaid, "hunter2"])
    assert "•••" in err


def test_a_second_command_in_one_process_logs_once(talkative):
    talkative.run("talk")
    assert talkative.run("talk").err.count("careful") == 1
