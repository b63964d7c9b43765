"""Unhandled errors as Lambda's runtimes report them."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.stage.lambdas import errors

FRAME = '  File "/var/task/index.py", line 2, in handler\n    raise ValueError("bad")\n'


def raised(**more: Any) -> dict[str, Any]:
    return {"kind": "ValueError", "message": "bad", "trace": [FRAME], "imports": False, "syntax": False, **more}


def test_an_exception_of_the_handler_keeps_its_type_and_frames() -> None:
    assert errors.payload(raised(), "index.handler", "r-1") == {
        "errorMessage": "bad",
        "errorType": "ValueError",
        "requestId": "r-1",
        "stackTrace": [FRAME],
    }


@pytest.mark.parametrize(
    ("at_init", "kind", "message"),
    [
        ({"kind": "RuntimeError"}, "RuntimeError", "bad"),
        (
            {"kind": "ModuleNotFoundError", "imports": True, "message": "No module named 'x'"},
            "Runtime.ImportModuleError",
            "Unable to import module 'index': No module named 'x'",
        ),
        (
            {"kind": "SyntaxError", "syntax": True, "message": "invalid syntax (index.py, line 1)"},
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'index': invalid syntax (index.py, line 1)",
        ),
        (
            {"kind": "AttributeError", "missing": "handler", "trace": []},
            "Runtime.HandlerNotFound",
            "Handler 'handler' missing on module 'index'",
        ),
        ({"kind": "AttributeError", "missing": ""}, "AttributeError", "bad"),
    ],
)
def test_an_error_of_the_import_has_the_type_that_lambda_gives_it(
    at_init: dict[str, Any], kind: str, message: str
) -> None:
    found = errors.payload(raised(at="init", **at_init), "index.handler", "r-1")
    assert (found["errorType"], found["errorMessage"]) == (kind, message)


def test_the_log_has_one_event_for_an_error_and_its_trace() -> None:
    told = errors.event(errors.payload(raised(), "index.handler", "r-1"), json_format=False)
    log = f"before\nbetween\n{told}\nafter"
    assert list(errors.events(log)) == ["before", "between", told, "after"]
    assert told.startswith("[ERROR] ValueError: bad\nTraceback (most recent call last):\n")


def test_a_function_that_logs_json_has_its_error_in_json() -> None:
    told = errors.event(errors.payload(raised(), "index.handler", "r-1"), json_format=True)
    assert '"level": "ERROR"' in told
    assert "\n" not in told


def test_an_environment_that_has_changed_is_found_when_it_starts() -> None:
    with pytest.raises(errors.ScriptError):
        errors.telling("print('another script')")
