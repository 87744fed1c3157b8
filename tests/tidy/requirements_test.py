#!/usr/bin/env python3
"""Checks docs/requirements.md: a row for each of R1 to R84, and every test that it names is there.

Usage: requirements_test.py ROOT    Prints every finding as FILE:LINE: what; exits 1 when there is
one. That a named test would really fail without the feature is for its reader to judge.
"""
import pathlib
import re
import sys

DOCUMENT = "docs/requirements.md"
ROWS = 84
COLUMNS = 4


def has_test(text, name):
    """`Suite.Name` of GoogleTest, or a method of unittest."""
    if "." in name:
        suite, test = map(re.escape, name.split(".", 1))
        return re.search(rf"^TEST(_F|_P)?\(\s*{suite},\s*{test}\s*\)", text, re.M) is not None
    return re.search(rf"^    def {re.escape(name)}\(self", text, re.M) is not None


def check_row(root, cells, report):
    if len(cells) != COLUMNS:
        report(f"{len(cells)} columns instead of {COLUMNS}")
        return
    if not cells[1]:
        report("does not say what is asked")
    shown_by = cells[3]
    named = re.findall(r"`([^`]+)::([^`]+)`", shown_by)
    # Whatever looks like a test has to be written so that it is checked below.
    if shown_by.count("::") != len(named):
        report("a test is not written as `file::test`")
    if not named and "not yet" not in shown_by:
        report("names neither a test nor what is missing")
    for file, name in named:
        path = root / file
        if not path.is_file():
            report(f"there is no file {file}")
        elif not has_test(path.read_text(encoding="utf-8"), name):
            report(f"{file} has no test {name}")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    findings = []
    rows = []
    tests = 0
    lines = (root / DOCUMENT).read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        if not re.match(r"\| *R\d+ *\|", line):
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        rows.append(cells[0])
        tests += line.count("::")
        check_row(root, cells, lambda what, at=number, row=cells[0]: findings.append(
            f"{DOCUMENT}:{at}: {row}: {what}"))
    expected = [f"R{i}" for i in range(1, ROWS + 1)]
    for row in expected:
        if rows.count(row) != 1:
            findings.append(f"{DOCUMENT}:1: {row} has {rows.count(row)} rows")
    for row in set(rows) - set(expected):
        findings.append(f"{DOCUMENT}:1: {row} is no requirement")
    print("\n".join([*findings, f"{len(rows)} rows, {tests} tests, {len(findings)} findings"]))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
