"""The cost of an invoke through a weighted alias of the local AWS, beside MiniStack's own.

Plain MiniStack and the local AWS run each in a process of its own on 127.0.0.1. Both have the same two functions, of
which one prints, and are invoked in turns.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.rows import Row, compare, ratio
from rehearsal.stage import ACCOUNT, REGION, Stage, free_port

MOST = 1.15
REPEATS = 150
CODE = {
    "silent": "def handler(event, context):\n    return 1\n",
    "printing": "def handler(event, context):\n    print('asked')\n    return 1\n",
}


@contextlib.contextmanager
def ministack() -> Iterator[str]:
    """Plain MiniStack, as it is installed, on a free port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "LAMBDA_EXECUTOR": "local",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "TMPDIR": folder,
        }
        command = [sys.executable, "-m", "ministack"]
        nowhere = subprocess.DEVNULL
        process = subprocess.Popen(command, env=environment, stdout=nowhere, stderr=nowhere)
        try:
            endpoint = f"http://127.0.0.1:{port}"
            _until_it_answers(endpoint, process)
            yield endpoint
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _until_it_answers(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"ministack ended with {process.returncode}")
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=1).close()
            return
        time.sleep(0.1)
    sys.exit("ministack did not answer within a minute")


def client(endpoint: str) -> Any:
    session = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="stage", region_name=REGION)
    return session.client("lambda", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}))


def deploy(functions: Any) -> None:
    """Both functions with an alias `live` that routes half to version 2."""
    for name, code in CODE.items():
        functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="index.handler",
            Role=f"arn:aws:iam::{ACCOUNT}:role/benchmark",
            Code={"ZipFile": _package(code)},
        )
        functions.publish_version(FunctionName=name)
        functions.update_function_code(FunctionName=name, ZipFile=_package(f"{code}\n# two\n"))
        functions.publish_version(FunctionName=name)
        functions.create_alias(
            FunctionName=name,
            Name="live",
            FunctionVersion="1",
            RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
        )


def _package(code: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("index.py", code)
    return buffer.getvalue()


def milliseconds(functions: Any, name: str) -> float:
    started = time.perf_counter()
    answer = functions.invoke(FunctionName=name, Qualifier="live", Payload=b"{}")
    answer["Payload"].read()
    if "FunctionError" in answer:
        sys.exit(f"{name} failed: {answer}")
    return (time.perf_counter() - started) * 1000


def silent() -> Row:
    return _row("silent")


def printing() -> Row:
    return _row("printing")


def _row(name: str) -> Row:
    with ministack() as plain_endpoint, Stage(minute=1) as stage:
        plain, staged = client(plain_endpoint), client(stage.endpoint)
        for functions in (plain, staged):
            deploy(functions)
        # After 20 of each, both versions have an environment.
        pairs = compare(lambda: milliseconds(staged, name), lambda: milliseconds(plain, name), REPEATS, warm_up=20)
    return pairs.row(f"invoke on the local AWS, {name} function", "ms", ratio(MOST), "plain MiniStack")
