"""Columns about persons: what must be audited, and what should not be kept. Judged by name and by value, never shown."""

from __future__ import annotations

import re

from mlforge.drafting.look import Look

__all__ = ["asks", "parts", "personal", "protected"]

_SHARE = 0.8  # of the values that must be of a form

_PROTECTED = {"sex", "gender", "race", "ethnicity", "ethnic", "religion", "disability", "disabled", "caste"}
_ASKED = {
    "age": "age", "marital": "marital status", "married": "marital status", "nationality": "nationality", "citizenship": "citizenship",
    "country": "origin", "birthplace": "origin", "pregnant": "pregnancy", "pregnancy": "pregnancy", "language": "language",
}  # fmt: skip
_SEXES = {"male", "female", "m", "f", "man", "woman", "other", "nonbinary", "non-binary", "diverse", "x"}
_RACES = {"white", "black", "asian", "hispanic", "latino", "caucasian", "african american", "african-american", "asian-pac-islander", "amer-indian-eskimo"}
_AGES = r"(?:<|>|under|over|below|above)?\s*\d{1,2}\s*(?:(?:-|–|to)\s*\d{1,3}|\+)?"

_NAMED = {  # class of personal data → the words of a name, all of which must be there
    "email": (("email",), ("mail",), ("e", "mail")),
    "phone": (("phone",), ("telephone",), ("mobile",), ("cellphone",), ("fax",)),
    "name": (
        ("first", "name"),
        ("last", "name"),
        ("full", "name"),
        ("surname",),
        ("firstname",),
        ("lastname",),
        ("fullname",),
        ("customer", "name"),
        ("name",),
    ),
    "address": (("address",), ("street",)),
    "national_id": (("ssn",), ("social", "security"), ("passport",), ("national", "id")),
    "account": (("iban",), ("credit", "card"), ("card", "number")),
    "birth_date": (("dob",), ("birth", "date"), ("birthdate",), ("birthday",)),
}
_FORMS = {
    "email": r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}",
    "phone": r"(?:\+|00)\d[\d\s()./-]{6,18}|\(?\d{2,4}\)?[\s/-]\d{2,4}[\s.-]\d{2,5}(?:[\s.-]\d{2,5})?",
    "ip_address": r"(?:\d{1,3}\.){3}\d{1,3}",
    "account": r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?",
    "name": r"\p{Lu}\p{Ll}+(?:[-'’ ]\p{Lu}\p{Ll}*\.?){1,3}",
}
_TOLD = {"email": "e-mail addresses", "phone": "phone numbers", "ip_address": "IP addresses", "account": "account numbers", "name": "names of persons"}


def parts(name: str) -> list[str]:
    """The words of a column's name: "HomePhone_2" → home, phone, 2."""
    return [part.lower() for part in re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+", name)]


def personal(look: Look) -> tuple[str, str] | None:
    """The class of personal data and why one thinks so; None when nothing points to it."""
    for kind, form in _FORMS.items():
        share = look.matching(form)
        if share >= _SHARE and (kind != "name" or look.distinct > look.known / 2 > 10):
            return kind, f"{share:.3g} of the values are {_TOLD[kind]}" if share < 1 else f"its values are {_TOLD[kind]}"
    words = set(parts(look.name))
    for kind, choices in _NAMED.items():
        if any(words.issuperset(choice) for choice in choices) and _plausible(kind, look, words):
            return kind, f"by its name it has {_TOLD.get(kind, kind.replace('_', ' ') + 's')}"
    return None


def _plausible(kind: str, look: Look, words: set[str]) -> bool:
    """Can values of this dtype be of that class: the number of e-mails opened is no address."""
    if kind == "birth_date":
        return look.dtype == "datetime" or look.wordy
    if kind in ("phone", "national_id", "account") and look.dtype == "int":
        return look.distinct > look.known / 2 and float(look.values.abs().min() or 0) >= 1_000_000  # type: ignore[arg-type]
    if kind == "name" and words == {"name"}:
        return look.wordy and look.distinct > look.known / 2
    return look.wordy and look.distinct > min(20, look.known / 2)


def protected(look: Look) -> str:
    """Why a column is one that must not decide; nothing when it need not be."""
    words = set(parts(look.name))
    if few := words & _PROTECTED:
        return f"protected by its name ({min(few)})" if look.distinct <= 100 or look.numeric else ""
    if not look.wordy or not 2 <= look.distinct <= 20:
        return ""
    values = {str(value).strip().lower() for value, _ in look.counts}
    if values <= _SEXES and len(values & (_SEXES - {"other", "x", "m", "f"})) + 2 * (values >= {"m", "f"}) >= 2:
        return "protected: its values are sexes"
    if len(values & _RACES) >= 2:
        return "protected: its values are races"
    if "age" in words and look.matching(_AGES) >= _SHARE:
        return "protected: bands of age"
    return ""


def asks(look: Look) -> str:
    """What a feature may stand for that must not decide; nothing when it seems harmless."""
    for word in parts(look.name):
        if word in _ASKED:
            return f"{_ASKED[word]}: role: protected would audit it and keep it from the model"
    return ""
