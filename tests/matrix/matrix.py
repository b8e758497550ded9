#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run filtrace against every interpreter there is, and compare what it says with the truth.

Prints a table of interpreters and features and ends in one line of counts. A cell is "ok", "FAIL",
"skip" (something is missing, which is named below the table), or "-" (not applicable: this
interpreter has no such thing). Exits with 1 if anything failed or nothing ran. Needs root.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from checks import FEATURES, NotTaken  # noqa: E402
from processes import FIXTURES, Missing  # noqa: E402
from rows import all_rows  # noqa: E402
from servers import Server, ServerTarget  # noqa: E402
from stage import Stage, allow_cores  # noqa: E402
from suites import DIRECTORY, SUITES  # noqa: E402

WORKERS = 2
DETAIL_LINES = 12
NAME_WIDTH = 28


class MatrixStage(Stage):
    """A stage on which an application server may play the part of a fixture."""

    def start(self, name, *arguments, python=None, environment=None):
        if isinstance(python, Server):
            return self.add(ServerTarget(python, self.directory))
        return super().start(name, *arguments, python=python, environment=environment)


class Cell(NamedTuple):
    row: str
    feature: str
    result: str
    detail: str = ""


# -- places --

def enter_namespace():
    """Go on in a mount namespace of our own, so that what we mount is gone whenever we end."""
    if "--in-namespace" not in sys.argv:
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable,
                              "-B", *sys.argv, "--in-namespace"])


def collect_stderr(path):
    """Let what targets complain about go to a file, not between the lines of the table."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 2)
    os.close(log)


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


def mount_into(root, scratch):
    """Let processes in a suite see /proc, the fixtures, and the directories they run in."""
    if not (root / "proc/self").exists():
        mount("-t", "proc", "proc", root / "proc")
    for path in (FIXTURES, scratch):
        inside = root / path.relative_to("/")
        inside.mkdir(parents=True, exist_ok=True)
        mount("--bind", path, inside)
    mount("-o", "remount,bind,ro", root / FIXTURES.relative_to("/"))


# -- cells --

def run_cell(row, feature, scratch):
    """Play one feature on a stage of its own."""
    if row.why_not:
        return Cell(row.name, feature, "skip", row.why_not)
    if feature not in row.features:
        return Cell(row.name, feature, "-")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cell-", dir=scratch))
    stage = MatrixStage(directory)
    result, detail = "ok", []
    try:
        FEATURES[feature](stage, row.python)
    except NotTaken:
        result = "-"
    except Missing as missing:
        result, detail = "skip", [str(missing)]
    except Exception as error:  # whatever a check trips over is its failure
        result, detail = "FAIL", [describe(error)]
    problems = stage.end()
    if problems:
        result, detail = "FAIL", detail + problems
    return Cell(row.name, feature, result, "\n".join(detail))


def describe(error):
    """Where a check failed, and with what."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/tests/" in frame.filename] or frames
    places = " < ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}"
                        for frame in ours[:0:-1])
    return f"{places}: {ours[-1].line}\n{type(error).__name__}: {error}"


def run_all(rows, features, scratch):
    """All cells, two at a time. Those that run are played to their end if we are to stop."""
    def run(place):
        cell = run_cell(*place, scratch)
        if cell.result == "FAIL":
            print(f"FAIL {cell.row}: {cell.feature}: {cell.detail[:300]}", flush=True)
        return cell

    places = [(row, feature) for row in rows for feature in features]
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            return list(pool.map(run, places))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


# -- the table --

def print_table(cells, features):
    by_row = {}
    for cell in cells:
        by_row.setdefault(cell.row, {})[cell.feature] = cell.result
    widths = [max(len(feature), 4) for feature in features]
    print(" ".join(["interpreter".ljust(NAME_WIDTH), *features]))
    for name, results in by_row.items():
        words = [results[feature].ljust(width) for feature, width in zip(features, widths)]
        print(" ".join([name.ljust(NAME_WIDTH), *words]).rstrip())


def print_details(cells):
    reasons = {}
    for cell in cells:
        if cell.result == "skip":
            reasons.setdefault((cell.row, cell.detail), []).append(cell.feature)
    for (row, reason), skipped in reasons.items():
        what = "all" if len(skipped) > 3 else ", ".join(skipped)
        print(f"skip {row}: {what}: {reason}")
    for cell in cells:
        if cell.result == "FAIL":
            lines = cell.detail.splitlines()
            print(f"FAIL {cell.row}: {cell.feature}")
            for line in lines[:DETAIL_LINES]:
                print(f"     {line[:1000]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", help="rows whose name has this in it")
    parser.add_argument("--feature", action="append", choices=FEATURES, help="only this column")
    parser.add_argument("--offline", action="store_true", help="fetch and build nothing")
    parser.add_argument("--in-namespace", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("only root can start programs in another root directory; use sudo")

    enter_namespace()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    allow_cores()
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    features = [name for name in FEATURES if name in (arguments.feature or FEATURES)]
    with tempfile.TemporaryDirectory(prefix="matrix-", dir=DIRECTORY.parent) as directory:
        scratch = pathlib.Path(directory)
        rows = [row for row in all_rows(scratch, arguments.offline)
                if any(part in row.name for part in arguments.only or [""])]
        for suite in SUITES:
            if suite.has("/usr/bin/apt-get"):
                mount_into(suite.root, scratch)
        collect_stderr(DIRECTORY / "stderr.log")
        cells = run_all(rows, features, scratch)
        for suite in SUITES:
            inside = suite.root / scratch.relative_to("/")
            if inside.exists():
                subprocess.run(["umount", inside], check=True)
                inside.rmdir()
    print_table(cells, features)
    print_details(cells)
    counts = Counter(cell.result for cell in cells)
    print(f"{counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    return 1 if counts["FAIL"] or not counts["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
