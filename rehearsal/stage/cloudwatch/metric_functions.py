"""Metric math: what operations and functions of time series come to. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Mapping

from rehearsal.stage.cloudwatch.metric_math import MathError, Series, Value


def _divide(left: float, right: float) -> float | None:
    return left / right if right else None  # CloudWatch has no datapoint where it would divide by zero


_OPERATIONS: Mapping[str, Callable[[float, float], float | None]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    **{
        sign: lambda left, right, holds=holds: float(holds(left, right))  # type: ignore[misc]
        for sign, holds in {
            "==": operator.eq,
            "!=": operator.ne,
            "<": operator.lt,
            "<=": operator.le,
            ">": operator.gt,
            ">=": operator.ge,
            "AND": lambda left, right: bool(left and right),
            "&&": lambda left, right: bool(left and right),
            "OR": lambda left, right: bool(left or right),
            "||": lambda left, right: bool(left or right),
        }.items()
    },
}


def _average(values: list[float]) -> float:
    return sum(values) / len(values)


_AGGREGATES: Mapping[str, Callable[[list[float]], float]] = {
    "SUM": sum,
    "AVG": _average,
    "MIN": min,
    "MAX": max,
    "DATAPOINT_COUNT": len,
}


def combine(sign: str, left: Value, right: Value) -> Value:
    """One operation. Of two series, only the periods that both have; of an array, each of its series."""
    if isinstance(left, tuple):
        return tuple(combine(sign, each, right) for each in left)
    if isinstance(right, tuple):
        return tuple(combine(sign, left, each) for each in right)
    operation = _OPERATIONS[sign]
    if isinstance(left, float) and isinstance(right, float):
        result = operation(left, right)
        return {} if result is None else result
    times = left.keys() if isinstance(left, Mapping) else right.keys()  # type: ignore[union-attr]
    results = {}
    for time in times:
        first, second = _value_at(left, time), _value_at(right, time)
        if first is not None and second is not None:
            results[time] = operation(first, second)
    return {time: result for time, result in results.items() if result is not None}


def _value_at(value: float | Series, time: int) -> float | None:
    return value.get(time) if isinstance(value, Mapping) else value


def aggregate(function: str, value: Value) -> Value:
    """Of an array, a series of what it has at each period; of one series, one number."""
    of = _AGGREGATES[function]
    if isinstance(value, float):
        return value
    if isinstance(value, Mapping):
        return float(of(list(value.values()))) if value else {}
    series = [_series(each, function) for each in value]
    times = sorted({time for each in series for time in each})
    return {time: float(of([each[time] for each in series if time in each])) for time in times}


def choose(condition: Value, then: Value, otherwise: Value) -> Value:
    """IF: at each period the one or the other, and no datapoint where the chosen one has none."""
    if isinstance(condition, float):
        return then if condition else otherwise
    if isinstance(condition, tuple) or isinstance(then, tuple) or isinstance(otherwise, tuple):
        raise MathError("IF with an array is not supported by the stage")
    chosen = {time: _value_at(then if holds else otherwise, time) for time, holds in condition.items()}
    return {time: value for time, value in chosen.items() if value is not None}


def fill(value: Value, filler: Value | str, times: Iterable[int]) -> Value:
    """`value` with `filler` at the `times` where it has nothing: a number, or REPEAT for the last value before."""
    if isinstance(value, tuple):
        return tuple(fill(each, filler, times) for each in value)
    series = _series(value, "FILL")
    constant = filler if isinstance(filler, float) else None
    if constant is None and filler != "REPEAT":
        raise MathError("FILL takes a number or REPEAT; the stage has no other")
    filled: dict[int, float] = {}
    last: float | None = None
    for time in times:
        last = series.get(time, last)
        found = series.get(time, last if constant is None else constant)
        if found is not None:
            filled[time] = found
    return filled


def along(function: str, value: Value) -> Value:
    """What each value is beside the one before: RATE, DIFF and DIFF_TIME (seconds); or RUNNING_SUM so far."""
    if isinstance(value, tuple):
        return tuple(along(function, each) for each in value)
    series = _series(value, function)
    times = sorted(series)
    if function == "RUNNING_SUM":
        return dict(zip(times, itertools.accumulate(series[time] for time in times), strict=True))
    of = _STEPS[function]
    return {
        later: of(series[later] - series[sooner], float(later - sooner)) for sooner, later in itertools.pairwise(times)
    }


_STEPS: Mapping[str, Callable[[float, float], float]] = {
    "RATE": lambda change, seconds: change / seconds,
    "DIFF": lambda change, _: change,
    "DIFF_TIME": lambda _, seconds: seconds,
}


def each(function: str, value: Value) -> Value:
    """A function of every value by itself. There is no datapoint where it has no result."""
    if isinstance(value, tuple):
        return tuple(each(function, one) for one in value)
    of = _EACH[function]
    if isinstance(value, float):
        result = of(value)
        return {} if result is None else result
    results = {time: of(one) for time, one in value.items()}
    return {time: result for time, result in results.items() if result is not None}


_EACH: Mapping[str, Callable[[float], float | None]] = {
    "ABS": abs,
    "CEIL": lambda value: float(math.ceil(value)),
    "FLOOR": lambda value: float(math.floor(value)),
    "LOG": lambda value: math.log(value) if value > 0 else None,
    "LOG10": lambda value: math.log10(value) if value > 0 else None,
}


def of_array(function: str, value: Value) -> Value:
    """METRIC_COUNT, FIRST and LAST of an array of series."""
    if not isinstance(value, tuple):
        raise MathError(f"{function} needs an array of time series")
    if function == "METRIC_COUNT":
        return float(len(value))
    if not value:
        return {}
    return value[0] if function == "FIRST" else value[-1]


def applied(function: str, value: Value) -> Value:
    """A function of one argument, whichever it is."""
    if function in _EACH:
        return each(function, value)
    if function in _STEPS or function == "RUNNING_SUM":
        return along(function, value)
    if function in ("METRIC_COUNT", "FIRST", "LAST"):
        return of_array(function, value)
    return aggregate(function, value)


def _series(value: Value, function: str) -> Series:
    if not isinstance(value, Mapping):
        raise MathError(f"{function} needs a time series there")
    return value
