"""Networks with a flaw."""

import os

from mlforge.components import Model


class Good(Model):
    """One hidden layer over numbers."""

    def build(self, blocks, output):
        from torch import nn

        return nn.Sequential(nn.Linear(blocks[0].width, 8), nn.Tanh(), nn.Linear(8, output.width))


class Narrow(Good):
    """Never more than two classes."""

    def build(self, blocks, output):
        from torch import nn

        return nn.Linear(blocks[0].width, min(2, output.width))


class Seeding(Good):
    """Sets the seed itself."""

    def build(self, blocks, output):
        import torch

        torch.manual_seed(0)
        return super().build(blocks, output)


class Urandom(Good):
    """Begins somewhere, whatever the seed."""

    def build(self, blocks, output):
        import torch

        network = super().build(blocks, output)
        with torch.no_grad():
            network[0].bias[0] = os.urandom(1)[0] / 256 + os.urandom(1)[0] / 65536
        return network


def _wrapped(network, change):
    from torch import nn

    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, numbers):
            return change(self.network, numbers)

    return Wrapped()


class Relative(Good):
    """Sees a row beside the rows that come with it."""

    def build(self, blocks, output):
        return _wrapped(super().build(blocks, output), lambda network, x: network(x - x.mean(0)))


class Dead(Good):
    """Has a layer that nobody asks."""

    def build(self, blocks, output):
        from torch import nn

        network = super().build(blocks, output)
        network[1].unused = nn.Linear(2, 2)
        return network


class Stuck(Good):
    """Says next to nothing, whatever it learns."""

    def build(self, blocks, output):
        return _wrapped(super().build(blocks, output), lambda network, x: network(x) * 1e-12)


class Branching(Good):
    """Decides in Python what to compute."""

    def build(self, blocks, output):
        return _wrapped(super().build(blocks, output), lambda network, x: network(x) if float(x.sum()) > -1e9 else network(-x))


class Unsaved(Good):
    """Draws a projection that is not among its weights."""

    def build(self, blocks, output):
        import torch

        network = super().build(blocks, output)
        network.register_buffer("drawn", torch.randn(output.width), persistent=False)
        network.register_forward_hook(lambda module, given, said: said + module.drawn)
        return network
