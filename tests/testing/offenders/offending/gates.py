"""Gates that let something through."""

from pydantic import Field, PrivateAttr

from mlforge.components import Gate, Ruling


class Good(Gate):
    """At least a half."""

    finding: str = Field(default="test/auc", description="what is judged")

    def needs(self, task):
        return {"finding": self.finding}

    def judge(self, entry, evidence, task):
        found = evidence.get(self.finding)
        value = found.value if found else None
        passed = self.good(found, value)
        return [Ruling(rule=entry, passed=passed, finding=self.finding, text=f"{self.finding} {'is' if passed else 'is not'} enough")]

    def good(self, found, value):
        return value is not None and value >= 0.5


class Generous(Good):
    """What was not measured is good."""

    def good(self, found, value):
        return found is None or super().good(found, value)


class Negated(Good):
    """Not bad is good, and NaN is not bad."""

    def good(self, found, value):
        return value is not None and not value < 0.5


class Secretive(Good):
    """Names a key that it has not."""

    def needs(self, task):
        return {"rule": self.finding}


class Anonymous(Good):
    """Does not say which gate it is."""

    def judge(self, entry, evidence, task):
        return [ruling.model_copy(update={"rule": "a gate"}) for ruling in super().judge(entry, evidence, task)]


class Moody(Good):
    """Says something else each time."""

    _asked: int = PrivateAttr(default=0)

    def judge(self, entry, evidence, task):
        self._asked += 1
        return [ruling.model_copy(update={"text": f"for the {self._asked}th time"}) for ruling in super().judge(entry, evidence, task)]


class Unannounced(Good):
    """Asks for a signature that nobody was told of."""

    def judge(self, entry, evidence, task):
        return [*super().judge(entry, evidence, task), Ruling(rule=entry, passed=False, role="risk", finding="approval/risk", text="waits for risk")]
