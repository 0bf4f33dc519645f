"""The protection pseudonymise."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from mlforge.components import InputPath, Protection, Variable
from mlforge.contract import Column
from mlforge.runtime.protections import KEY, Pseudonym

__all__ = ["Pseudonymise"]


class Pseudonymise(Protection):
    """Replaces text by its HMAC-SHA256 under a key: the same value always has the same pseudonym, so joins and groups still work.

    The key is never stored or printed. Predicting with the model needs it too: in the variable `key_env`; with `key_file`, in MLFORGE_PSEUDONYM_KEY, or in
    the file that MLFORGE_PSEUDONYM_KEY_FILE names.
    """

    key_env: Variable | None = Field(default=None, description="environment variable with the key; the project must allow it")
    key_file: InputPath | None = Field(default=None, description="file with the key; spaces around it do not count")
    characters: int = Field(default=32, ge=16, le=64, description="hexadecimal digits of a pseudonym; 32 are 128 bits")

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if (self.key_env is None) == (self.key_file is None):
            raise ValueError("give the key by key_env or by key_file")
        return self

    def rule(self, key: str, column: Column) -> Pseudonym:
        """Text only. Raises ValueError for other columns: a pseudonym is a text."""
        if column.dtype not in ("category", "string"):
            raise ValueError(f"{key} is {column.dtype}, and pseudonyms are text: declare it string or category")
        return Pseudonym(variable=self.key_env or KEY, characters=self.characters, file=self.key_file)
