"""Order lines in the manner of TPC-H's lineitem: decimals and dates."""

from workloads import hashed, piece, rows

NAME = "lineitem"
TITLE = "order lines, 16 columns with decimals and dates"
ROWS = 350_000


def _date(salt):
    return f"date(694224000 + ({hashed(salt)} % 2500) * 86400, 'unixepoch')"


def _decimal(salt, cents):
    return f"{hashed(salt)} % {cents} / 100.0"


def build(db, scale):
    db.execute("CREATE TABLE lineitem (l_orderkey INTEGER NOT NULL, l_partkey INTEGER NOT NULL,"
               " l_suppkey INTEGER NOT NULL, l_linenumber INTEGER NOT NULL,"
               " l_quantity DECIMAL(15,2) NOT NULL, l_extendedprice DECIMAL(15,2) NOT NULL,"
               " l_discount DECIMAL(15,2) NOT NULL, l_tax DECIMAL(15,2) NOT NULL,"
               " l_returnflag CHAR(1) NOT NULL, l_linestatus CHAR(1) NOT NULL,"
               " l_shipdate DATE NOT NULL, l_commitdate DATE NOT NULL, l_receiptdate DATE NOT NULL,"
               " l_shipinstruct VARCHAR(25) NOT NULL, l_shipmode VARCHAR(10) NOT NULL,"
               " l_comment VARCHAR(44) NOT NULL, PRIMARY KEY (l_orderkey, l_linenumber))")
    rows(db, f"""INSERT INTO lineitem SELECT i / 4 + 1, {hashed(1)} % 200000, {hashed(2)} % 10000,
        i % 4 + 1, 1 + {hashed(3)} % 50, 900 + {_decimal(4, 10_000_000)},
        {_decimal(5, 11)}, {_decimal(6, 9)}, substr('ANR', 1 + {hashed(7)} % 3, 1),
        substr('OF', 1 + {hashed(8)} % 2, 1), {_date(9)}, {_date(10)}, {_date(11)},
        CASE {hashed(12)} % 4 WHEN 0 THEN 'DELIVER IN PERSON' WHEN 1 THEN 'COLLECT COD'
          WHEN 2 THEN 'NONE' ELSE 'TAKE BACK RETURN' END,
        CASE {hashed(13)} % 4 WHEN 0 THEN 'AIR' WHEN 1 THEN 'RAIL' WHEN 2 THEN 'TRUCK'
          ELSE 'SHIP' END,
        {piece('text', f'10 + {hashed(14)} % 34', 15)} FROM n""", max(1, int(ROWS * scale)))
