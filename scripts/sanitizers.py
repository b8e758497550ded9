# SPDX-License-Identifier: MIT
"""Let no report of a sanitizer go unseen, whatever a test looks at. Used by run_tests.py."""

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

STATUS = 99  # none of filtrace's own, and no signal's
EACH = f"exitcode={STATUS}:disable_coredump=0"
OPTIONS = {
    "ASAN_OPTIONS": EACH,
    "UBSAN_OPTIONS": f"{EACH}:print_stacktrace=1",
    "TSAN_OPTIONS": f"{EACH}:atexit_sleep_ms=0",  # every filtrace would end a second later
}


class Reports:
    """While it is entered, sanitized programs that are started write what they find to one
    directory: who runs them may expect a failure, kill them, or not look at what they say."""

    def __init__(self):
        self.directory = None
        self.before = {}

    def __enter__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="filtrace-sanitizers-"))
        self.directory.chmod(0o1777)  # some tests run filtrace as another user
        for name, options in OPTIONS.items():
            self.before[name] = os.environ.get(name, "")
            ours = f"{options}:log_path={self.directory}/report:log_exe_name=1"
            os.environ[name] = ":".join(filter(None, (self.before[name], ours)))
        return self

    def __exit__(self, *_raised):
        os.environ.update(self.before)

    def tell(self):
        """Print what was reported, and forget it; each program that did so counts as failed."""
        counts = Counter()
        for report in sorted(self.directory.iterdir()):
            print(f"{report.name}:\n{report.read_text(errors='replace')}", flush=True)
            counts["failed"] += 1
        shutil.rmtree(self.directory)
        return counts
