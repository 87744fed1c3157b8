"""What the measurements were made with."""

import os
import platform
import subprocess

import contenders

VERSIONS = {
    "lite2pg": None,  # the program that is measured
    "pgloader": ["pgloader", "--version"],
    "sqlite3_psql": ["sqlite3", "--version"],
    "ogr2ogr": ["ogr2ogr", "--version"],
}


def describe():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        models = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    with open("/proc/meminfo", encoding="utf-8") as info:
        memory_kib = int(info.readline().split()[1])
    return {"processors": os.cpu_count(), "model": models[0] if models else platform.machine(),
            "memory_bytes": memory_kib * 1024, "kernel": platform.release(),
            "load_average": os.getloadavg()[0]}


def _first_line(argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    # What follows the version, hashes and dates, tells nobody anything.
    return " ".join(lines[0].split()[:4])[:40].strip() if lines else ""


def programs(chosen):
    found = {}
    for name in chosen:
        argv = VERSIONS.get(name)
        if name == "lite2pg":
            argv = [contenders.load("lite2pg").program(), "--version"]
        if name == "psycopg2":
            import psycopg2
            found[name] = psycopg2.__version__
        elif argv:
            found[name] = _first_line(argv)
    return found
