# SPDX-License-Identifier: MIT
"""Two captures compared: a second version that keeps more, and what only looks like that."""

import json
import re

import jsonschema
import pytest

from processes import ROOT
from versions import versions  # noqa: F401  (a fixture)


def schema():
    return json.loads((ROOT / "docs/diff.schema.json").read_text(encoding="utf-8"))


def site_of(document, function):
    return next(site for site in document["sites"] if site["function"] == function)


def test_the_second_version_s_leak_is_found_at_its_new_line(versions):  # noqa: F811
    document = json.loads(versions.diff("old", "new", "-f", "json"))
    jsonschema.validate(document, schema())
    assert document["change"] == "worse"
    first = document["sites"][0]
    assert (first["function"], first["change"]) == ("render", "worse")
    assert (first["file"], first["line"]) == (versions.files["new"], versions.lines["new"])
    assert (first["old"]["file"], first["old"]["line"]) == (
        versions.files["old"], versions.lines["old"])
    assert versions.lines["new"] == versions.lines["old"] + 3
    # Four times as much at the same rate: some ten standard deviations.
    assert first["growth"]["low"] > 0 and first["growth"]["significant"]


def test_figures_are_those_of_the_two_reports(versions):  # noqa: F811
    document = json.loads(versions.diff("old", "new", "-f", "json"))
    for side in ("old", "new"):
        report = versions.filtrace.report(side)
        assert document[side]["total"] == report["total"]
        assert document[side]["capture"] == report["capture"]
        sites = [site[side] for site in document["sites"] if site[side]]
        assert len(sites) == len(report["sites"])
        live = sum(site["live_bytes"] for site in sites)
        assert live == sum(site["live_bytes"] for site in report["sites"])
        for measure, whole in (("live", report["total"]["live_bytes"] / document[side]["divisor"]),
                               ("growth", report["total"]["growth_bytes_per_second"])):
            assert abs(document["total"][measure][side] - whole) < 1


def test_a_capture_does_not_differ_from_itself(versions):  # noqa: F811
    document = json.loads(versions.diff("old", "old", "-j"))
    counts = document["counts"]
    assert (document["change"], counts["worse"], counts["better"]) == ("unclear", 0, 0)
    assert counts["only_old"] == counts["only_new"] == 0
    assert all(stack["in_old"] and stack["in_new"] for stack in document["stacks"])
    assert document["total"]["growth"]["difference"] == 0


def test_going_back_is_better_by_as_much(versions):  # noqa: F811
    forth = json.loads(versions.diff("old", "new", "-j"))
    back = json.loads(versions.diff("new", "old", "-j"))
    assert back["change"] == "better"
    there, here = site_of(forth, "render")["growth"], site_of(back, "render")["growth"]
    assert (here["low"], here["high"]) == pytest.approx((-there["high"], -there["low"]))


def test_more_traffic_is_more_growth_but_not_more_of_each_request(versions):  # noqa: F811
    busy = json.loads(versions.diff("old", "busy", "-j"))
    assert site_of(busy, "render")["change"] == "worse"

    pages = f"{versions.pages['old']},{versions.pages['busy']}"
    each = json.loads(versions.diff("old", "busy", "-j", "--ops", pages))
    jsonschema.validate(each, schema())
    assert each["per"] == "operation"
    assert each["old"]["divisor"] == versions.pages["old"]
    live, rate = site_of(each, "render")["live"], site_of(busy, "render")["live"]
    # Four times as much a second, about as much of each page: as close as pages can be counted
    # from outside, which begins before filtrace does.
    assert live["new"] / live["old"] < 0.7 * rate["new"] / rate["old"]


def test_text_answers_in_its_first_line_and_twenty_suffice(versions):  # noqa: F811
    lines = versions.diff("old", "new").splitlines()
    assert len(lines) <= 20 and max(map(len, lines)) <= 100
    assert re.fullmatch(
        r"filtrace diff: grows by [\d.]+ ±[\d.]+ [KM]iB/min more than before; "
        r"\d+ sites? worse, \d+ better, of \d+", lines[0]), lines[0]
    worse = next(line for line in lines if line.startswith("worse"))
    assert worse.endswith(f"http_leak.py:{versions.lines['new']} render")
    assert any(line.startswith("live per captured minute") for line in lines)

    text = versions.diff("old", "new", "-T", "2", "--ops", "100,100")
    assert "/op more than before" in text and "min" not in text
    assert len(text.splitlines()) == 12


def test_filters_choose_on_both_sides(versions):  # noqa: F811
    document = json.loads(versions.diff("old", "new", "-j", "--only", "render"))
    jsonschema.validate(document, schema())
    assert [site["function"] for site in document["sites"]] == ["render"]
    assert document["old"]["filtered"]["stacks"] and document["new"]["filtered"]["stacks"]
    (versions.directory / "known").write_text("leak:^render$\n", encoding="utf-8")
    for view in (["--suppressions", "known"], ["--exclude", "http_leak.py:2*"]):
        document = json.loads(versions.diff("old", "new", "-j", *view))
        assert "render" not in [site["function"] for site in document["sites"]]
    document = json.loads(versions.diff("old", "new", "-j", "--thread", "no such"))
    assert (document["sites"], document["stacks"]) == ([], [])
    text = versions.diff("old", "new", "--exclude", "render")
    assert "left out by filters" in text

    document = json.loads(versions.diff("old", "new", "-j", "-T", "1"))
    assert len(document["sites"]) == 1 and document["counts"]["beyond_top"] > 0
    assert {stack["frames"][0]["function"] for stack in document["stacks"]} == {"render"}


def test_redaction_takes_paths_away_and_no_match(versions):  # noqa: F811
    text = versions.diff("old", "new", "-j", "--redact")
    assert str(versions.directory) not in text and "/usr/" not in text
    first = json.loads(text)["sites"][0]
    assert (first["file"], first["old"]["file"]) == ("app-v2/http_leak.py", "app-v1/http_leak.py")


def test_output_goes_where_it_is_told(versions):  # noqa: F811
    path = versions.directory / "out.txt"
    arguments = ("diff", "old", "new", "-o", path)
    finished = versions.filtrace.run(*arguments)
    assert (finished.returncode, finished.stdout) == (0, ""), finished.stderr
    assert path.read_text(encoding="utf-8") == versions.diff("old", "new")
    assert path.stat().st_mode & 0o777 == 0o600
    finished = versions.filtrace.run(*arguments)
    assert finished.returncode == 8 and "--force" in finished.stderr
    assert versions.filtrace.run(*arguments, "--force").returncode == 0


def test_files_that_cannot_be_read_are_named(versions):  # noqa: F811
    (versions.directory / "damaged").write_bytes(
        (versions.directory / "old").read_bytes()[:6000])
    for arguments in (("old", "nowhere"), ("nowhere", "new"), ("old", "damaged"), ("known", "new")):
        (versions.directory / "known").write_text("no capture\n", encoding="utf-8")
        finished = versions.filtrace.run("diff", *arguments)
        assert (finished.returncode, finished.stdout) == (8, ""), arguments
        assert any(name in finished.stderr for name in ("nowhere", "damaged", "known"))
    for arguments in (("old",), ("old", "new", "--ops", "0,1"), ("old", "new", "-f", "pprof")):
        assert versions.filtrace.run("diff", *arguments).returncode == 2, arguments
