#!/usr/bin/python3
"""A throwaway PostgreSQL for tests: server.py start DIR | stop DIR | conninfo DIR

The server lives in DIR/data, its socket in DIR, so DIR has to be short. Its defaults are as
unhelpful as a real one's can be: another time zone, day before month, few digits, Latin-1 clients
and a search_path with a trap in it. Whoever relies on a default is found out.

As root it runs as `postgres`. LITE2PG_TEST_PG_BIN names the programs to use; the newest installed
ones otherwise. fsync is off: nothing in it is worth keeping.
"""

import glob
import os
import pwd
import re
import shutil
import subprocess
import sys
import time

USER = "lite2pg_test"
PORT = "5432"

HOSTILE_CONFIG = """
listen_addresses = ''
unix_socket_directories = '{dir}'
port = {port}
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 60
shared_buffers = 64MB
max_wal_size = 1GB
log_min_messages = fatal
log_min_error_statement = panic
timezone = 'Asia/Kolkata'
datestyle = 'SQL, DMY'
intervalstyle = 'sql_standard'
extra_float_digits = 0
bytea_output = 'escape'
xmloption = 'document'
statement_timeout = 0
"""

# Settings of the role, which come after the server's. A function in the first schema of its path
# is taken by every call that forgets to say pg_catalog.
HOSTILE_SQL = """
ALTER ROLE {user} SET client_encoding = 'LATIN1';
ALTER ROLE {user} SET standard_conforming_strings = off;
ALTER ROLE {user} SET search_path = trap, pg_catalog, public;
"""
TRAP_SQL = """
CREATE SCHEMA trap;
CREATE FUNCTION trap.length(text) RETURNS int LANGUAGE sql AS 'SELECT -1';
CREATE FUNCTION trap.upper(text) RETURNS text LANGUAGE sql AS $$SELECT 'trapped'::text$$;
"""


def conninfo(directory, database="postgres"):
    return f"host={directory} port={PORT} user={USER} dbname={database}"


def find_bin():
    named = os.environ.get("LITE2PG_TEST_PG_BIN")
    if named:
        return named
    found = [d for d in glob.glob("/usr/lib/postgresql/*/bin") if os.path.exists(d + "/initdb")]
    if found:
        return max(found, key=lambda d: int(re.search(r"/(\d+)/bin$", d).group(1)))
    initdb = shutil.which("initdb")
    if initdb:
        return os.path.dirname(os.path.realpath(initdb))
    sys.exit("server.py: no PostgreSQL is installed (Debian: apt-get install postgresql)")


def find_program(name, major):
    """One of PostgreSQL's client programs, of the server's own binaries or of an installed version
    that is not older than `major`; None where there is none."""
    candidates = [find_bin() + "/" + name]
    for directory in sorted(glob.glob("/usr/lib/postgresql/*/bin")):
        if int(re.search(r"/(\d+)/bin$", directory).group(1)) >= major:
            candidates.append(directory + "/" + name)
    return next((path for path in candidates if os.path.exists(path)), None)


def server_user():
    """The account to run as, or None to stay what we are."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None


def run(argv, **kwargs):
    account = server_user()
    if account:
        kwargs.update(user=account.pw_uid, group=account.pw_gid, extra_groups=[])
    # Our own PG* variables are meant for the tests.
    env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    return subprocess.run(argv, cwd="/", env=env, check=True, **kwargs)


def psql(binaries, directory, database, sql):
    program = binaries + "/psql"
    if not os.path.exists(program):  # a package of the server alone
        program = shutil.which("psql") or sys.exit("server.py: there is no psql")
    argv = [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    run(argv + [conninfo(directory, database)], input=sql.encode())


def start(directory):
    directory = os.path.abspath(directory)
    if len(directory) > 80:
        sys.exit("server.py: too long for a socket's directory: " + directory)
    if os.path.exists(directory + "/data/postmaster.pid"):
        stop(directory)
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory, mode=0o755)
    account = server_user()
    if account:
        os.chown(directory, account.pw_uid, account.pw_gid)
    binaries = find_bin()
    data = directory + "/data"
    began = time.monotonic()
    quiet = {"stdout": subprocess.DEVNULL}
    run([binaries + "/initdb", "-D", data, "-U", USER, "-E", "UTF8", "--locale=C.UTF-8",
         "--auth=trust", "--no-sync", "--no-instructions"], **quiet)
    with open(data + "/postgresql.conf", "a", encoding="ascii") as config:
        config.write(HOSTILE_CONFIG.format(dir=directory, port=PORT))
    with open(data + "/pg_hba.conf", "w", encoding="ascii") as rules:
        # Passwords are asked of roles that are made to test them.
        rules.write("local all +wants_password scram-sha-256\nlocal all all trust\n")
    run([binaries + "/pg_ctl", "-D", data, "-l", directory + "/log", "-w", "start"], **quiet)
    psql(binaries, directory, "template1", TRAP_SQL)
    psql(binaries, directory, "postgres", TRAP_SQL)
    psql(binaries, directory, "postgres",
         "CREATE ROLE wants_password NOLOGIN;" + HOSTILE_SQL.format(user=USER))
    print(f"{conninfo(directory)}  (started in {time.monotonic() - began:.1f} s)")


def stop(directory):
    directory = os.path.abspath(directory)
    if os.path.exists(directory + "/data/postmaster.pid"):
        run([find_bin() + "/pg_ctl", "-D", directory + "/data", "-m", "immediate", "-w", "stop"],
            stdout=subprocess.DEVNULL)
    shutil.rmtree(directory, ignore_errors=True)


def main():
    commands = {"start": start, "stop": stop, "conninfo": lambda d: print(conninfo(d))}
    if len(sys.argv) != 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](sys.argv[2])


if __name__ == "__main__":
    main()
