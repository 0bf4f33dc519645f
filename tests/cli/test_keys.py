"""`mlforge keys`: made, listed, revoked."""

from __future__ import annotations

import re


def test_a_key_is_printed_alone_and_once(project):
    made = project.run("keys", "new", "batch", "--scope", "predict", "--scope", "feedback", "--expires", "90d")
    assert made.code == 0
    assert re.fullmatch(r"mlforge_[0-9a-f]{12}_[\w-]{43}\n", made.out)
    assert "batch is for predict and feedback until " in made.err
    assert "only time that the key is shown" in made.err
    listed = project.run("keys", "ls")
    assert re.search(r"^batch +[0-9a-f]{12} +predict feedback +\d{4}-\d\d-\d\d +valid until \d{4}", listed.out, re.MULTILINE)
    assert made.out.split("_")[2].strip() not in listed.text + (project.root / ".mlforge" / "keys.json").read_text()


def test_a_revoked_key_stays_in_the_list(project):
    project.run("keys", "new", "batch")
    assert project.run("keys", "revoke", "batch").out.startswith("batch (")
    (listed,) = project.run("keys", "ls", "--json").json
    assert (listed["name"], listed["scopes"], listed["state"]) == ("batch", ["predict"], "revoked")
    assert "sha256" not in listed
    again = project.run("keys", "revoke", "batch")
    assert again.code == 2
    assert "batch was revoked before" in again.text


def test_a_file_can_be_named_and_one_that_is_not_there_is_told(project):
    file = project.root / "elsewhere" / "keys.json"
    assert project.run("keys", "new", "batch", "--file", file).code == 0
    assert "batch" in project.run("keys", "ls", "--file", file).out
    assert "No key yet" in project.run("keys", "ls").out
    missing = project.run("keys", "ls", "--file", project.root / "nowhere.json")
    assert missing.code == 2
    assert "cannot be read: No such file" in missing.text


def test_what_is_no_duration_or_no_scope_is_told(project):
    for wrong in (("--expires", "soon"), ("--expires", "99999999999d"), ("--scope", "everything")):
        told = project.run("keys", "new", "batch", *wrong)
        assert told.code == 2
        assert wrong[1] in told.text
    assert not (project.root / ".mlforge" / "keys.json").exists()
