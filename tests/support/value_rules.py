"""When a value of SQLite and a value of PostgreSQL are the same: the judge's own rules.

Nothing here is taken from lite2pg: a mistake that both made would prove nothing. PostgreSQL's side
comes as the server prints it (or as the raw bits of a double), SQLite's as its C interface hands it
out; both become one hashable form, equal when the values are.
"""

import json
import re
import sqlite3
import struct
from decimal import Decimal
from fractions import Fraction


class Text(bytes):
    """A value of storage class TEXT. Plain `bytes` are BLOBs."""


class NoReading(Exception):
    """The source's value has no equal in the target's type."""


INTEGER_TYPES = {"int2": 16, "int4": 32, "int8": 64}
TEXT_TYPES = {"text", "varchar", "bpchar", "name", "citext", "xml", "json"}
TEMPORAL_TYPES = {"date", "time", "timestamp", "timestamptz"}

_sqlite = sqlite3.connect(":memory:")

def quote(name):
    return '"' + name.replace('"', '""') + '"'


# ---- Shared forms ----------------------------------------------------------------------------

def bits(number):
    return struct.pack(">d", number)


def decimal_form(number):
    """Sign, digits without zeros at the end, exponent: 1.50 and 1.5 are the same number."""
    if not number.is_finite():
        return str(number)
    sign, digits, exponent = number.as_tuple()
    value = int("".join(map(str, digits)) or "0")
    if value == 0:
        return (0, 0, 0)
    while value % 10 == 0:
        value //= 10
        exponent += 1
    return (sign, value, exponent)


REAL_TEXT = re.compile(rb"-?(\d+\.\d+(e[+-]\d+)?|Inf)\Z")


def real_of_text(text):
    """The double that a text shows in the way that SQLite shows REALs, or None."""
    return float(text) if REAL_TEXT.match(text) else None


def real_text(number):
    """A double as SQLite shows it, when that gives it back."""
    (text,) = _sqlite.execute("SELECT CAST(? AS TEXT)", (number,)).fetchone()
    return text.encode()


def days_from_civil(year, month, day):
    """Days since 1970-01-01 in the proleptic Gregorian calendar; year 0 is 1 BC."""
    lengths = [31, 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28,
               31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if not 1 <= month <= 12 or not 1 <= day <= lengths[month - 1]:
        raise NoReading(f"no such day: {year}-{month}-{day}")
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400
    return days + sum(lengths[:month - 1]) + day - 1 - 719162


STAMP = re.compile(
    r"([+-]?\d{4,6})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?)?"
    r" ?(Z|z|UTC|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?( BC)?"
    # Go's time.String() says the zone twice, and may show a clock that only its process knew.
    r"(?:(?<=[+-]\d{4}) [A-Z0-9+-]+(?: m=[+-][0-9.]+)?)?\Z")
CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?\Z")


def clock_micros(hour, minute, second, fraction):
    hour, minute, second = int(hour or 0), int(minute or 0), int(second or 0)
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and minute + second > 0):
        raise NoReading("no such time of day")
    digits = (fraction or "").ljust(6, "0")
    if digits[6:].strip("0"):
        raise NoReading("digits below a microsecond")
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + int(digits[:6])


def offset_seconds(text):
    if text is None:
        return None
    if text in ("Z", "z", "UTC"):
        return 0
    digits = text[1:].replace(":", "").ljust(6, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:])
    return -seconds if text[0] == "-" else seconds


def parse_stamp(text):
    """(days, microseconds of the day or None, offset in seconds or None)."""
    match = STAMP.match(text)
    if not match:
        raise NoReading("not a date and time")
    year, month, day, hour, minute, second, fraction, zone, before_christ = match.groups()
    year = 1 - int(year) if before_christ else int(year)
    days = days_from_civil(year, int(month), int(day))
    micros = None if hour is None else clock_micros(hour, minute, second, fraction)
    return days, micros, offset_seconds(zone)


DAY_MICROS = 86_400_000_000


def parse_clock(text):
    match = CLOCK.match(text)
    if not match:
        raise NoReading("not a time of day")
    return clock_micros(*match.groups())


def json_form(text):
    """Numbers by value, keys without order; a repeated key is a difference of its own."""
    def pairs(items):
        keys = [k for k, _ in items]
        if len(set(keys)) != len(keys):
            raise NoReading("repeated key")
        return ("object", tuple(sorted(items, key=lambda item: item[0])))

    def freeze(value):
        if isinstance(value, list):
            return ("array", tuple(freeze(v) for v in value))
        if isinstance(value, bool):
            return ("bool", value)
        if isinstance(value, tuple) and value and value[0] == "object":
            return value
        return value

    def number(digits):
        return ("number", decimal_form(Decimal(digits)))

    def refuse(word):
        raise NoReading(f"{word} is no JSON")

    try:
        return freeze(json.loads(
            text, object_pairs_hook=lambda items: pairs([(k, freeze(v)) for k, v in items]),
            parse_int=number, parse_float=number, parse_constant=refuse))
    except ValueError as error:
        raise NoReading(f"not JSON: {error}") from error


def uuid_form(digits):
    if re.fullmatch(r"[0-9a-f]{32}", digits) is None:
        raise NoReading("not a UUID")
    return digits


# ---- The target's side: what to select, and what to make of it --------------------------------

class TargetType:
    """How a column of PostgreSQL is read. `name` is pg_type.typname, of a domain's base."""

    def __init__(self, name, category="U"):
        self.name = name
        self.is_array = category == "A"

    def expression(self, column):
        column = quote(column)
        if self.name == "bytea":
            return column
        if self.name == "float8":
            return f"pg_catalog.float8send({column})"
        if self.name in TEXT_TYPES:
            return f"pg_catalog.convert_to({column}::pg_catalog.text, 'UTF8')"
        if self.is_array:
            return f"pg_catalog.to_jsonb({column})::pg_catalog.text"
        return f"{column}::pg_catalog.text"

    def form(self, raw):
        if raw is None:
            return None
        if isinstance(raw, memoryview):
            raw = bytes(raw)
        name = self.name
        if name == "bpchar":
            return raw.rstrip(b" ")
        if name in ("bytea", "float8") or name in TEXT_TYPES:
            return raw
        if name in INTEGER_TYPES or name == "oid":
            return int(raw)
        if name == "bool":
            return {"true": True, "false": False}[raw]
        if name in ("numeric", "float4"):
            return decimal_form(Decimal(raw))
        if name == "jsonb" or self.is_array:
            return json_form(raw)
        if name == "uuid":
            return raw.replace("-", "")
        if name in TEMPORAL_TYPES:
            return self._temporal_form(raw)
        return raw

    def _temporal_form(self, raw):
        if raw in ("infinity", "-infinity"):
            return raw
        if self.name == "time":
            return parse_clock(raw)
        days, micros, offset = parse_stamp(raw)
        if self.name == "date":
            return days
        # The session's time zone is UTC.
        assert (offset == 0) == (self.name == "timestamptz"), raw
        return days * DAY_MICROS + micros


# ---- The source's side ------------------------------------------------------------------------

# What a number in a column of dates may count: microseconds since 1970 of it. Which of them a
# column follows is for the comparer to find out: one has to fit the whole column.
EPOCHS = {
    "unix s": lambda n: n * 1_000_000,
    "unix ms": lambda n: n * 1_000,
    "unix us": lambda n: n,
    "unix ns": lambda n: n / 1_000,
    "julian day": lambda n: round((n - Fraction(4881175, 2)) * 86_400_000) * 1000,
    "ticks": lambda n: n / 10 - 62_135_596_800_000_000,
    "apple s": lambda n: (n + 978_307_200) * 1_000_000,
    "chrome us": lambda n: n - 11_644_473_600_000_000,
}


class SourceReader:
    """Turns values of one source column into forms of its target type."""

    def __init__(self, target, epoch=None, real_epoch=None, uuid_mixed_endian=False, ask_server=None,
                 real_texts=None):
        self.target = target
        self.epoch = epoch            # of integers
        self.real_epoch = real_epoch  # of REALs
        self.uuid_mixed_endian = uuid_mixed_endian
        self.ask_server = ask_server  # text -> the server's own text of it, for other types
        self.real_texts = real_texts or {}  # bits of a REAL -> how the target's texts show it

    def form(self, value):
        if value is None:
            return None
        name = self.target.name
        if self.target.is_array:
            return json_form(self._text(value))
        if name in INTEGER_TYPES or name == "oid":
            return self._integer(value)
        if name in TEXT_TYPES:
            form = self._bytes_of_text(value)
            return form.rstrip(b" ") if name == "bpchar" else form
        method = getattr(self, "_" + name, None)
        if method is not None:
            return method(value)
        if self.ask_server is not None:
            return self.ask_server(self._bytes_of_text(value).decode())
        raise NoReading(f"no rule for type {name}")

    @staticmethod
    def _text(value):
        if not isinstance(value, Text):
            raise NoReading(f"a {type(value).__name__} is no text")
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NoReading("not UTF-8") from error

    def _bytes_of_text(self, value):
        if isinstance(value, float):
            return self.real_texts.get(bits(value)) or real_text(value)
        if isinstance(value, int):
            return str(value).encode()
        return bytes(value)

    def _integer(self, value):
        if isinstance(value, int):
            return value
        if isinstance(value, float):
            if value != value // 1 or bits(value) == bits(-0.0):
                raise NoReading("not integral")
            return int(value)
        if re.fullmatch(r"[+-]?[0-9]+", self._text(value)):
            return int(value)
        raise NoReading("not an integer")

    def _bool(self, value):
        if isinstance(value, (int, float)):
            if value in (0, 1):
                return bool(value)
            raise NoReading("neither 0 nor 1")
        word = self._text(value).lower()
        if word in ("t", "true", "y", "yes", "on", "1"):
            return True
        if word in ("f", "false", "n", "no", "off", "0"):
            return False
        raise NoReading("not a boolean")

    def _float8(self, value):
        if isinstance(value, float):
            return bits(value)
        if isinstance(value, int):
            if abs(value) > 2**1000 or int(float(value)) != value:
                raise NoReading("no double is this integer")
            return bits(float(value))
        try:
            return bits(float(self._text(value)))
        except ValueError as error:
            raise NoReading("not a number") from error

    def _numeric(self, value):
        if isinstance(value, float):
            return decimal_form(Decimal(repr(value)))
        if isinstance(value, int):
            return decimal_form(Decimal(value))
        try:
            return decimal_form(Decimal(self._text(value)))
        except ArithmeticError as error:
            raise NoReading("not a decimal") from error

    # A float is the double's equal when it shows the same decimal.
    _float4 = _numeric

    def _bytea(self, value):
        return self._bytes_of_text(value)

    def _jsonb(self, value):
        if isinstance(value, Text):
            return json_form(self._text(value))
        return json_form(self._bytes_of_text(value).decode())

    def _uuid(self, value):
        if isinstance(value, Text):
            return uuid_form(self._text(value).strip("{}").replace("-", "").lower())
        if isinstance(value, bytes) and len(value) == 16:
            if self.uuid_mixed_endian:
                value = value[3::-1] + value[5:3:-1] + value[7:5:-1] + value[8:]
            return value.hex()
        raise NoReading("not a UUID")

    def _epoch_micros(self, value):
        epoch = self.real_epoch if isinstance(value, float) else self.epoch
        if epoch is None:
            raise NoReading("no convention fits the column's numbers")
        if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):
            raise NoReading("not finite")
        # A decimal number of seconds is what was meant by the double that shows it.
        exact = Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
        micros = Fraction(EPOCHS[epoch](exact))
        if micros.denominator != 1:
            raise NoReading("digits below a microsecond")
        return int(micros)

    def _timestamp(self, value):
        if isinstance(value, (int, float)):
            return self._epoch_micros(value)
        days, micros, offset = parse_stamp(self._text(value))
        if offset not in (None, 0):
            raise NoReading("an offset that the target cannot keep")
        return days * DAY_MICROS + (micros or 0)

    def _timestamptz(self, value):
        if isinstance(value, (int, float)):
            return self._epoch_micros(value)
        days, micros, offset = parse_stamp(self._text(value))
        return days * DAY_MICROS + (micros or 0) - (offset or 0) * 1_000_000

    def _date(self, value):
        if isinstance(value, (int, float)):
            micros = self._epoch_micros(value)
            if micros % DAY_MICROS:
                raise NoReading("not midnight")
            return micros // DAY_MICROS
        days, micros, offset = parse_stamp(self._text(value))
        if micros not in (None, 0) or offset not in (None, 0):
            raise NoReading("more than a date")
        return days

    def _time(self, value):
        return parse_clock(self._text(value))
