"""Runs workloads against contenders: prepares each run alike, and checks what came of it."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import sqlite3
import statistics
import threading
import time

import psycopg2

import contenders
import workloads

# More tables than this are no stream of bytes any more, and replay says nothing about them.
REPLAY_TABLES_MAX = 100
# How often a picture of the streams is taken.
SAMPLE_SECONDS = 0.05


@contextlib.contextmanager
def quiet():
    """Holds the file that LITE2PG_BENCH_LOCK names locked while something is measured, so that
    other work on the machine can keep away (flock FILE command)."""
    path = os.environ.get("LITE2PG_BENCH_LOCK")
    if not path:
        yield
        return
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Table:
    def __init__(self, name, columns):
        self.name = name
        self.columns = columns  # (name, PostgreSQL's type)


class Job:
    """What a contender gets."""

    def __init__(self, bench, prepared, database, streams):
        self.source = prepared.source
        self.conninfo = bench.cluster.conninfo(database)
        self.uri = bench.cluster.uri(database)
        self.scratch = bench.scratch
        self.streams = streams
        self.server_cpu_seconds = bench.cluster.cpu_seconds
        self._prepared = prepared

    def tables(self):
        return self._prepared.tables

    def replay_lists(self):
        return self._prepared.replay_lists(self.streams or 2)


class Prepared:
    """A workload's source, and the target's definitions as lite2pg makes them."""

    def __init__(self, bench, name, scale):
        self.bench = bench
        self.workload = workloads.load(name)
        self.name = name
        self.source = bench.source_file(name, scale)
        with sqlite3.connect(f"file:{self.source}?mode=ro", uri=True) as db:
            names = [row[0] for row in db.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
                " ORDER BY rowid")]
            self.rows = {t: db.execute(f'SELECT count(*) FROM "{t}"').fetchone()[0] for t in names}
        self.database = "made_" + name
        self.pre_data = bench.scratch / f"{name}.pre.sql"
        self.post_data = bench.scratch / f"{name}.post.sql"
        self.checksum = None
        self._lists = {}
        self._make(names)

    def _make(self, names):
        cluster = self.bench.cluster
        cluster.fresh_database(self.database)
        lite2pg = contenders.load("lite2pg")
        lite2pg.copy(Job(self.bench, self, self.database, 0))
        cluster.dump(self.database, "pre-data", str(self.pre_data))
        cluster.dump(self.database, "post-data", str(self.post_data))
        listed = cluster.psql(self.database, """SELECT c.relname, a.attname, t.typname
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            JOIN pg_type t ON t.oid = a.atttypid
            WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
            AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum;""", capture=True)
        columns = {}
        for line in listed.splitlines():
            table, column, kind = line.split("|")
            columns.setdefault(table, []).append((column, kind))
        self.tables = [Table(name, columns[name]) for name in names]
        self.checksum = self.checksum_of(self.database)
        self.bytes = int(cluster.psql(
            self.database, "SELECT coalesce(sum(bytes), 0) FROM lite2pg.chunk;", capture=True))

    def counts_in(self, database):
        union = " UNION ALL ".join(f"""SELECT '{t.name}', count(*) FROM public."{t.name}" """
                                   for t in self.tables)
        rows = self.bench.cluster.psql(database, union + ";", capture=True)
        return {line.split("|")[0]: int(line.split("|")[1]) for line in rows.splitlines()}

    def checksum_of(self, database):
        """Independent of the order of rows; over all columns in their text form."""
        union = " UNION ALL ".join(
            f"""SELECT sum(hashtextextended(t::text, 0)::numeric) FROM public."{t.name}" t"""
            for t in self.tables)
        return self.bench.cluster.psql(
            database, f"SELECT sum(s) FROM ({union}) u(s);", capture=True).strip()

    def replay_lists(self, connections):
        """One list of pieces per connection; the server writes the files, cut by pages."""
        if len(self.tables) > REPLAY_TABLES_MAX:
            return []
        if connections in self._lists:
            return self._lists[connections]
        cluster = self.bench.cluster
        lists = [[] for _ in range(connections)]
        for table in self.tables:
            pages = int(cluster.psql(
                self.database, f"""SELECT pg_relation_size('public."{table.name}"') /
                current_setting('block_size')::int;""", capture=True))
            cuts = [pages * i // connections for i in range(connections)] + [pages + 1_000_000]
            for i in range(connections):
                path = f"{cluster.dir}/{self.name}-{connections}-{i}-{len(lists[i])}.copy"
                cluster.psql(self.database, f"""COPY (SELECT * FROM public."{table.name}" WHERE
                    ctid >= '({cuts[i]},0)' AND ctid < '({cuts[i + 1]},0)')
                    TO '{path}' (FORMAT binary);""")
                names = ", ".join(f'"{name}"' for name, _ in table.columns)
                lists[i].append(f'COPY public."{table.name}" ({names}) FROM STDIN'
                                f" (FORMAT binary)\t{path}")
        files = []
        for i, lines in enumerate(lists):
            files.append(self.bench.scratch / f"{self.name}-{connections}-{i}.list")
            files[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._lists[connections] = files
        return files


class Bench:
    def __init__(self, cluster, scratch, keep):
        self.cluster = cluster
        self.scratch = pathlib.Path(scratch)
        self.keep = pathlib.Path(keep)
        self.keep.mkdir(parents=True, exist_ok=True)

    def source_file(self, name, scale):
        """Made once per scale and kept."""
        path = self.keep / f"{name}-{scale:g}.db"
        if not path.exists():
            unfinished = path.with_suffix(".part")
            unfinished.unlink(missing_ok=True)
            db = sqlite3.connect(unfinished)
            db.execute("PRAGMA journal_mode = OFF")
            db.execute("PRAGMA synchronous = OFF")
            workloads.load(name).build(db, scale)
            db.commit()
            db.close()
            unfinished.rename(path)
        # Neither contender shall be the one that brings the file into memory.
        with path.open("rb") as file:
            while file.read(1 << 22):
                pass
        return path

    def prepare(self, name, scale):
        return Prepared(self, name, scale)

    def run_once(self, prepared, name, streams, check_content):
        """One run: {"data_seconds": ..., ...}, or {"failed": why}."""
        contender = contenders.load(name)
        database = "run_" + name
        self.cluster.fresh_database(database)
        own_tables = getattr(contender, "OWN_TABLES", False)
        if not own_tables:
            self.cluster.psql(database, file=str(prepared.pre_data), sql="")
        try:
            with quiet():
                self.cluster.checkpoint()
                server_before = self.cluster.cpu_seconds()
                result = contender.load(Job(self, prepared, database, streams))
        except contenders.Unable as unable:
            return {"failed": str(unable)}
        server_cpu = self.cluster.cpu_seconds() - server_before
        counts = prepared.counts_in(database)
        if counts != prepared.rows:
            wrong = next(t for t in prepared.rows if counts.get(t) != prepared.rows[t])
            return {"failed": f"table {wrong} has {counts.get(wrong)} rows of"
                              f" {prepared.rows[wrong]}"}
        measured = {
            "data_seconds": result.data_seconds, "whole_seconds": result.whole_seconds or None,
            "client_cpu_seconds": result.client_cpu_seconds, "server_cpu_seconds": server_cpu,
            "peak_rss_bytes": result.peak_rss_bytes, "stages": result.stages, "note": result.note}
        if check_content:
            measured["same_content"] = prepared.checksum_of(database) == prepared.checksum
        if result.whole_seconds == 0 and not getattr(contender, "DATA_ONLY", False):
            # The same keys and indexes as everybody has at the end.
            began = time.monotonic()
            self.cluster.psql(database, file=str(prepared.post_data), sql="")
            measured["whole_seconds"] = result.data_seconds + time.monotonic() - began
        return measured

    def sample_streams(self, prepared, streams):
        """One more copy, not timed, while the server is asked what each COPY has taken."""
        database = "run_lite2pg"
        self.cluster.fresh_database(database)
        samples, done = [], threading.Event()

        def sample():
            connection = psycopg2.connect(self.cluster.conninfo("postgres"))
            connection.autocommit = True
            cursor = connection.cursor()
            began, carried, last = None, {}, {}
            while not done.wait(SAMPLE_SECONDS):
                cursor.execute("SELECT pid, bytes_processed FROM pg_stat_progress_copy WHERE"
                               " datname = %s AND command = 'COPY FROM'", (database,))
                now = time.monotonic()
                for pid, count in cursor.fetchall():
                    began = began or now
                    if count < last.get(pid, 0):  # the next COPY of the same connection
                        carried[pid] = carried.get(pid, 0) + last[pid]
                    last[pid] = count
                    samples.append({"stream": pid, "seconds": round(now - began, 3),
                                    "bytes": carried.get(pid, 0) + count})
            connection.close()

        sampler = threading.Thread(target=sample)
        sampler.start()
        try:
            contenders.load("lite2pg").copy(Job(self, prepared, database, streams))
        except contenders.Unable:
            pass  # the runs that count have said so
        finally:
            done.set()
            sampler.join()
        return samples

    def drop(self, prepared):
        self.cluster.psql("postgres", f"DROP DATABASE IF EXISTS {prepared.database} WITH (FORCE);")
        for name in contenders.NAMES:
            self.cluster.psql("postgres", f"DROP DATABASE IF EXISTS run_{name} WITH (FORCE);")
        for file in pathlib.Path(self.cluster.dir).glob(f"{prepared.name}-*.copy"):
            file.unlink()


def median(runs, field):
    values = [run[field] for run in runs if run.get(field) is not None]
    return statistics.median(values) if values else None


def median_ratio(runs, others, field):
    """Of the pairs that ran one after the other: numerator from `runs`."""
    ratios = [a[field] / b[field] for a, b in zip(runs, others)
              if a.get(field) and b.get(field)]
    return statistics.median(ratios) if ratios else None


def remove(path):
    shutil.rmtree(path, ignore_errors=True)
