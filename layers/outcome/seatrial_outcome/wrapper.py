"""The decorator around a handler. It counts and changes neither a response nor an error."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import AsyncGenerator, Generator
from typing import Any, Callable, Optional, TypeVar, Union, overload

from . import decide
from .recorder import Recorder, Settings

Handler = TypeVar("Handler", bound=Callable[..., Any])


@overload
def outcome(handler: Handler) -> Handler: ...
@overload
def outcome(
    *, service: str = "", slow_ms: Optional[float] = None, high_resolution: bool = False
) -> Callable[[Handler], Handler]: ...
def outcome(
    handler: Optional[Handler] = None,
    *,
    service: str = "",
    slow_ms: Optional[float] = None,
    high_resolution: bool = False,
) -> Union[Handler, Callable[[Handler], Handler]]:
    """Count the outcomes of a Lambda handler: `@outcome`, or `@outcome(service="payments", slow_ms=800)`.

    Bad is: a raised error (raised on unchanged), a proxy response with a status of 500 or more, a response that Lambda
    cannot send (no JSON, or more than 6 MB), each item that a partial batch response returns, a request that
    `mark_bad` was called for, and, only with `slow_ms`, one that took longer. A trial prints nothing (see `is_dark`).

    The handler may also be a method, an async function or a generator: it is counted when it ends.

    Args:
        service: the name of the service; the function's name unless given.
        slow_ms: milliseconds.
        high_resolution: CloudWatch keeps seconds, and the judge looks at a young release within the minute.
    """
    if handler is None:
        return functools.partial(outcome, service=service, slow_ms=slow_ms, high_resolution=high_resolution)
    inner, settings = handler, Settings(service, None if slow_ms is None else float(slow_ms), high_resolution)

    def recorder(given: tuple[Any, ...], named: dict[str, Any]) -> Recorder:
        event, context = _event_and_context(given, named)
        return Recorder(event, context, settings)

    if inspect.iscoroutinefunction(inner):

        @functools.wraps(inner)
        async def counted_async(*given: Any, **named: Any) -> Any:
            return await _awaited(recorder(given, named), inner(*given, **named))

        return counted_async  # type: ignore[return-value]

    if inspect.isgeneratorfunction(inner):

        @functools.wraps(inner)
        def counted_generator(*given: Any, **named: Any) -> Any:
            return (yield from _generated(recorder(given, named), inner(*given, **named)))

        return counted_generator

    if inspect.isasyncgenfunction(inner):

        @functools.wraps(inner)
        async def counted_async_generator(*given: Any, **named: Any) -> Any:
            async for value in _generated_async(recorder(given, named), inner(*given, **named)):
                yield value

        return counted_async_generator

    @functools.wraps(inner)
    def counted(*given: Any, **named: Any) -> Any:
        recording = recorder(given, named)
        recording.begin()
        try:
            response = inner(*given, **named)
        except BaseException as error:  # also SystemExit, which Lambda answers with an error
            recording.end(None, error)
            raise
        if type(response) in _UNFINISHED:  # as a partial or an object with an async __call__ returns
            recording.leave()
            return _UNFINISHED[type(response)](recording, response)
        recording.end(response, None)
        return response

    return counted


def _event_and_context(given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any]:
    """Lambda gives both by position, after `self` of a method; a test may name them."""
    if "event" in named or "context" in named:
        return named.get("event", given[-1] if given else None), named.get("context", given[-1] if given else None)
    for event, context in zip(given, given[1:]):  # noqa: B905, RUF007  Python 3.9 has neither
        if hasattr(context, "invoked_function_arn"):
            return event, context
    return (given[0], given[1]) if len(given) > 1 else (given[0] if given else None, None)


async def _awaited(recording: Recorder, coroutine: Any) -> Any:
    recording.begin()
    try:
        response = await coroutine
    except BaseException as error:
        recording.end(None, error)
        raise
    recording.end(response, None)
    return response


def _generated(recording: Recorder, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """The same values, and a count at the end; a consumer that stops early has got its response."""
    recording.begin()
    shown: Any = None
    step = functools.partial(generator.send, None)
    try:
        while True:
            try:
                value = step()
            except StopIteration as end:
                recording.end(end.value if shown is None else shown, None)
                return end.value
            shown = _worse(shown, value)
            try:
                step = functools.partial(generator.send, (yield value))
            except Exception as thrown:  # noqa: BLE001  by the consumer, for the handler to deal with
                step = functools.partial(generator.throw, thrown)
    except GeneratorExit:
        generator.close()
        recording.end(shown, None)
        raise
    except BaseException as error:
        recording.end(None, error)
        raise


async def _generated_async(recording: Recorder, generator: AsyncGenerator[Any, Any]) -> AsyncGenerator[Any, Any]:
    recording.begin()
    shown: Any = None
    try:
        async for value in generator:
            shown = _worse(shown, value)
            yield value
    except GeneratorExit:
        await generator.aclose()
        recording.end(shown, None)
        raise
    except BaseException as error:
        recording.end(None, error)
        raise
    recording.end(shown, None)


_UNFINISHED: dict[type, Callable[[Recorder, Any], Any]] = {
    types.CoroutineType: _awaited,
    types.GeneratorType: _generated,
    types.AsyncGeneratorType: _generated_async,
}


def _worse(one: Any, other: Any) -> Any:
    """Of two values of a generator the one with the higher status."""
    return one if (decide.status_code(one) or 0) > (decide.status_code(other) or 0) else other
