"""Running programs with their time, processor time and memory."""

import dataclasses
import os
import subprocess
import tempfile
import threading
import time


@dataclasses.dataclass
class Run:
    exit_code: int
    seconds: float
    cpu_seconds: float      # user and system, children that were waited for included
    peak_rss_bytes: int     # of the largest of them
    stdout: str
    stderr: str


def cpu_seconds_of(pid):
    """Of a process that is still there, ended children included."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return sum(int(fields[i]) for i in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")


def watch(argv, on_line, timeout_seconds=3600):
    """Runs one program and calls on_line(pid, line) for each line of its standard error."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    began = time.monotonic()
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, errors="replace", env=clean)
    watchdog = threading.Timer(timeout_seconds, process.kill)
    watchdog.start()
    lines = []
    for line in process.stderr:
        lines.append(line)
        on_line(process.pid, line)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    watchdog.cancel()
    return Run(process.returncode, time.monotonic() - began, usage.ru_utime + usage.ru_stime,
               usage.ru_maxrss * 1024, "", "".join(lines))


def run(argv, stdin=None, env=None, timeout_seconds=3600):
    """Runs one program, or a pipe of several when argv is a list of lists."""
    commands = argv if isinstance(argv[0], list) else [argv]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        processes, source = [], stdin or subprocess.DEVNULL
        for i, command in enumerate(commands):
            last = i + 1 == len(commands)
            process = subprocess.Popen(command, stdin=source, stderr=err,
                                       stdout=out if last else subprocess.PIPE,
                                       env={**clean, **(env or {})})
            if source not in (stdin, subprocess.DEVNULL):
                source.close()
            source = process.stdout
            processes.append(process)
        watchdog = threading.Timer(timeout_seconds, lambda: [p.kill() for p in processes])
        watchdog.start()
        cpu, rss, code = 0.0, 0, 0
        for process in processes:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            cpu += usage.ru_utime + usage.ru_stime
            rss = max(rss, usage.ru_maxrss * 1024)
            code = code or process.returncode
        watchdog.cancel()
        seconds = time.monotonic() - began
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    return Run(code, seconds, cpu, rss, *texts)
