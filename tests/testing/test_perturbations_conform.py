"""The built-in perturbations keep their contract."""

from __future__ import annotations

from mlforge.builtin.perturbations.missing import Missing
from mlforge.builtin.perturbations.noise import Noise
from mlforge.builtin.perturbations.paraphrases import Paraphrases
from mlforge.builtin.perturbations.permutation import Permutation
from mlforge.builtin.perturbations.scale import Scale
from mlforge.builtin.perturbations.shift import Shift
from mlforge.builtin.perturbations.typos import Typos
from mlforge.testing import PerturbationContract


class TestMissing(PerturbationContract):
    component = Missing()


class TestNoise(PerturbationContract):
    component = Noise(deviation=3)


class TestParaphrases(PerturbationContract):
    component = Paraphrases(phrases={"liked it": "enjoyed it", "liked it much": "loved it"})


class TestPermutation(PerturbationContract):
    component = Permutation(values=("Bern", "Oslo", "Rom"))
    columns = ("city",)


class TestPermutationOfNumbers(PerturbationContract):
    component = Permutation(values=(20, 30, 40))
    columns = ("age",)


class TestScale(PerturbationContract):
    component = Scale(by=2.54)


class TestShift(PerturbationContract):
    component = Shift(by=5)


class TestTypos(PerturbationContract):
    component = Typos(swaps=2)
