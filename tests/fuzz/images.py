#!/usr/bin/python3
"""Runs the program over damaged and hostile database images, and judges what it says.

  images.py [--sqlite-source DIR] [--mutate N] [--sample N] [--seed S] [--commands plan,both,copy]

Images come from the SQLite project's own fuzz corpus (test/fuzzdata*.db of Debian's source package
sqlite3; tools/fuzz fetches it), and from databases made here and then damaged. After every run:

  - it ended by itself within the time limit, without a signal, a sanitizer's report or exit code 1;
  - its exit code is one that docs/errors.md has for such a file, and its memory stayed below a limit;
  - it was not 0 for an image in which SQLite's quick_check, asked by Python, finds damage.

Prints one line per violation and a table of exit codes; exits 1 if there was any violation. The
image of each violation is kept in --keep. A run is repeated by its seed, or for one file by --file.
"""

import argparse
import collections
import concurrent.futures
import glob
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import server  # noqa: E402  (found by the line above)

SECONDS_MAX = 10
SANITIZER_EXIT = 99
MEMORY_MAX_MB = 256
SANITIZED_MEMORY_MAX_MB = 1024  # shadow memory, red zones and what was freed last

# What quick_check says about rows that a declaration does not allow. The file is sound then.
ABOUT_DATA = re.compile(r"^(NULL value in |CHECK constraint failed in |NUMERIC value in "
                        r"|TEXT value in |non-\w+ value in |unable to validate the inverted index)")
COMMANDS = {
    "plan": ["plan", "--reader", "library"],
    "both": ["plan", "--reader", "both"],
    "copy": ["copy", "--existing-rows", "refuse"],
    "export": ["export", "--reader", "both"],
}
# Done, done with rows set aside: only for a sound file.
SUCCESS = {0, 3}
# Source not to be had; limits; the plan found something in the way; a value without a form.
REFUSED = {5, 9, 12, 14}


# A view or trigger that this SQLite does not understand, maybe an older one's, hides nothing.
MALFORMED = re.compile(r"malformed database schema \((.*?)\)", re.DOTALL)
IS_TABLE_OR_INDEX = "SELECT count(*) FROM sqlite_schema WHERE name = ? AND type IN ('table', 'index')"


def quick_check(db):
    """What it says beyond `ok`, and beyond what is about rows."""
    for message, in db.execute("PRAGMA quick_check"):
        text = message.decode("utf-8", "replace")
        if text != "ok" and not ABOUT_DATA.match(text):
            return text
    return ""


def judge(path):
    """'' for a sound file, else what is wrong with it, as the sqlite3 module sees it."""
    deadline = time.monotonic() + SECONDS_MAX
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    except sqlite3.Error as error:
        return f"cannot be opened: {error}"
    try:
        db.text_factory = bytes
        db.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        db.execute("PRAGMA trusted_schema = OFF")
        try:
            return quick_check(db)
        except sqlite3.DatabaseError as error:
            entry = MALFORMED.search(str(error))
            if not entry:
                return f"{type(error).__name__}: {error}"
            db.execute("PRAGMA writable_schema = ON")  # passes over what it does not understand
            if db.execute(IS_TABLE_OR_INDEX, (entry[1],)).fetchone()[0]:
                return str(error)
            return quick_check(db)
    except (sqlite3.Error, sqlite3.Warning, UnicodeError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        db.close()


def corpus_images(directory):
    """(name, bytes) of every database image of the SQLite project's fuzz corpus."""
    files = sorted(glob.glob(f"{directory}/**/fuzzdata*.db", recursive=True))
    if not files:
        sys.exit(f"images.py: there is no fuzzdata*.db below {directory}")
    for file in files:
        db = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
        for number, content in db.execute("SELECT dbid, dbcontent FROM db ORDER BY dbid"):
            if isinstance(content, bytes):
                yield f"{pathlib.Path(file).stem}-{number}", content
        db.close()


SCRIPT = """
CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b REAL, c BLOB);
CREATE TABLE o(x, y);
CREATE TABLE k(a TEXT, b INT, c, PRIMARY KEY(b DESC, a)) WITHOUT ROWID;
CREATE TABLE g(a INT, v INT AS (a * 2), s TEXT AS (a || 'x') STORED, CHECK(a > -5)) STRICT;
CREATE INDEX part ON t(b) WHERE b > 3;
CREATE INDEX expr ON t(a || b COLLATE NOCASE);
CREATE VIEW w AS SELECT t.a, k.c FROM t JOIN k ON t.id = k.b;
CREATE TRIGGER r AFTER INSERT ON o BEGIN DELETE FROM t WHERE id = new.x; END;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
INSERT INTO t SELECT i * 3, 'text ' || i, i / 7.0, zeroblob(i % 30) FROM n;
INSERT INTO o SELECT hex(zeroblob(id * 2)), id FROM t WHERE id % 45 = 0;
INSERT INTO k SELECT a || hex(zeroblob(id % 90)), id % 50, b FROM t;
"""
SETTINGS = ["PRAGMA page_size=512;", "PRAGMA page_size=1024; PRAGMA auto_vacuum=1;",
            "PRAGMA page_size=512; PRAGMA encoding='UTF-16be';", "PRAGMA page_size=4096;"]


def originals(small=False):
    """Sound databases of several forms, as bytes."""
    made = []
    script = SCRIPT.replace("i < 300", "i < 60") if small else SCRIPT
    if sqlite3.sqlite_version_info < (3, 37):
        script = script.replace(" STRICT", "")
    for settings in SETTINGS:
        with tempfile.TemporaryDirectory(prefix="lite2pg-images-") as directory:
            path = pathlib.Path(directory) / "original.db"
            db = sqlite3.connect(path)
            db.executescript(settings + script)
            db.close()
            made.append(path.read_bytes())
    return made


def damage(rng, original):
    """A copy with a few bytes, pointers, pages or words of its schema changed, or with its end cut."""
    data = bytearray(original)
    page = int.from_bytes(data[16:18], "big")
    for _ in range(rng.randint(1, 4)):
        first = 0 if rng.random() < 0.3 else page
        at = rng.randrange(first, len(data) - 4)
        if rng.random() < 0.5:
            at = rng.randrange(first // page, len(data) // page) * page + rng.randrange(40)
        kind = rng.randrange(8)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.randrange(256)
        elif kind == 2:
            data[at] = rng.choice((0, 0x7F, 0x80, 0xFF))
        elif kind == 3:
            data[at:at + 4] = rng.randrange(len(data) // page + 2).to_bytes(4, "big")
        elif kind == 4:
            data[at:at + 2] = rng.choice((0, page - 1, 0xFFFF)).to_bytes(2, "big")
        elif kind == 5:
            source, into = (rng.randrange(len(data) // page) * page for _ in range(2))
            data[into:into + page] = data[source:source + page]
        elif kind == 6:
            words = [m.start() for m in re.finditer(rb"(?i)create|table|primary|key|rowid", data)]
            if words:
                data[rng.choice(words) + rng.randrange(4)] = rng.choice(b" \"'`[(),;x\xff")
        elif rng.random() < 0.2:
            del data[rng.randrange(page, len(data)):]
            break
    return bytes(data)


def mutated_images(rng, count):
    sound = originals()
    for number in range(count):
        yield f"mutated-{number}", damage(rng, rng.choice(sound))


class Trial:
    """What is the same for every run."""

    def __init__(self, program, commands, conninfo, keep, sanitized):
        self.program = program
        self.commands = commands
        self.conninfo = conninfo
        self.keep = pathlib.Path(keep)
        self.memory_max_mb = SANITIZED_MEMORY_MAX_MB if sanitized else MEMORY_MAX_MB
        self.directory = tempfile.mkdtemp(prefix="lite2pg-images-")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        self.env.update(
            ASAN_OPTIONS=f"exitcode={SANITIZER_EXIT}:quarantine_size_mb=16:detect_leaks=1"
                         ":allocator_may_return_null=1",
            UBSAN_OPTIONS=f"exitcode={SANITIZER_EXIT}:print_stacktrace=1",
            LSAN_OPTIONS=f"exitcode={SANITIZER_EXIT}")

    def run(self, argv):
        """(exit code, or a word for what happened instead; memory in MB; output)"""
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                       env=self.env)
            # wait4 tells the memory, and Popen knows no wait with both that and a limit.
            deadline = time.monotonic() + SECONDS_MAX
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    break
                if time.monotonic() > deadline:
                    process.kill()
                    os.wait4(process.pid, 0)
                    process.returncode = -9
                    return "hang", 0, ""
                time.sleep(0.005)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            return process.returncode, usage.ru_maxrss // 1024, out.read().decode("utf-8", "replace")

    def arguments(self, command, path, name):
        argv = [self.program, *COMMANDS[command], str(path)]
        if command == "export":
            return argv + [f"{path}.archive"]
        if command == "copy" or self.conninfo:
            argv += [self.conninfo, "--target-schema", "i_" + re.sub(r"\W", "_", name)]
        return argv

    def try_image(self, name, path, damage_found):
        """[(command, exit code, MB, violation or '')]"""
        results = []
        for command in self.commands:
            code, memory_mb, output = self.run(self.arguments(command, path, name))
            wrong = self.violation(code, memory_mb, damage_found)
            results.append((command, code, memory_mb, wrong))
            if wrong:
                self.keep.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, self.keep / f"{name}.db")
                (self.keep / f"{name}.{command}.txt").write_text(
                    f"{wrong}\nquick_check: {damage_found or 'ok'}\n{output}", encoding="utf-8")
        return results

    def violation(self, code, memory_mb, damage_found):
        if code == "hang":
            return f"did not end within {SECONDS_MAX} s"
        if code < 0:
            return f"ended by signal {-code}"
        if code == SANITIZER_EXIT:
            return "sanitizer report"
        if memory_mb > self.memory_max_mb:
            return f"used {memory_mb} MB"
        if damage_found and code in SUCCESS:
            return f"exit {code} although quick_check says: {damage_found[:100]}"
        if code not in SUCCESS | REFUSED:
            return f"exit {code} is not for the source"
        return ""


def try_bytes(trial, pool, name, content):
    path = pathlib.Path(trial.directory) / f"{name}.db"
    path.write_bytes(content)
    try:
        damage_found = pool.submit(judge, str(path)).result()
        return damage_found, trial.try_image(name, path, damage_found)
    finally:
        for left in glob.glob(f"{path}*"):
            if os.path.isdir(left):
                shutil.rmtree(left, ignore_errors=True)
            else:
                os.unlink(left)


def collect(options):
    rng = random.Random(options.seed)
    images = []
    for file in options.file:
        images.append((pathlib.Path(file).stem, pathlib.Path(file).read_bytes()))
    if options.sqlite_source:
        found = list(corpus_images(options.sqlite_source))
        images += rng.sample(found, options.sample) if options.sample < len(found) else found
    images += mutated_images(rng, options.mutate)
    part, parts = map(int, options.part.split("/"))
    return images[part - 1::parts]


def try_all(images, options, conninfo):
    """Number of violations; prints them and the table."""
    sanitized = b"__asan_init" in pathlib.Path(options.program).read_bytes()
    trial = Trial(options.program, options.commands.split(","), conninfo, options.keep, sanitized)
    codes = collections.Counter()
    damaged = violations = memory_max_mb = 0
    started = time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(
            options.jobs, mp_context=multiprocessing.get_context("spawn")) as judges, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = pool.map(lambda image: (image[0], *try_bytes(trial, judges, *image)), images)
        for done, (name, damage_found, outcomes) in enumerate(results, 1):
            damaged += bool(damage_found)
            for command, code, memory_mb, wrong in outcomes:
                codes[command, "damaged" if damage_found else "sound", code] += 1
                memory_max_mb = max(memory_max_mb, memory_mb)
                if wrong:
                    violations += 1
                    print(f"VIOLATION {name} {command}: {wrong}", flush=True)
            if done % 500 == 0:
                print(f"{done} of {len(images)} images, {violations} violations,"
                      f" {time.monotonic() - started:.0f} s", flush=True)
    shutil.rmtree(trial.directory, ignore_errors=True)
    print(f"{len(images)} images, {damaged} damaged, {violations} violations, seed {options.seed},"
          f" at most {memory_max_mb} MB, {time.monotonic() - started:.0f} s"
          f"{', ASan and UBSan' if sanitized else ''}")
    for (command, state, code), count in sorted(codes.items(), key=str):
        print(f"  {command:7} {state:8} exit {code}: {count}")
    return violations


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=os.environ.get(
        "LITE2PG_BIN", str(HERE.parents[1] / "build/release/lite2pg")))
    parser.add_argument("--sqlite-source", metavar="DIR", help="where fuzzdata*.db are")
    parser.add_argument("--sample", type=int, default=1 << 30, metavar="N", help="of the corpus")
    parser.add_argument("--mutate", type=int, default=0, metavar="N", help="damaged databases")
    parser.add_argument("--part", default="1/1", metavar="I/N", help="every N-th image from the I-th")
    parser.add_argument("--file", action="append", default=[], help="an image of its own")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("LITE2PG_SEED", "1")))
    parser.add_argument("--commands", default="plan,both,copy", help="of " + ",".join(COMMANDS))
    parser.add_argument("--keep", default=tempfile.gettempdir() + "/lite2pg-violations")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    images = collect(options)
    conninfo = os.environ.get("LITE2PG_TEST_CONNINFO")
    if conninfo or "copy" not in options.commands.split(","):
        return 1 if try_all(images, options, conninfo or "") else 0
    directory = tempfile.mkdtemp(prefix="lite2pg-im-")
    server.start(directory)
    try:
        return 1 if try_all(images, options, server.conninfo(directory)) else 0
    finally:
        server.stop(directory)


if __name__ == "__main__":
    sys.exit(main())
