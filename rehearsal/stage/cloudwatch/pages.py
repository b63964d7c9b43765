"""GetMetricData's answers in pages of so many datapoints. Pure.

A token names the query and the time where the next page begins, so that data that came meanwhile moves nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace


class TokenError(ValueError):
    """A token that is not one of this request."""


@dataclass(frozen=True)
class Result:
    """What one query came to: `points` are times (epoch seconds) and values, in the order of the answer."""

    id: str
    label: str
    points: tuple[tuple[int, float], ...]
    complete: bool = True


@dataclass(frozen=True)
class Page:
    results: tuple[Result, ...]
    token: str | None


def page(results: Sequence[Result], most: int, token: str | None) -> Page:
    """The page of at most `most` datapoints that begins where `token` says. Raises TokenError.

    A query whose datapoints end on a later page stands on both, on the first as not complete.
    """
    found: list[Result] = []
    for result in _left(results, token):
        room = most - sum(len(each.points) for each in found)
        if len(result.points) > room:
            if room:
                found.append(replace(result, points=result.points[:room], complete=False))
            return Page(tuple(found), _token(result.id, result.points[room][0]))
        found.append(result)
    return Page(tuple(found), None)


def _left(results: Sequence[Result], token: str | None) -> list[Result]:
    if not token:
        return list(results)
    name, time = _place(token)
    ids = [result.id for result in results]
    if name not in ids:
        raise TokenError("The NextToken is not one of this request.")
    first, *rest = results[ids.index(name) :]
    times = [at for at, _ in first.points]
    descending = len(times) > 1 and times[0] > times[1]
    points = tuple(point for point in first.points if (point[0] <= time if descending else point[0] >= time))
    return [replace(first, points=points), *rest]


def _token(name: str, time: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([name, time]).encode()).decode()


def _place(token: str) -> tuple[str, int]:
    try:
        name, time = json.loads(base64.urlsafe_b64decode(token.encode()))
        return str(name), int(time)
    except (ValueError, TypeError) as error:
        raise TokenError("The NextToken is not one of this request.") from error
