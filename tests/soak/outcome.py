# SPDX-License-Identifier: MIT
"""What came of a row of the table: counts, a text, and the evidence of whatever went wrong."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import traceback

from stage import core_problems

EVIDENCE = ("maps", "status", "stat", "syscall", "stack", "wchan")


class Outcome:
    def __init__(self, text=""):
        self.passed = self.failed = self.skipped = 0
        self.text = text

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    @contextlib.contextmanager
    def guarded(self, what, directory):
        """Count one check: passed if nothing is raised and no core lies in the directory."""
        problems = []
        try:
            yield
        except Exception as problem:
            problems = [f"{type(problem).__name__}: {problem}\n{traceback.format_exc(limit=-3)}"]
        problems += core_problems(pathlib.Path(directory))
        keep_cores(directory)
        if problems:
            self.failed += 1
            print(f"FAILED {what}:", *problems, sep="\n  ", file=sys.stderr, flush=True)
        else:
            self.passed += 1


def keep_cores(directory):
    """Each core is told once, and stays to be looked at."""
    for number, core in enumerate(sorted(pathlib.Path(directory).glob("core*"))):
        core.rename(core.with_name(f"told-{core.name}-{os.getpid()}-{number}-{core.stat().st_ino}"))


def keep_evidence(pid, directory):
    """What can be seen of a target that is about to be ended because of a problem."""
    with open(os.path.join(directory, f"evidence-{pid}"), "w", encoding="utf-8") as out:
        tasks = [f"/proc/{pid}/task/{tid}" for tid in os.listdir(f"/proc/{pid}/task")]
        for place in [f"/proc/{pid}", *tasks]:
            for name in EVIDENCE if "task" in place else EVIDENCE[:2]:
                with contextlib.suppress(OSError):
                    text = pathlib.Path(place, name).read_text(encoding="utf-8")
                    out.write(f"---- {place}/{name}\n{text}\n")
        if shutil.which("gdb"):
            out.write(subprocess.run(
                ["gdb", "-batch", "-ex", "thread apply all bt 8", "-ex",
                 "thread apply all info registers", "-p", str(pid)],
                capture_output=True, text=True, timeout=60).stdout)
