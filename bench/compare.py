#!/usr/bin/env python3
"""The reference fit step beside oneDNN's bare primitives and PyTorch, in turn, on the same machine and number of threads.

    python3 bench/compare.py [--rounds 5] [--threads N] [--json] [--table FILE] [--no-torch] [--no-onednn] [--build DIR]

Every round starts one process a contender: the machine's FMA peak, likeness, oneDNN, PyTorch in both forms. Printed are the medians
over the rounds and ratios of them, as `NAME VALUE` lines (docs/performance.md says what each is). Standard library only; PyTorch
runs in torch_fit_step.py.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
STEP = "fit_step/paper/fp32"
TORCH_FORMS = ("transposed", "subpixel")


class CompareError(Exception):
    """Its text is for the user."""


def parse_lines(text):
    """`NAME VALUE` lines and `layer` rows -> {NAME: number or text}, rows under "layers"."""
    values = {}
    for line in text.splitlines():
        if line.startswith("layer\t"):
            label, direction, count, gflop, ms, algorithm, implementation = line.split("\t")[1:]
            values.setdefault("layers", []).append({
                "layer": label, "direction": direction, "count": int(count), "gflop": float(gflop), "ms": float(ms),
                "algorithm": algorithm, "implementation": implementation})
        elif " " in line:
            name, value = line.split(" ", 1)
            try:
                values[name] = float(value)
            except ValueError:
                values[name] = value
    return values


def parse_benchmark(text):
    """Google Benchmark's JSON of the one fit step."""
    runs = [run for run in json.loads(text)["benchmarks"] if run["name"].startswith(STEP)]
    if len(runs) != 1 or "median_ms" not in runs[0]:
        raise CompareError(f"fit_step did not report {STEP}: {runs[0].get('error_message', '') if runs else 'no such benchmark'}")
    return {"likeness_step_ms": float(runs[0]["median_ms"]), "likeness_gflop": float(runs[0]["GFLOP"])}


def run(command, threads):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    result = subprocess.run([str(part) for part in command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise CompareError(f"{Path(command[0]).name} failed with {result.returncode}: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


def find_torch_python():
    """A Python that has PyTorch: this one, else Debian's, which may not be the first on PATH."""
    for python in dict.fromkeys([sys.executable, "/usr/bin/python3"]):
        if python and os.path.exists(python) and subprocess.run([python, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode == 0:
            return python
    raise CompareError("no PyTorch for Python 3: apt-get install python3-torch, or leave it out with --no-torch")


def find_program(build, name, advice):
    path = build / "bench" / name
    if not os.access(path, os.X_OK):
        raise CompareError(f"{path} is missing: {advice}")
    return path


def find_contenders(options):
    """[(name, command, parser)] in the order of a round."""
    build = options.build
    make = f"cmake --preset release && cmake --build {build} --target"
    contenders = [
        ("peak", [find_program(build, "fma_peak", f"{make} fma_peak")], parse_lines),
        ("likeness", [find_program(build, "fit_step", f"{make} fit_step (needs libbenchmark-dev)"), f"--benchmark_filter=^{STEP}",
                      "--benchmark_format=json", "--benchmark_min_time=3"], parse_benchmark)]
    if options.onednn:
        advice = f"apt-get install libdnnl-dev, then {make} onednn_primitives; or leave it out with --no-onednn"
        contenders.append(("onednn", [find_program(build, "onednn_primitives", advice)], parse_lines))
    if options.torch:
        python = find_torch_python()
        contenders += [(f"torch {form}", [python, HERE / "torch_fit_step.py", form], parse_lines) for form in TORCH_FORMS]
    return contenders


def measure(contenders, rounds, threads):
    """-> the results of each round, contenders merged."""
    results = []
    for i in range(rounds):
        values = {}
        for name, command, parse in contenders:
            print(f"round {i + 1}/{rounds}: {name}", file=sys.stderr, flush=True)
            values.update(parse(run(command, threads)))
        results.append(values)
    return results


def summarise(results, threads):
    """Medians over the rounds (text: that of the last round), and ratios of the medians: above 1, likeness takes longer."""
    summary = {"threads": threads, "rounds": len(results)}
    for name, value in results[-1].items():
        if name != "layers":
            summary[name] = statistics.median(r[name] for r in results) if isinstance(value, float) else value
    step = summary["likeness_step_ms"]
    if "onednn_sequence_ms" in summary:
        for name in ("primitives", "sequence"):
            summary[f"ratio_onednn_{name}"] = step / summary[f"onednn_{name}_ms"]
        least = min(summary["onednn_primitives_ms"], summary["onednn_sequence_ms"])  # the harder bar of the two
        summary["ratio_onednn"] = step / least
        summary["onednn_gflops"] = summary["onednn_gflop"] / least * 1e3
    if "torch_transposed_ms" in summary:
        summary["torch_step_ms"] = min(summary[f"torch_{form}_ms"] for form in TORCH_FORMS)
        summary["ratio_torch"] = step / summary["torch_step_ms"]
    summary["likeness_gflops"] = summary["likeness_gflop"] / step * 1e3
    return summary


def layer_rows(results):
    """oneDNN's layers with the median of their times over the rounds, and the algorithm that won most rounds."""
    rounds = [{(row["layer"], row["direction"]): row for row in r["layers"]} for r in results]
    rows = []
    for row in results[0]["layers"]:
        same = [r[row["layer"], row["direction"]] for r in rounds]
        rows.append({**row, "ms": statistics.median(s["ms"] for s in same),
                     **dict(zip(("algorithm", "implementation"), statistics.mode((s["algorithm"], s["implementation"]) for s in same)))})
    return rows


def table(rows, summary):
    """Markdown. Winograd's percentages count the operations of the direct form, so they can exceed 100."""
    peak = summary["fma_peak_gflops"]
    lines = [f"oneDNN {summary['onednn_version']}, {summary['onednn_isa']}, {summary['threads']} threads, FMA peak {peak:.0f} GFLOP/s, "
             f"median of {summary['rounds']} rounds", "",
             "| layer (channels, kernel, stride @ input side) | layers | direction | GFLOP | ms | algorithm | % of peak |",
             "|---|---|---|---|---|---|---|"]
    for row in rows:
        percent = 100 * row["gflop"] / row["ms"] * 1e3 / peak
        lines.append(f"| {row['layer']} | {row['count']} | {row['direction']} | {row['gflop']:.3f} | {row['ms']:.3f} | "
                     f"{row['algorithm']} ({row['implementation']}) | {percent:.0f} |")
    return "\n".join(lines) + "\n"


def parse_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=None, help="default: OMP_NUM_THREADS, else the cores of this process")
    parser.add_argument("--json", action="store_true", help="one object, with the layers and every round's values")
    parser.add_argument("--table", type=Path, metavar="FILE", help="oneDNN's times by layer, as a Markdown table")
    parser.add_argument("--no-torch", dest="torch", action="store_false")
    parser.add_argument("--no-onednn", dest="onednn", action="store_false")
    parser.add_argument("--build", type=Path, default=HERE.parent / "build" / "release", metavar="DIR")
    options = parser.parse_args(arguments)
    if options.threads is None:
        asked = os.environ.get("OMP_NUM_THREADS", "")
        options.threads = int(asked) if asked.isdecimal() else len(os.sched_getaffinity(0))
    if options.rounds < 1 or options.threads < 1:
        parser.error("--rounds and --threads must be at least 1")
    if options.table and not options.onednn:
        parser.error("--table needs oneDNN")
    return options


def main(arguments):
    options = parse_options(arguments)
    try:
        results = measure(find_contenders(options), options.rounds, options.threads)
    except CompareError as error:
        print(f"compare: {error}", file=sys.stderr)
        return 1
    summary = summarise(results, options.threads)
    if options.table:
        options.table.write_text(table(layer_rows(results), summary))
    if options.json:
        layers = {"layers": layer_rows(results)} if options.onednn else {}
        by_round = [{name: value for name, value in r.items() if isinstance(value, float)} for r in results]
        print(json.dumps({**summary, **layers, "by_round": by_round}, indent=1))
    else:
        for name, value in summary.items():
            print(name, value if isinstance(value, str) else f"{value:.4g}" if name.startswith("ratio") else f"{round(value, 2):.10g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
