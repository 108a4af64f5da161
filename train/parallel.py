"""One network trained by several processes on one or more machines, or by one alone, with the same script:

    torchrun --standalone --nproc_per_node 4 train/train_f.py ...      (Debian 12: torchrun -r 9:1 -t 9:1 ..., see DEBIAN_12)

Every process draws its own batches (of --batch pictures each) and starts from the same weights; before each step gradients are averaged
over the processes: synchronous data parallelism (Goyal et al., "Accurate, Large Minibatch SGD", 2017). Process 0 keeps the time, logs,
measures and saves. Messages go through gloo on CPUs and NCCL on CUDA.
"""
import datetime
import os

import torch
import torch.distributed as dist

# torchrun of PyTorch 1.13 fails on Python 3.11 when it looks for "redirect nothing", its default, since iterating over flags leaves out
# zero there. Redirecting the output of a process that does not exist is the way round it, and harmless elsewhere.
DEBIAN_12 = ["-r", "9:1", "-t", "9:1"]

# Between two messages lie at most a checkpoint with its measurements, or new pseudo labels.
PATIENCE = datetime.timedelta(hours=2)


class Ranks:
    """The processes that torchrun started together. device: "cpu" or "cuda" (each process takes the GPU of its number)."""

    def __init__(self, device):
        self.rank, self.size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        if device == "cuda":
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
        self.device = torch.device(device)
        if self.size > 1:
            dist.init_process_group("nccl" if device == "cuda" else "gloo", timeout=PATIENCE)

    @property
    def first(self):
        return self.rank == 0

    def seed(self, seed):
        """Another seed for each process, the given one for process 0."""
        return seed + 1_000_003 * self.rank

    def agree(self, *numbers):
        """What process 0 said. Time and signals differ between processes, and all must do the same step or all leave."""
        if self.size == 1:
            return list(numbers)
        values = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        dist.broadcast(values, 0)
        return values.tolist()

    def share(self, network):
        """Gives every process the parameters and buffers of process 0."""
        if self.size > 1:
            for tensor in network.state_dict().values():
                dense = tensor.detach().contiguous()
                dist.broadcast(dense, 0)
                tensor.copy_(dense)

    def average(self, *networks):
        """Call after backward(). Gradients become their mean over the processes, in one message with batch norm's running statistics,
        so that the networks stay equal in every process."""
        if self.size == 1:
            return
        tensors = [p.grad for n in networks for p in n.parameters() if p.grad is not None]
        norms = [m for n in networks for m in n.modules() if isinstance(m, torch.nn.BatchNorm2d) and m.training]
        tensors += [b for m in norms for b in (m.running_mean, m.running_var)]
        flat = torch.cat([t.detach().reshape(-1) for t in tensors])
        dist.all_reduce(flat)
        flat /= self.size
        with torch.no_grad():
            for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors])):
                tensor.copy_(part.view(tensor.shape))

    def close(self):
        if self.size > 1:
            dist.destroy_process_group()
