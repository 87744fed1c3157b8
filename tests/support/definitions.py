"""The definitions of all that is in a schema, as text lines: what a copy must leave as it was.

By pg_dump where one is installed that knows the server's version, else by what the catalog's own
functions print.
"""

import re
import subprocess

import server

# One row per line; each names what it is about first. Our own tables are left out.
CATALOG = """
WITH r AS (
  SELECT oid, relname, quote_ident(relname) AS name, relkind FROM pg_class
  WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
    AND relname NOT LIKE 'lite2pg\\_%%')
SELECT 'relation', r.name, row_to_json(x)::text FROM r JOIN LATERAL (
    SELECT relkind, relpersistence, relowner::regrole::text AS owner, relacl::text, reloptions,
           relrowsecurity, relforcerowsecurity, relreplident, relispartition, reltablespace,
           obj_description(c.oid, 'pg_class') AS comment,
           CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS view,
           CASE WHEN relkind IN ('i', 'I') THEN pg_get_indexdef(c.oid) END AS index
    FROM pg_class c WHERE c.oid = r.oid) x ON true
UNION ALL
SELECT 'column', r.name, row_to_json(x)::text FROM r JOIN LATERAL (
    SELECT attnum, attname, format_type(atttypid, atttypmod) AS type, attnotnull, attidentity,
           attgenerated, attstorage, attstattarget, attacl::text, attoptions, attisdropped,
           attcollation::regcollation::text AS collation, pg_get_expr(adbin, adrelid) AS expression,
           col_description(r.oid, attnum) AS comment
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE attrelid = r.oid AND attnum > 0) x ON true
UNION ALL
SELECT 'constraint', r.name, row_to_json(x)::text FROM r JOIN LATERAL (
    SELECT conname, pg_get_constraintdef(c.oid) AS definition, convalidated, condeferrable,
           condeferred, conislocal, coninhcount, connoinherit,
           obj_description(c.oid, 'pg_constraint') AS comment
    FROM pg_constraint c WHERE conrelid = r.oid) x ON true
UNION ALL
SELECT 'index', r.name, row_to_json(x)::text FROM r JOIN LATERAL (
    SELECT indexrelid::regclass::text, indisunique, indisprimary, indisexclusion, indimmediate,
           indisclustered, indisvalid, indisready, indislive, indisreplident
    FROM pg_index WHERE indrelid = r.oid) x ON true
UNION ALL
SELECT 'trigger', r.name, row_to_json(x)::text FROM r JOIN LATERAL (
    SELECT pg_get_triggerdef(t.oid) AS definition, tgenabled,
           obj_description(t.oid, 'pg_trigger') AS comment
    FROM pg_trigger t WHERE tgrelid = r.oid AND NOT tgisinternal) x ON true
UNION ALL
SELECT 'rule', r.name, pg_get_ruledef(w.oid) || ev_enabled::text
  FROM r JOIN pg_rewrite w ON w.ev_class = r.oid
UNION ALL
SELECT 'policy', r.name, row_to_json(p)::text
  FROM r JOIN pg_policies p ON p.schemaname = %(schema)s AND p.tablename = r.relname
UNION ALL
SELECT 'statistics', r.name, pg_get_statisticsobjdef(s.oid)
  FROM r JOIN pg_statistic_ext s ON s.stxrelid = r.oid
UNION ALL
SELECT 'sequence', r.name, row_to_json(x)::text FROM r JOIN LATERAL (
    SELECT seqtypid::regtype::text, seqstart, seqincrement, seqmax, seqmin, seqcache, seqcycle
    FROM pg_sequence WHERE seqrelid = r.oid) x ON true
UNION ALL
SELECT 'parent', r.name, inhparent::regclass::text || ' ' || inhseqno
  FROM r JOIN pg_inherits ON inhrelid = r.oid
ORDER BY 1, 2, 3
"""


def by_pg_dump(program, conninfo, schema):
    dump = subprocess.run([program, "--schema-only", "-n", schema, "-T", "lite2pg_*", "-d", conninfo],
                          stdout=subprocess.PIPE, check=True, timeout=60)
    lines = dump.stdout.decode().splitlines()
    return [line for line in lines if not line.startswith(("\\restrict", "\\unrestrict"))]


def of_schema(execute, conninfo, schema="public"):
    """`execute` is harness.execute; a pattern like "we*" names the one schema that it fits."""
    (version,), = execute(conninfo, "SHOW server_version_num")
    program = server.find_program("pg_dump", int(version) // 10000)
    if program is not None:
        return by_pg_dump(program, conninfo, schema)
    pattern = re.escape(schema).replace("\\*", ".*")
    names = [name for (name,) in execute(conninfo, "SELECT nspname FROM pg_namespace")]
    return [line for name in sorted(names) if re.fullmatch(pattern, name)
            for line in execute(conninfo, CATALOG, {"schema": name})]
