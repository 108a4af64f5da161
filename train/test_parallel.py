"""Two processes give the gradient of one with the doubled batch, and stay equal."""
import os
import sys
import tempfile
import unittest

import torch

import common
import parallel
import test_support


def tiny(norm):
    middle = [torch.nn.BatchNorm2d(4)] if norm else []
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, bias=False), *middle, torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 2))


def data():
    torch.manual_seed(1)
    return torch.rand(8, 3, 8, 8), torch.rand(8, 2)


def worker(folder):
    ranks = parallel.Ranks("cpu")
    torch.manual_seed(10 + ranks.rank)
    network = tiny(norm=False)
    ranks.share(network)
    weights = {k: v.clone() for k, v in network.state_dict().items()}
    x, y = data()
    (network(x[ranks.rank::2]) - y[ranks.rank::2]).abs().mean().backward()
    ranks.average(network)
    gradients = [p.grad.clone() for p in network.parameters()]
    torch.manual_seed(20 + ranks.rank)
    trained = tiny(norm=True).to(memory_format=torch.channels_last)
    ranks.share(trained)
    average, optimiser = common.Average(trained), torch.optim.Adam(trained.parameters(), lr=0.01)
    for _ in range(5):
        optimiser.zero_grad(set_to_none=True)
        trained(torch.rand(4, 3, 8, 8)).square().mean().backward()
        ranks.average(trained)
        optimiser.step()
        average.update(trained)
    said = ranks.agree(0.25 + ranks.rank, ranks.rank == 1)
    torch.save({"weights": weights, "gradients": gradients, "trained": trained.state_dict(), "average": average.network.state_dict(), "said": said,
                "seed": ranks.seed(5)}, os.path.join(folder, f"{ranks.rank}.pt"))
    ranks.close()


class ParallelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            test_support.run("test_parallel.py", "worker", folder, processes=2)
            cls.first, cls.second = (torch.load(os.path.join(folder, f"{i}.pt")) for i in range(2))

    def test_the_gradient_is_that_of_the_doubled_batch(self):
        network = tiny(norm=False)
        network.load_state_dict(self.first["weights"])
        x, y = data()
        (network(x) - y).abs().mean().backward()
        for parameter, one, other in zip(network.parameters(), self.first["gradients"], self.second["gradients"]):
            self.assertTrue(torch.equal(one, other))
            self.assertLess(float((one - parameter.grad).abs().max()), 1e-6 * float(parameter.grad.abs().max()) + 1e-9)

    def test_networks_averages_and_statistics_stay_equal(self):
        for kind in ("weights", "trained", "average"):
            for name, value in self.first[kind].items():
                self.assertTrue(torch.equal(value, self.second[kind][name]), (kind, name))
        self.assertGreater(float((self.first["trained"]["1.running_mean"]).abs().max()), 0)
        self.assertEqual(int(self.first["trained"]["1.num_batches_tracked"]), 5)

    def test_the_first_process_decides_and_seeds_differ(self):
        self.assertEqual((self.first["said"], self.second["said"]), ([0.25, 0.0], [0.25, 0.0]))
        self.assertEqual(self.first["seed"], 5)
        self.assertNotEqual(self.second["seed"], 5)


if __name__ == "__main__":
    worker(sys.argv[2]) if sys.argv[1:2] == ["worker"] else unittest.main()
