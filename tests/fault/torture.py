#!/usr/bin/python3
"""Trials of faults for as long as one likes: torture.py [--rows K1,N2] [--trials N] [--minutes M]

Without limits, every row is tried ten times. Every trial prints its seed; --rows ROW --seed SEED
--trials 1 makes it again. Ends with a table; exits 1 when an invariant was violated.
"""

import argparse
import collections
import datetime
import os
import signal
import subprocess
import sys
import time
import traceback

os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
sys.dont_write_bytecode = True

import lab as laboratory  # noqa: E402
import rows_network  # noqa: E402
import rows_process  # noqa: E402
import rows_program  # noqa: E402
import rows_server  # noqa: E402
import rows_source  # noqa: E402
from trial import Skip, Trial  # noqa: E402

ROWS = {**rows_process.ROWS, **rows_network.ROWS, **rows_server.ROWS,
        **rows_source.ROWS, **rows_program.ROWS}


class Tally:
    def __init__(self):
        self.trials = self.violations = self.skipped = 0
        self.seconds = 0.0
        self.notes = collections.Counter()
        self.why_skipped = ""


def run_trial(lab, row, seed, tally, say):
    """The violation's text, or None."""
    began = time.monotonic()
    trial = Trial(lab, row, seed)
    failure = None
    try:
        ROWS[row](trial)
    except Skip as skip:
        tally.skipped += 1
        tally.why_skipped = str(skip)
        say(f"{row} seed {seed}: skipped: {skip}")
        return None
    except laboratory.Violation as violation:
        failure = str(violation)
    except Exception:  # a trial that could not be judged proves nothing, and is counted against us
        failure = traceback.format_exc()
    finally:
        trial.close()
    seconds = time.monotonic() - began
    tally.trials += 1
    tally.seconds = max(tally.seconds, seconds)
    tally.notes.update(note for note in trial.notes if note.startswith(("exit", "unharmed")))
    verdict = "VIOLATION" if failure else "ok"
    say(f"{row} seed {seed}: {verdict} ({seconds:.1f} s; {', '.join(filter(None, trial.notes))})")
    if failure:
        tally.violations += 1
        say("    " + failure.replace("\n", "\n    "))
        say(f"    again: tools/torture --rows {row} --seed {seed} --trials 1")
    return failure


def table(tallies):
    lines = ["| row | what is tried | trials | violations | what the runs ended with | slowest |",
             "| --- | --- | ---: | ---: | --- | ---: |"]
    for row, tally in tallies.items():
        ends = ", ".join(f"{note} x{count}" for note, count in sorted(tally.notes.items()))
        if tally.skipped:
            ends += f"{'; ' if ends else ''}skipped x{tally.skipped}: {tally.why_skipped}"
        lines.append(f"| {row} | {ROWS[row].__doc__.splitlines()[0]} | {tally.trials} |"
                     f" {tally.violations} | {ends} | {tally.seconds:.1f} s |")
    total = sum(t.trials for t in tallies.values())
    lines.append(f"| all | | {total} | {sum(t.violations for t in tallies.values())} | | |")
    return "\n".join(lines)


def commit():
    """Of this checkout; LITE2PG_COMMIT names it where the program was built from another."""
    found = subprocess.run(["git", "-C", laboratory.ROOT, "describe", "--always", "--dirty"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return os.environ.get("LITE2PG_COMMIT") or found.stdout.decode().strip() or "unknown"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS), help="some of " + ",".join(ROWS))
    parser.add_argument("--trials", type=int, help="of each row")
    parser.add_argument("--minutes", type=float, help="go round all rows for so long")
    parser.add_argument("--seed", type=int, help="of the first trial; then counts up")
    parser.add_argument("--scale", type=int, default=1, help="times the usual data")
    parser.add_argument("--table", help="also write the table into this file")
    parser.add_argument("--page", help="put the table into this page (docs/reliability.md)")
    parser.add_argument("--stop", action="store_true", help="at the first violation")
    arguments = parser.parse_args()
    rows = arguments.rows.split(",")
    unknown = set(rows) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    trials = arguments.trials or (10 ** 9 if arguments.minutes else 10)
    first_seed = arguments.seed if arguments.seed is not None else int(time.time()) % 10 ** 8
    until = time.monotonic() + arguments.minutes * 60 if arguments.minutes else float("inf")

    def say(text):
        print(text, flush=True)

    # Also from where SIGINT is not for us, as in the background; what was started is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    say(f"first seed {first_seed}, {laboratory.BIN}")
    # What is the same for all trials of one call is a data set; it must not depend on where a seed
    # stands in it, or a trial could not be made again.
    lab = laboratory.Lab(seed=6, scale=arguments.scale)
    tallies = {row: Tally() for row in rows}
    load_at_start = os.getloadavg()[0]
    began = datetime.datetime.now(datetime.timezone.utc)
    try:
        for number in range(trials):
            for row in rows:
                if time.monotonic() >= until:
                    break
                failure = run_trial(lab, row, first_seed + number, tallies[row], say)
                if failure and arguments.stop:
                    until = 0
            if time.monotonic() >= until:
                break
    except KeyboardInterrupt:
        say("stopped")
    finally:
        lab.close()
    minutes = (datetime.datetime.now(datetime.timezone.utc) - began).total_seconds() / 60
    text = (f"Commit {commit()}, {began:%Y-%m-%d %H:%M} UTC, {minutes:.1f} minutes, first seed"
            f" {first_seed}, {os.cpu_count()}\nprocessors, load {load_at_start:.1f} at the start and"
            f" {os.getloadavg()[0]:.1f} at the end.\n\n" + table(tallies) + "\n")
    say("\n" + text)
    if arguments.table:
        with open(arguments.table, "w", encoding="ascii") as file:
            file.write(text)
    if arguments.page:
        subprocess.run([laboratory.ROOT / "tools/dev/put_into_page", arguments.page, "torture"],
                       input=text.encode(), check=True)
    return 1 if any(t.violations for t in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
