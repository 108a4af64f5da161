"""Time of the published fit step in PyTorch on the CPU (threads: OMP_NUM_THREADS), for bench/compare.py.

    python3 bench/torch_fit_step.py transposed|subpixel [compact|paper]

The generator with PyTorch's own transposed convolutions, or the same as 2x2 convolutions and pixel shuffles. Prints `NAME VALUE` lines:
the median of single steps. Freed memory is kept (train/common.py), which PyTorch's users seldom do: without, every step pays for
page faults.
"""
import math
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "train"))
import common

FORMS = ("transposed", "subpixel")


def main(form, kind):
    common.reuse_memory()
    import torch
    import torch_fit_nets as nets
    generator, extractor = nets.make_nets(kind)
    if form == "subpixel":
        nets.subpixel(generator)
    step = nets.FitStep(kind, generator, extractor)
    step.run()  # page faults and code generation
    times, start = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - start < 3:
        begin = time.perf_counter()
        loss = step.run()
        times.append((time.perf_counter() - begin) * 1e3)
    # Infinite or vanished numbers would make another speed.
    if not math.isfinite(loss):
        sys.exit("torch_fit_step: the loss is not finite")
    print(f"torch_version {torch.__version__}")
    print(f"torch_threads {torch.get_num_threads()}")
    print(f"torch_{form}_ms {statistics.median(times):.3f}")


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in FORMS:
        sys.exit(f"usage: torch_fit_step.py {'|'.join(FORMS)} [compact|paper]")
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "paper")
