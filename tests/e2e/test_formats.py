# SPDX-License-Identifier: MIT
"""What a report is written as, others can read: each format is tried on its own reader."""

import csv
import json
import os
import pty
import re
import subprocess

import jsonschema
import pytest

from processes import FILTRACE, ROOT
from readers import flamegraph, reader, speedscope, speedscope_schema
from recording import recording  # noqa: F401  (a fixture)


def schema(name):
    return json.loads((ROOT / "docs" / f"{name}.schema.json").read_text(encoding="utf-8"))


def test_csv_is_a_table_for_python_and_for_sqlite(recording):
    path = recording.write("csv")
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(recording.json["sites"])
    for row, site in zip(rows, recording.json["sites"]):
        assert (row["file"], int(row["line"])) == (site["file"], site["line"])
        assert int(row["live_bytes"]) == site["live_bytes"]
        assert int(row["malloc_bytes"]) == site["kinds"]["malloc"]

    finished = subprocess.run(
        ["sqlite3", ":memory:", "-cmd", f".import --csv {path} sites",
         "select file || ':' || line from sites order by live_bytes + 0 desc limit 1"],
        capture_output=True, text=True, timeout=30)
    assert finished.stdout.strip() == f"{recording.file}:{recording.line}", finished.stderr


def test_collapsed_has_a_line_for_each_stack_that_ends_in_the_leaking_line(recording):
    lines = recording.write("collapsed").read_text(encoding="utf-8").splitlines()
    stacks = [stack for stack in recording.json["stacks"] if stack["live_bytes"]]
    assert len(lines) == len(stacks)
    for line, stack in zip(lines, stacks):
        frames, _, count = line.rpartition(" ")
        assert int(count) == stack["live_bytes"]
        assert len(frames.split(";")) == len(stack["frames"]) + stack["truncated"]
    assert lines[0].rpartition(" ")[0].endswith(
        f";render ({recording.file}:{recording.line})"), lines[0]


def test_flamegraph_draws_the_leaking_line_as_wide_as_it_is(recording):
    boxes = flamegraph(recording.write("collapsed"))
    label = re.escape(f"render ({recording.file}:{recording.line})")
    found = [re.match(label + r" \(([\d,]+) bytes, ", box) for box in boxes]
    leak = recording.json["sites"][0]
    assert (leak["file"], leak["line"]) == (recording.file, recording.line)
    assert sum(int(box.group(1).replace(",", "")) for box in found if box) == pytest.approx(
        leak["live_bytes"], rel=1e-3), boxes


@pytest.mark.parametrize("form", ["speedscope", "collapsed"])
def test_speedscope_opens_the_file(recording, form):
    path = recording.write(form)
    text = speedscope(path, recording.directory)
    assert "Something went wrong" not in text
    assert "Time Order" in text and "Left Heavy" in text, text


def test_speedscope_file_has_a_profile_for_each_measure(recording):
    document = json.loads(recording.write("speedscope").read_text(encoding="utf-8"))
    jsonschema.validate(document, speedscope_schema())
    live, blocks, growth = document["profiles"]
    assert live["endValue"] == sum(stack["live_bytes"] for stack in recording.json["stacks"])
    assert blocks["endValue"] > 0 and growth["endValue"] > 0
    heaviest = max(zip(live["weights"], live["samples"]))[1]
    frame = document["shared"]["frames"][heaviest[-1]]
    assert (frame["file"], frame["line"]) == (recording.file, recording.line)

    text = speedscope(recording.directory / "report.speedscope", recording.directory)
    assert f"pid {recording.pid}" in text and "(1/3)" in text, text


def pprof(path, *arguments):
    """What `go tool pprof` prints of a file."""
    finished = subprocess.run(
        [reader("go"), "tool", "pprof", *arguments, path], capture_output=True, text=True,
        timeout=60)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.parametrize("measure", ["inuse_space", "growth"])
def test_pprof_names_the_leaking_line_first(recording, measure):
    path = recording.write("pprof")
    lines = pprof(path, "-top", "-lines", f"-sample_index={measure}").splitlines()
    header = next(i for i, line in enumerate(lines) if line.split()[:1] == ["flat"])
    assert lines[header + 1].endswith(f" render {recording.file}:{recording.line}"), lines


def test_pprof_has_all_stacks_with_their_labels(recording):
    path = recording.write("pprof")
    report = recording.json
    top = pprof(path, "-top", "-unit=B", "-nodefraction=0", "-nodecount=0")
    total = sum(stack["live_bytes"] for stack in report["stacks"])
    assert f"Total samples = {total}B" in top, top
    tags = pprof(path, "-tags", "-unit=B")
    assert re.search(rf"process: Total {total}B.*\n\s+{total}B \( *100%\): {recording.pid}\n", tags)
    for kind in ("malloc", "pymalloc"):
        live = sum(stack["live_bytes"] for stack in report["stacks"] if stack["kind"] == kind)
        assert re.search(rf"\b{live}B \( *\d.*\): {kind}\n", tags), tags


def test_pprof_is_not_poured_over_a_terminal(recording):
    ours, theirs = pty.openpty()
    finished = subprocess.run(
        [FILTRACE, "report", recording.directory / "capture", "-f", "pprof"], stdout=theirs,
        stderr=subprocess.PIPE, text=True, timeout=30)
    os.close(theirs)
    os.close(ours)
    assert finished.returncode == 2
    assert "-o FILE" in finished.stderr


def leaves_of_collapsed(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return sum(int(line.rpartition(" ")[2]) for line in lines), len(lines)


def leaves_of_pprof(path):
    raw = pprof(path, "-raw").split("Samples:\n")[1].split("Locations\n")[0]
    values = re.findall(r"^ *-?\d+ +(\d+) +-?\d+:", raw, re.MULTILINE)
    return sum(map(int, values)), len(values)


def leaves_of_speedscope(path):
    live = json.loads(path.read_text(encoding="utf-8"))["profiles"][0]
    return sum(live["weights"]), len(live["weights"])


@pytest.mark.parametrize("form, leaves", [
    ("collapsed", leaves_of_collapsed),
    ("pprof", leaves_of_pprof),
    ("speedscope", leaves_of_speedscope),
])
@pytest.mark.parametrize("view", [
    ("--only", "http_leak.py"),
    ("--exclude", "render"),
    ("--thread", "no such"),
    ("-T", "2"),
    ("--min-age", "1s", "--redact"),
], ids=lambda view: " ".join(view))
def test_every_format_shows_the_same_part(recording, form, leaves, view):
    part = json.loads(recording.write("json", *view).read_text(encoding="utf-8"))
    jsonschema.validate(part, schema("report"))
    whole = recording.json
    for figure in ("stacks", "live_bytes"):
        listed = part["stacks"]
        listed = len(listed) if figure == "stacks" else sum(s["live_bytes"] for s in listed)
        left_out = part["filtered"][figure] + part["beyond_top"][figure]
        everything = whole["stacks"]
        everything = (len(everything) if figure == "stacks"
                      else sum(s["live_bytes"] for s in everything))
        assert abs(listed + left_out - everything) <= len(whole["stacks"])  # of rounding
    live = [stack["live_bytes"] for stack in part["stacks"] if stack["live_bytes"]]
    total, count = leaves(recording.write(form, *view))
    assert total == sum(live)
    assert count - len(live) in range(len(part["stacks"]) - len(live) + 1)


def test_suppressions_leave_the_known_leak_out_and_say_so(recording):
    (recording.directory / "known").write_text(
        f"# accepted\nleak:{recording.file}:{recording.line}$\n", encoding="utf-8")
    run = recording.filtrace.run
    finished = run("report", "capture", "-f", "csv", "--suppressions", "known")
    assert finished.returncode == 0, finished.stderr
    assert f'"{recording.file}",{recording.line},' not in finished.stdout
    assert re.fullmatch(
        r"filtrace: not shown: [\d.]+ KiB in \d+ stacks? left out by filters\n", finished.stderr)

    (recording.directory / "known").write_text("render\n", encoding="utf-8")
    finished = run("report", "capture", "--suppressions", "known")
    assert finished.returncode == 8 and "known: line 1" in finished.stderr
    finished = run("report", "capture", "--suppressions", "nowhere")
    assert finished.returncode == 8 and "nowhere" in finished.stderr
    finished = run("report", "capture", "--thread", "(")
    assert finished.returncode == 2 and "--thread" in finished.stderr


@pytest.mark.parametrize("form", ["text", "json", "csv", "collapsed", "speedscope"])
def test_redacted_reports_show_no_directory_above_the_last(recording, form):
    assert recording.file.count("/") > 2
    text = recording.write(form, "--redact").read_text(encoding="utf-8")
    assert os.path.basename(recording.file) in text
    assert os.path.dirname(os.path.dirname(recording.file)) not in text
    assert "/usr/" not in text
