#!/usr/bin/env python3
"""Checks what docs/style.md asks of every source file: layers, sizes, guards, ASCII, leftovers.

Usage: tidy_test.py ROOT    Prints every finding as FILE:LINE: what; exits 1 when there is one.
"""
import pathlib
import re
import subprocess
import sys

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
LINE_CHARACTERS_MAX = 100

# What a folder may include besides itself: the arrows of docs/architecture.md.
BASE = {"coercion", "engine/base"}
PLAN = BASE | {"engine/report", "engine/sqlite", "engine/postgres", "engine/archive"}
ARROWS = {
    "coercion": set(),
    "engine/base": set(),
    "engine/report": BASE,
    "engine/sqlite": BASE,
    "engine/postgres": BASE,
    "engine/archive": BASE,
    "engine/plan": PLAN,
    "engine/pipeline": PLAN | {"engine/plan"},
    "engine/verify": PLAN | {"engine/plan", "engine/pipeline"},
    "engine/command": PLAN | {"engine/plan", "engine/pipeline", "engine/verify"},
}
# C libraries, and the one folder that may include each.
C_HEADERS = {
    "sqlite3.h": "engine/sqlite",
    "libpq-fe.h": "engine/postgres",
    "tbb/": "engine/pipeline",
    "openssl/": "engine/archive",
    "zstd.h": "engine/archive",
}


def layer_of(path):
    parts = path.split("/")
    return parts[0] if parts[0] == "coercion" else "/".join(parts[:2])


def check_includes(path, number, line, report):
    match = re.match(r'#include ["<]([^">]+)[">]', line)
    if not match:
        return
    target = match.group(1)
    layer = layer_of(path)
    for header, home in C_HEADERS.items():
        if target.startswith(header) and layer != home and layer in ARROWS:
            report(path, number, f"{target} belongs to {home} only")
    if layer in ARROWS and target.split("/")[0] in ("coercion", "engine", "tools"):
        other = layer_of(target)
        if other != layer and other not in ARROWS[layer]:
            report(path, number, f"{layer} may not include {other}")


def check_functions(path, lines, report):
    """A function is taken to run from a line that ends in '{' at namespace or class level to the
    line with its closing brace; good enough for code that clang-format has laid out."""
    begin = None
    for number, line in enumerate(lines, 1):
        opens = re.match(r"( {0,2})[A-Za-z_~].*\{$", line)
        kind = r"\s*(namespace|class|struct|enum|extern|union|constexpr|const|static const)\b"
        if begin is None and opens and not re.match(kind, line):
            begin, indent = number, opens.group(1)
        elif begin is not None and line.startswith(indent + "}"):
            if number - begin + 1 > FUNCTION_LINES_MAX:
                report(path, begin, f"function of {number - begin + 1} lines")
            begin = None


def check_file(root, path, report):
    text = (root / path).read_bytes()
    try:
        decoded = text.decode("ascii")
    except UnicodeDecodeError as e:
        report(path, text[: e.start].count(b"\n") + 1, "not ASCII")
        return
    lines = decoded.splitlines()
    if len(lines) > FILE_LINES_MAX:
        report(path, 1, f"{len(lines)} lines")
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_CHARACTERS_MAX:
            report(path, number, f"{len(line)} characters")
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            report(path, number, "something unfinished")
        if re.search(r"\bDISABLED_|EXPECT_TRUE\(true\)", line):
            report(path, number, "a test that cannot fail")
        check_includes(path, number, line, report)
    if path.endswith(".h"):
        guard = "LITE2PG_" + re.sub(r"[^A-Za-z0-9]", "_", path).upper() + "_"
        if f"#ifndef {guard}" not in lines:
            report(path, 1, f"header guard is not {guard}")
        if not lines or not lines[0].startswith("//"):
            report(path, 1, "a header begins with what it is for")
    if not path.startswith("tests/"):
        check_functions(path, lines, report)


def check_types_are_one(root, listed, report):
    """No two types of one name in the one namespace: the linker would take either's destructor, and
    either's vector, for both."""
    found = {}
    for path in listed:
        if path.startswith("tests/") or path.startswith("bench/"):
            continue  # programs of their own
        unnamed = False
        for number, line in enumerate((root / path).read_text("ascii", "replace").splitlines(), 1):
            if line.startswith("namespace {"):
                unnamed = True
            elif line == "}  // namespace":
                unnamed = False
            match = re.match(r"(?:template <.*> )?(?:struct|class|union|enum(?: class)?) (\w+)"
                             r"(?: final)?(?: :.*)? \{", line)
            if match and not unnamed:
                other = found.setdefault(match.group(1), path)
                if other != path:
                    report(path, number, f"{match.group(1)} is another type in {other}")


def check_tests_are_built(root, listed, report):
    """Every folder with tests in C++ is named in tests/CMakeLists.txt."""
    cmake = (root / "tests/CMakeLists.txt").read_text()
    for folder in sorted({path.rsplit("/", 1)[0] for path in listed if path.endswith("_test.cc")}):
        if f"lite2pg_test({folder.removeprefix('tests/')} " not in cmake:
            report(folder, 1, "its tests are not built")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    listed = subprocess.run(["git", "ls-files", "*.cc", "*.h"], cwd=root, text=True,
                            stdout=subprocess.PIPE, check=True).stdout.split()
    findings = []
    for path in listed:
        check_file(root, path, lambda *finding: findings.append(finding))
    check_types_are_one(root, listed, lambda *finding: findings.append(finding))
    check_tests_are_built(root, listed, lambda *finding: findings.append(finding))
    for path, number, what in findings:
        print(f"{path}:{number}: {what}")
    print(f"{len(listed)} files, {len(findings)} findings")
    # No files at all means that the check looked at the wrong place.
    return 1 if findings or not listed else 0


if __name__ == "__main__":
    sys.exit(main())
