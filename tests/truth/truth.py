#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compare what filtrace says of live targets with what they know of themselves.

Ends with 1 if a run failed, or if what was seen would be a millionth chance had filtrace kept its
promises: a bias below 1%, and intervals that hold the truth 93 to 97% of the time wherever an
interval is the sampling's doing. All targets must end unharmed.
"""

import argparse
import json
import os
import pathlib
import shlex
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor, as_completed

sys.dont_write_bytecode = True
os.environ.setdefault("DEADLINE_SECONDS", "120")  # rows load the machine themselves
sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import against_tracemalloc
import exact
import flask_server
import hunt
import mixtures
from stage import Stage, allow_cores

ROWS = {
    "mixtures": mixtures.Mixtures,
    "exact": exact.Exact,
    "tracemalloc": against_tracemalloc.AgainstTracemalloc,
    "hunt": hunt.Hunt,
    "flask": flask_server.Flask,
}


class Failed(Exception):
    """A run did not come to its end."""


def run_one(row, seed, arguments):
    """One run in a directory of its own. Returns its result, and how long it took."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="truth-") as directory:
        stage = Stage(pathlib.Path(directory))
        problems = []
        try:
            result = row.run(stage, seed, arguments.seconds)
        except Exception:
            problems.append(traceback.format_exc(limit=-4))
        problems += stage.end()
    if problems:
        raise Failed("\n".join([f"seed {seed}", *problems]))
    return result, time.monotonic() - begin


def run_all(row, seeds, arguments):
    """The results of all seeds in their order, and the failures."""
    results, failures = {}, []
    with ThreadPoolExecutor(arguments.lanes) as pool:
        futures = {pool.submit(run_one, row, seed, arguments): seed for seed in seeds}
        for future in as_completed(futures):
            try:
                result, seconds = future.result()
            except Failed as failed:
                failures.append(str(failed))
                print(f"FAILED {row.name}: {failed}", file=sys.stderr, flush=True)
                continue
            results[futures[future]] = result
            print(f"{row.name} {len(results) + len(failures)}/{len(seeds)}: seed "
                  f"{futures[future]}, {seconds:.0f} s, {row.brief(result)}",
                  file=sys.stderr, flush=True)
    return [results[seed] for seed in sorted(results)], failures


def run_row(row, arguments):
    """Run a row, print its table, and give what speaks against filtrace."""
    count = max(1, round(arguments.runs * row.share))
    seeds = range(arguments.seed, arguments.seed + count)
    begin = time.monotonic()
    results, failures = run_all(row, seeds, arguments)
    if arguments.keep:
        with open(os.path.join(arguments.keep, f"{row.name}.json"), "w", encoding="utf-8") as out:
            json.dump([row.kept(result) for result in results], out)
    print(f"\n{row.name}: {row.title}\n{count} runs, {len(failures)} failed, "
          f"{time.monotonic() - begin:.0f} s")
    problems = row.report(results) if results else []
    return [*failures, *(f"{row.name}: {problem}" for problem in problems)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200, help="of the first row (200); the others "
                        "have their share of it")
    parser.add_argument("--seconds", type=float, default=12, help="of each recording (12)")
    parser.add_argument("--seed", type=int, default=1, help="of the first run (1)")
    parser.add_argument("--lanes", type=int, default=2, help="runs at a time (2)")
    parser.add_argument("--only", action="append", choices=ROWS, help="this row; may be repeated")
    parser.add_argument("--record", type=shlex.split, help="options of `filtrace record` for all "
                        "mixtures, in place of what seeds choose")
    parser.add_argument("--target", type=shlex.split, help="the same of seeded_leaks.py")
    parser.add_argument("--keep", help="a directory for every figure, as JSON")
    arguments = parser.parse_args()

    allow_cores()
    problems = []
    for name, row in ROWS.items():
        if name in (arguments.only or [name]):
            problems += run_row(row(arguments), arguments)
    print()
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems" if problems else "filtrace tells the truth")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
