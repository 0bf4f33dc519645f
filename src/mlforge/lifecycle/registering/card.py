"""The card of a candidate, from its records: what the run, its bundle, its verdict and those who signed say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import mlforge
from mlforge.components import Ruling
from mlforge.finding import Finding
from mlforge.notes import Notes
from mlforge.report.card import CardRule, CardSigner, CardView, Figure, Input, figures, named_safely
from mlforge.report.card_bom import card_bom
from mlforge.report.card_markdown import card_markdown
from mlforge.report.card_page import card_page
from mlforge.runtime.bundle import Bundle, read_bundle
from mlforge.store import RunRecord, Store

if TYPE_CHECKING:
    from mlforge.lifecycle.registering.registration import Candidate

__all__ = ["publish_card"]

_VERSION = "version of "


def publish_card(candidate: Candidate, store: Store) -> str:
    """Write `card.md`, `card.html` and `bom.json`; the artifact's digest. The same candidate, with the same signatures, has the same card."""
    view = _view(candidate, store)
    draft = store.state / "work" / f"{candidate.model}.card.{candidate.bundles.digest[:16]}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    (draft / "card.md").write_text(card_markdown(view), encoding="utf-8")
    (draft / "card.html").write_text(card_page(view), encoding="utf-8")
    (draft / "bom.json").write_text(card_bom(view), encoding="utf-8")
    return store.artifacts.publish(draft)


def _view(candidate: Candidate, store: Store) -> CardView:
    run = store.records.run(candidate.run)
    bundle = read_bundle(candidate.bundles.bundle())
    findings = [finding for use in run.stages for finding in store.records.findings(use.key)]
    columns = _columns(run)
    standing = candidate.standing(store)
    told = figures(findings, candidate.bundles.ships, columns)
    made = {port: digest for use in run.stages for port, digest in use.outputs.items()}
    return CardView(
        model=candidate.model,
        bundle=candidate.bundles.digest,
        verdict=candidate.verdict.digest,
        task=bundle.task,
        algorithm=_option(run, "model"),
        target=_real(columns, bundle.output.target),
        maker=f"mlforge {mlforge.__version__}",
        description=str(run.plain.get("description") or ""),
        notes=_notes(run),
        license=str(run.plain.get("license") or ""),
        pipeline=_pipeline(bundle),
        classes=() if columns.get(bundle.output.target, {}).get("pii") else tuple(map(str, bundle.output.classes)),
        inputs=tuple(_inputs(bundle)),
        audited=tuple(_real(columns, key) for key, column in columns.items() if column.get("role") == "protected"),
        guarded={_real(columns, key): how for key, how in _guarded(run).items()},
        figures=told["figures"],
        fairness=told["fairness"],
        behaviour=told["behaviour"],
        rules=tuple(_rules(standing.signed(candidate.rulings), columns)),
        signers=tuple(CardSigner(signature.role, signature.actor, signature.reason) for signature in standing.signatures),
        compared_with=candidate.judged_against or "",
        source=_option(run, "source"),
        data=made.get("table", ""),
        rows=_rows(findings),
        files=dict(bundle.files),
        libraries=_libraries(store, run),
    )


def _notes(run: RunRecord) -> Notes | None:
    told = run.plain.get("card")
    return Notes.model_validate(told) if told else None


def _columns(run: RunRecord) -> Mapping[str, Mapping[str, Any]]:
    contract = run.plain.get("contract")
    columns = contract.get("columns") if isinstance(contract, Mapping) else None
    return columns if isinstance(columns, Mapping) else {}


def _real(columns: Mapping[str, Mapping[str, Any]], key: str) -> str:
    return str(columns.get(key, {}).get("name") or key)


def _option(run: RunRecord, section: str) -> str:
    chosen = run.plain.get(section)
    return str(chosen.get("use", "")) if isinstance(chosen, Mapping) else ""


def _inputs(bundle: Bundle) -> Iterator[Input]:
    for key in bundle.columns:
        column = bundle.contract.columns[key]
        yield Input(bundle.contract.real_name(key), column.dtype, column.unit or "", column.description or "", column.nullable)


def _guarded(run: RunRecord) -> dict[str, str]:
    """Columns with personal data, and the protections that name them."""
    entries = run.plain.get("privacy")
    found: dict[str, str] = {key: f"personal data: {column['pii']}" for key, column in _columns(run).items() if column.get("pii")}
    for name, entry in entries.items() if isinstance(entries, Mapping) else ():
        listed = entry.get("columns") if isinstance(entry, Mapping) else None
        found |= {str(key): str(entry.get("use", name)) for key in (listed or ())}
    return found


def _rules(rulings: Sequence[Ruling], columns: Mapping[str, Any]) -> Iterator[CardRule]:
    for ruling in rulings:
        figure = "" if ruling.value is None else Figure("", ruling.value, ruling.low, ruling.high).text
        asked = f"{ruling.finding if named_safely(ruling.finding, columns) else 'a slice'} {ruling.bound}".strip()
        yield CardRule(ruling.rule, asked, figure, "yes" if ruling.passed else "no")


def _rows(findings: Sequence[Finding]) -> int | None:
    return next((int(finding.value) for finding in findings if finding.name == "data/rows" and finding.value is not None), None)


def _libraries(store: Store, run: RunRecord) -> dict[str, str]:
    records = [record for use in run.stages if (record := store.records.stage(use.key)) is not None]
    found = {name.removeprefix(_VERSION): version for record in records for name, version in record.parts.items() if name.startswith(_VERSION)}
    return dict(sorted(found.items()))


def _pipeline(bundle: Bundle) -> str:
    """The name of the task where Hugging Face has one."""
    kinds = {bundle.contract.columns[key].dtype for key in bundle.columns}
    what = "image" if "image" in kinds else "text" if kinds == {"text"} else "tabular"
    known = {"classification": f"{what}-classification", "regression": "tabular-regression" if what == "tabular" else ""}
    return known.get(bundle.task, "")
