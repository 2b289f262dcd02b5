"""Division on integers, and exact decimals as text: shared by interpreter, verifier and executor.

`div` and `mod` are Euclidean, as in SMT-LIB: for b != 0 they are the only q, r with

    a = b * q + r   and   0 <= r < |b|

Python's `//` and `%` round towards minus infinity instead (-7 // -2 is 3, here it is 4), so no
other module divides integers by itself.  (R. Boute, "The Euclidean definition of the functions
div and mod", TOPLAS 14(2), 1992.)
"""

from __future__ import annotations

from fractions import Fraction

SECONDS_PER_DAY = 86_400


def div(a: int, b: int) -> int:
    """The Euclidean quotient; raises ZeroDivisionError where b is zero."""
    return a // b if b > 0 else -(a // -b)


def mod(a: int, b: int) -> int:
    """The Euclidean remainder, never negative; raises ZeroDivisionError where b is zero."""
    return a % abs(b)


def decimal_text(value: Fraction) -> str:
    """The shortest decimal notation with at least one digit after the point, as in `12.5`.

    A number that has none, such as a third, is written as a quotient of integers: `1/3`.
    Different numbers have different texts.
    """
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    places = max(twos, fives, 1)
    digits = str(abs(value.numerator) * 10**places // value.denominator).zfill(places + 1)
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def date_text(days: int) -> str:
    """`2026-04-01` for days since 1970-01-01, in the proleptic Gregorian calendar, any year.

    Python's `datetime` ends with the year 9999; an unbounded Int does not.  (H. Hinnant,
    "chrono-compatible low-level date algorithms", civil_from_days.)
    """
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (
        day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153  # months counted from March
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (month <= 2)
    sign = "-" if year < 0 else ""
    return f"{sign}{abs(year):04d}-{month:02d}-{day:02d}"


def time_text(seconds: int) -> str:
    """`2026-04-01T12:00:00Z` for seconds since 1970-01-01T00:00:00Z."""
    days, rest = divmod(seconds, SECONDS_PER_DAY)
    return f"{date_text(days)}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}Z"
