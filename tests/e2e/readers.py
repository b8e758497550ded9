# SPDX-License-Identifier: MIT
"""Other programs that read what filtrace writes; `make readers` gets them.

A test whose reader is missing is skipped, by the reader's name.
"""

import base64
import json
import pathlib
import re
import shutil
import subprocess
import xml.etree.ElementTree

import pytest

from processes import BUILD

FLAMEGRAPH = pathlib.Path("/usr/share/perl5/Devel/NYTProf/flamegraph.pl")  # Debian's
SPEEDSCOPE = BUILD / "readers" / "node_modules" / "speedscope"


def reader(name):
    """The path of a program that reads, or a skip."""
    path = shutil.which(name)
    if not path:
        pytest.skip(f"{name} is not installed: make readers")
    return path


def flamegraph(path):
    """The texts of an image that flamegraph.pl makes of a file, one for each box."""
    if not FLAMEGRAPH.exists():
        pytest.skip("flamegraph.pl is not installed: make readers")
    finished = subprocess.run(
        [reader("perl"), FLAMEGRAPH, "--countname", "bytes", "--colors", "mem", path],
        capture_output=True, text=True, timeout=60)
    assert (finished.returncode, finished.stderr) == (0, "")
    image = xml.etree.ElementTree.fromstring(finished.stdout)
    return [title.text for title in image.iter("{http://www.w3.org/2000/svg}title")]


def browse(url, directory, seconds=60):
    """What a page shows once it has loaded: its text, and a screenshot beside it."""
    finished = subprocess.run(
        [reader("chromium"), "--headless", "--no-sandbox", "--disable-gpu",
         f"--user-data-dir={directory / 'chromium'}", "--virtual-time-budget=10000",
         "--window-size=1200,800", f"--screenshot={directory / 'screenshot.png'}", "--dump-dom",
         url],
        capture_output=True, text=True, timeout=seconds)
    assert finished.returncode == 0, finished.stderr
    return re.sub(r"<style.*?</style>|<[^>]+>", " ", finished.stdout, flags=re.DOTALL)


def speedscope_schema():
    if not SPEEDSCOPE.exists():
        pytest.skip("speedscope is not installed: make readers")
    path = SPEEDSCOPE / "dist" / "release" / "file-format-schema.json"
    return json.loads(path.read_text(encoding="utf-8"))


def speedscope_url(path, directory):
    """Where speedscope shows a file, opened as its own command opens it."""
    speedscope_schema()
    content = base64.b64encode(pathlib.Path(path).read_bytes()).decode()
    script = directory / "load.js"
    script.write_text(f'speedscope.loadFileFromBase64("report", "{content}")', encoding="ascii")
    page = (SPEEDSCOPE / "dist" / "release" / "index.html").resolve()
    return f"{page.as_uri()}#localProfilePath={script}"


def speedscope(path, directory):
    """What speedscope shows of a file."""
    return browse(speedscope_url(path, directory), directory)
