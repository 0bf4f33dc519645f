"""The verdict of a run as JUnit XML, which CI servers show beside the tests: one case for each rule of the gates."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mlforge.components import Ruling
from mlforge.report.page import sentence
from mlforge.report.view import RunView
from mlforge.secrets import mask

__all__ = ["failure_junit", "run_junit"]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def run_junit(run: RunView, *, smoke: bool = False) -> str:
    """One suite. A rule that was broken is a failure, and so is one that waits for a signature: both keep the model out. Nothing is judged by a smoke run,
    and by a recipe without gates: a case that says so was skipped, so that nobody takes silence for a yes.
    """
    rulings = () if smoke else run.rulings
    suite = _suite(run.recipe, len(rulings) or 1, failures=sum(not ruling.passed for ruling in rulings), skipped=not rulings)
    _properties(suite, run)
    for ruling in rulings:
        _case(suite, run.recipe, ruling)
    if not rulings:
        case = SubElement(suite, "testcase", classname=_text(f"{run.recipe}.gates"), name="gates", time="0")
        SubElement(case, "skipped", message="a smoke run is not judged" if smoke else _text(sentence(run)))
    return _written(suite)


def failure_junit(recipe: str, kind: str, text: str) -> str:
    """One suite for a run that came to no verdict: an error, so that no report of an earlier run is taken for this one's."""
    suite = _suite(recipe, 1, errors=1)
    case = SubElement(suite, "testcase", classname=_text(f"{recipe}.run"), name="run", time="0")
    SubElement(case, "error", type=kind, message=_text(text.partition("\n")[0])).text = _text(text)
    return _written(suite)


def _suite(recipe: str, tests: int, *, failures: int = 0, errors: int = 0, skipped: bool = False) -> Element:
    return Element(
        "testsuite", name=_text(f"mlforge {recipe}"), tests=str(tests), failures=str(failures), errors=str(errors), skipped=str(int(skipped)), time="0"
    )


def _properties(suite: Element, run: RunView) -> None:
    told = SubElement(suite, "properties")
    for name, value in (("run", run.run), ("verdict", sentence(run)), ("champion", run.champion), ("registered", run.registered)):
        if value:
            SubElement(told, "property", name=name, value=_text(value))


def _case(suite: Element, recipe: str, ruling: Ruling) -> None:
    gate, _, rule = ruling.rule.partition(".")
    case = SubElement(suite, "testcase", classname=_text(f"{recipe}.gates.{gate}"), name=_text(rule or gate), time="0")
    if not ruling.passed:
        failure = SubElement(case, "failure", type="waiting" if ruling.waits else "refused", message=_text(ruling.text))
        asked = f"asked: {ruling.finding} {ruling.bound}" if ruling.bound and not ruling.waits else ""
        failure.text = _text("\n".join(part for part in (ruling.text, asked) if part))
    SubElement(case, "system-out").text = _text(ruling.text)


def _text(text: str) -> str:
    """Without secrets, and without characters that XML cannot hold."""
    return _NOT_XML.sub("�", mask(text))


def _written(suite: Element) -> str:
    suites = Element("testsuites")
    suites.append(suite)
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode") + "\n"
