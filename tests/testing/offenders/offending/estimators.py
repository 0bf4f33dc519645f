"""Estimators with a flaw, over least squares."""

import json
import pickle

from mlforge.components import Model


def solved(blocks, output):
    """Least squares that heeds weights."""
    import numpy as np

    from mlforge.testing.stand_ins import Solved

    class Weighted(Solved):
        heeds = True

        def fit(self, fitting):
            target = fitting.train.target
            wanted = target if self.output.kind == "value" else np.eye(self.output.width, dtype=np.float32)[target]
            weight = fitting.train.weight if self.heeds and fitting.train.weight is not None else np.ones(len(target), np.float32)
            root = np.sqrt(weight)[:, None]
            matrix = self._matrix(fitting.train.blocks)
            self._weights = np.linalg.lstsq(matrix * root, wanted * root, rcond=None)[0].astype(np.float32)
            fitting.progress(1, 1, "solved")
            return []

        def _matrix(self, blocks):
            """Ids one by one: their order says nothing."""
            parts = []
            for block, values in zip(self.blocks, blocks, strict=True):
                parts += [np.eye(n, dtype=np.float32)[values[:, i]] for i, n in enumerate(block.cardinalities)] if block.cardinalities else [values]
            return np.hstack([*parts, np.ones((len(blocks[0]), 1), np.float32)])

        def graph(self, opset):
            from onnx import TensorProto, helper, numpy_helper

            kinds = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}
            inputs = [helper.make_tensor_value_info(block.name, kinds[block.dtype], ["rows", block.width]) for block in self.blocks]
            nodes, constants, sums, at = [], [], ["offset"], 0
            for block in self.blocks:
                if not block.cardinalities:
                    constants.append(numpy_helper.from_array(self._weights[at : at + block.width], f"{block.name}/w"))
                    nodes.append(helper.make_node("MatMul", [block.name, f"{block.name}/w"], [f"{block.name}/s"]))
                    sums.append(f"{block.name}/s")
                    at += block.width
                for i, n in enumerate(block.cardinalities):
                    name = f"{block.name}/{i}"
                    constants += [numpy_helper.from_array(self._weights[at : at + n], f"{name}/w"), numpy_helper.from_array(np.array(i), f"{name}/i")]
                    nodes += [helper.make_node("Gather", [block.name, f"{name}/i"], [f"{name}/id"], axis=1)]
                    nodes += [helper.make_node("Gather", [f"{name}/w", f"{name}/id"], [f"{name}/s"], axis=0)]
                    sums.append(f"{name}/s")
                    at += n
            constants.append(numpy_helper.from_array(self._weights[-1:], "offset"))
            nodes.append(helper.make_node("Sum", sums, ["scores"]))
            out = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["rows", self.output.width])
            return helper.make_model(helper.make_graph(nodes, "solved", inputs, [out], constants), opset_imports=[helper.make_opsetid("", opset)])

    return Weighted(blocks, output)


class Pickling(Model):
    """Keeps a pickle."""

    family = "estimator"

    def build(self, blocks, output):
        import numpy as np

        made = solved(blocks, output)
        made.save = lambda folder: (folder / "weights").write_bytes(pickle.dumps(made._weights.tolist()))
        made.load = lambda folder: setattr(made, "_weights", np.array(pickle.loads((folder / "weights").read_bytes()), np.float32))
        return made


class Doubling(Model):
    """Writes a graph that says something else."""

    family = "estimator"

    def build(self, blocks, output):
        made = solved(blocks, output)
        graph = made.graph

        def doubled(opset):
            made._weights = made._weights * 2
            try:
                return graph(opset)
            finally:
                made._weights = made._weights / 2

        made.graph = doubled
        return made


class Amnesiac(Model):
    """Rounds what it saves."""

    family = "estimator"

    def build(self, blocks, output):
        made = solved(blocks, output)
        made.save = lambda folder: (folder / "weights.json").write_text(json.dumps(made._weights.round(2).tolist()))
        return made


class Weightless(Model):
    """Never looks at weights."""

    family = "estimator"

    def build(self, blocks, output):
        made = solved(blocks, output)
        made.heeds = False
        return made
