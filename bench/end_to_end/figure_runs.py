"""Figures that need runs of their own, beside the contenders of a workload.

Each function yields (title, goal, at_least, value, detail); see figures.figure.
"""

import shutil
import sqlite3
import statistics
import time

import contenders
import delay_proxy
import runner

MIB = 1 << 20


def _job(bench, prepared, streams=0):
    database = "run_lite2pg"
    bench.cluster.fresh_database(database)
    bench.cluster.checkpoint()
    return runner.Job(bench, prepared, database, streams)


class _Source:
    """A source without the preparations that comparing contenders takes."""

    def __init__(self, path):
        self.source = path
        self.tables = []


def _copy(bench, path, *options, streams=0, conninfo_of=None):
    job = _job(bench, _Source(path), streams)
    conninfo = conninfo_of("run_lite2pg") if conninfo_of else None
    with runner.quiet():
        run, report = contenders.load("lite2pg").copy(job, *options, conninfo=conninfo)
    stages = {stage["name"]: stage for stage in report["stages"]}
    return {"whole_seconds": run.seconds, "data_seconds": stages["data"]["seconds"],
            "rss": report["resources"]["peak_rss_bytes"], "stages": stages,
            "streams": report["resources"]["streams_max"]}


def _pairs(count, first, second):
    """Alternating; returns the two lists."""
    ones, others = [], []
    for i in range(count):
        if i % 2 == 0:
            ones.append(first())
            others.append(second())
        else:
            others.append(second())
            ones.append(first())
    return ones, others


def verify(bench, options):
    path = bench.source_file("mixed", options.scale)
    full, off = _pairs(options.pairs, lambda: _copy(bench, path),
                       lambda: _copy(bench, path, "--verify", "off"))
    yield ("whole run, --verify full / --verify off", 1.40, False,
           runner.median_ratio(full, off, "whole_seconds"),
           f"mixed, {options.pairs} pairs, full {runner.median(full, 'whole_seconds'):.2f} s")


def memory(bench, options):
    one = _copy(bench, bench.source_file("mixed", options.scale))
    ten = _copy(bench, bench.source_file("mixed", options.scale * 10))
    detail = f"mixed, scale {options.scale:g} and {options.scale * 10:g}"
    yield ("peak RSS in MiB at 1x", 256, False, one["rss"] / MIB, detail)
    yield ("peak RSS in MiB at 10x", 256, False, ten["rss"] / MIB, detail)
    yield ("peak RSS at 10x / 1x", 1.10, False, ten["rss"] / one["rss"], detail)
    yield ("whole run at 10x the rows / 1x", 10.5, False,
           ten["whole_seconds"] / one["whole_seconds"],
           f"{one['whole_seconds']:.2f} s and {ten['whole_seconds']:.2f} s, one run each")


def _made(bench, name, build):
    path = bench.keep / f"{name}.db"
    if not path.exists():
        with sqlite3.connect(path) as db:
            build(db)
    return path


# What changes in the source between two runs of `sync`.
CHANGES = (
    ("nothing changed", ""),
    ("one row changed", "UPDATE events SET amount = amount + 1 WHERE id = 1000"),
    ("0.1 % of the rows gone", "DELETE FROM events WHERE id % 1000 = 7"),
    ("1 % changed, in one place", "UPDATE events SET amount = amount + 1 WHERE id BETWEEN"
     " (SELECT max(id) / 2 FROM events) AND (SELECT max(id) * 51 / 100 FROM events)"),
    ("1 % changed, scattered", "UPDATE events SET amount = amount + 1 WHERE id % 100 = 1"),
)


def sync(bench, options):
    """Against verify of the same tables when they are equal."""
    path = bench.scratch / "sync.db"
    shutil.copyfile(bench.source_file("mixed", options.scale), path)
    lite2pg = contenders.load("lite2pg")
    job = _job(bench, _Source(path))
    with runner.quiet():
        lite2pg.copy(job)
        for title, change in CHANGES:
            synced, equal, differing = [], [], []
            for _ in range(options.pairs):
                equal.append(lite2pg.again(job, "verify", path))
                with sqlite3.connect(path) as db:
                    db.execute(change)
                db.close()
                differing.append(lite2pg.again(job, "verify", path, 0, 4))
                synced.append(lite2pg.again(job, "sync", path))
            of_equal = statistics.median(equal)
            detail = (f"mixed, {options.pairs} pairs, {statistics.median(synced):.2f} s and"
                      f" {of_equal:.2f} s")
            yield (f"sync / verify of equal tables, {title}", None, False,
                   statistics.median(s / v for s, v in zip(synced, equal)), detail)
            yield (f"verify that finds it / of equal tables, {title}", None, False,
                   statistics.median(d / v for d, v in zip(differing, equal)),
                   f"{statistics.median(differing):.2f} s")
    path.unlink()


def _one_large_blob(db):
    db.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, content BLOB)")
    for i in range(3):
        db.execute("INSERT INTO files VALUES (?, ?)", (i, bytes([65 + i]) * (100 * MIB)))


def _thousand_columns(db):
    names = [f"c{i}" for i in range(1000)]
    db.execute(f"CREATE TABLE wide ({', '.join(n + ' INTEGER' for n in names)})")
    for row in range(3000):
        db.execute(f"INSERT INTO wide VALUES ({','.join('?' * 1000)})",
                   [row * 1000 + i for i in range(1000)])


def blob(bench, _options):
    done = _copy(bench, _made(bench, "blob-100MB", _one_large_blob))
    yield ("peak RSS in MiB with blobs of 100 MB", 256, False, done["rss"] / MIB, "3 of them")


def columns(bench, _options):
    done = _copy(bench, _made(bench, "columns-1000", _thousand_columns))
    yield ("peak RSS in MiB with 1,000 columns", 256, False, done["rss"] / MIB, "3,000 rows")


def tables(bench, options):
    """10,000 tables of 10 rows against a psql script that makes the same tables and rows."""
    path = bench.source_file("many_tables", 1)
    script = bench.scratch / "many_tables.sql"
    empty = bench.scratch / "many_tables_empty.sql"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db, \
            script.open("w", encoding="utf-8") as full, empty.open("w", encoding="utf-8") as bare:
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'"):
            create = (f"CREATE TABLE {name} (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY"
                      " KEY, name text NOT NULL, amount double precision);\n")
            bare.write(create)
            full.write(create)
            rows = ", ".join(f"({i}, '{text}', {amount!r})"
                             for i, text, amount in db.execute(f"SELECT * FROM {name}"))
            full.write(f"INSERT INTO {name} VALUES {rows};\n")

    def psql(file):
        bench.cluster.fresh_database("run_psql")
        with runner.quiet():
            bench.cluster.checkpoint()
            began = time.monotonic()
            bench.cluster.psql("run_psql", file=str(file))
            return {"whole_seconds": time.monotonic() - began}

    # A schema of their own: so many tables cannot be moved in one transaction on a default server,
    # while a schema is renamed as a whole.
    pairs = min(options.pairs, 3)
    ours, theirs = _pairs(pairs, lambda: _copy(bench, path, "--target-schema", "tables"),
                          lambda: psql(script))
    bare = psql(empty)
    spent = ", ".join(f"{name} {stage['seconds']:.1f}" for name, stage in ours[0]["stages"].items()
                      if stage["seconds"] >= 0.1)
    yield ("10,000 tables of 10 rows / one psql script", 3, False,
           runner.median_ratio(ours, theirs, "whole_seconds"),
           f"{runner.median(ours, 'whole_seconds'):.1f} s and"
           f" {runner.median(theirs, 'whole_seconds'):.1f} s (empty tables alone"
           f" {bare['whole_seconds']:.1f} s); {pairs} pairs; {spent}")
    yield ("peak RSS in MiB with 10,000 tables", 256, False, ours[0]["rss"] / MIB, "")
    bench.cluster.psql("postgres", "DROP DATABASE IF EXISTS run_psql WITH (FORCE);")


def _replayed(bench, prepared):
    return lambda: bench.run_once(prepared, "replay", 0, False)


def skew(bench, options):
    """Beside it, what the same bytes are to the server alone: long values go to its TOAST."""
    sparse, dense = (bench.prepare(name, options.scale) for name in ("sparse", "dense"))
    ours, even = _pairs(options.pairs, lambda: _copy(bench, sparse.source),
                        lambda: _copy(bench, dense.source))
    limits = _pairs(options.pairs, _replayed(bench, sparse), _replayed(bench, dense))
    yield ("sparse, skewed table / dense one of equal bytes, data stage", 1.15, False,
           runner.median_ratio(ours, even, "data_seconds"),
           f"{options.pairs} pairs, {runner.median(ours, 'data_seconds'):.2f} s and"
           f" {runner.median(even, 'data_seconds'):.2f} s; replay of the same bytes:"
           f" {runner.median_ratio(*limits, 'data_seconds'):.2f}")
    for prepared in (sparse, dense):
        bench.drop(prepared)


def reader(bench, options):
    """The library's reader, which has goals of its own."""
    for name in ("mixed", "narrow"):
        prepared = bench.prepare(name, options.scale)
        ours, limit = _pairs(options.pairs,
                             lambda: _copy(bench, prepared.source, "--reader", "library"),
                             _replayed(bench, prepared))
        detail = f"{name}, {options.pairs} pairs, {runner.median(ours, 'data_seconds'):.2f} s"
        yield ("data stage / replay, with --reader library", 1.40, False,
               runner.median_ratio(ours, limit, "data_seconds"), detail)
        yield ("the scan / data stage, with --reader library", 0.30, False,
               statistics.median(run["stages"]["plan"]["seconds"] / run["data_seconds"]
                                 for run in ours), detail)
        bench.drop(prepared)


STREAMS = (1, 2, 3, 4, 6)


def streams(bench, options):
    """--streams auto against each fixed number, by turns."""
    for name in ("mixed", "narrow", "wide_text", "blobs"):
        path = bench.source_file(name, options.scale)
        seconds = {number: [] for number in (0, *STREAMS)}
        for _ in range(options.pairs):
            for number in seconds:
                seconds[number].append(_copy(bench, path, streams=number)["data_seconds"])
        medians = {number: statistics.median(values) for number, values in seconds.items()}
        best = min(STREAMS, key=lambda number: medians[number])
        yield (f"--streams auto / best fixed number, {name}", 1.10, False,
               medians[0] / medians[best],
               f"auto {medians[0]:.2f} s; " + ", ".join(f"{n}: {medians[n]:.2f}" for n in STREAMS))


def distance(bench, options):
    """40 ms of round-trip time, against the same proxy without a delay."""
    path = bench.source_file("mixed", options.scale)
    with delay_proxy.Proxy(bench.cluster.port, 0.020) as far, \
            delay_proxy.Proxy(bench.cluster.port, 0.0) as near:
        def through(proxy):
            return lambda: _copy(bench, path, conninfo_of=lambda database: (
                f"host=127.0.0.1 port={proxy.port} user=bench dbname={database}"))
        pairs = _pairs(options.pairs, through(far), through(near))
    yield ("data stage at 40 ms of round-trip time / local", 1.30, False,
           runner.median_ratio(*pairs, "data_seconds"),
           f"mixed, {options.pairs} pairs, {runner.median(pairs[0], 'data_seconds'):.2f} s and"
           f" {runner.median(pairs[1], 'data_seconds'):.2f} s; streams {pairs[0][0]['streams']}")


MEASURES = {"verify": verify, "sync": sync, "memory": memory, "blob": blob, "columns": columns,
            "tables": tables, "skew": skew, "reader": reader, "streams": streams,
            "distance": distance}
