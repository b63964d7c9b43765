"""What an invoke through a weighted alias costs on the stage, beside MiniStack's own, in one run on this machine.

`python -m benchmarks.invoke`: starts plain MiniStack and the stage, each in a process of its own on 127.0.0.1, deploys
the same two functions to both (one prints, one doesn't) and invokes them in turns. Prints medians and their ratio; ends
with 1 when an invoke costs more than 1.15 times as much.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
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

from rehearsal.stage import ACCOUNT, REGION, Stage, free_port

MOST = 1.15
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--invokes", type=int, default=200, help="of each function on each side")
    invokes = parser.parse_args().invokes
    with ministack() as plain_endpoint, Stage(minute=1) as stage:
        plain, staged = client(plain_endpoint), client(stage.endpoint)
        for functions in (plain, staged):
            deploy(functions)
        print(f"{'function':<10} {'MiniStack':>10} {'stage':>10} {'ratio':>7}   (medians in ms of {invokes} invokes)")
        worst = 0.0
        for name in CODE:
            for functions in (plain, staged) * 20:  # both versions have an environment by then
                milliseconds(functions, name)
            pairs = [(milliseconds(plain, name), milliseconds(staged, name)) for _ in range(invokes)]
            before, after = (statistics.median(side) for side in zip(*pairs, strict=True))
            worst = max(worst, after / before)
            print(f"{name:<10} {before:>10.1f} {after:>10.1f} {after / before:>7.2f}")
    sys.exit(0 if worst <= MOST else f"an invoke costs {worst:.2f} times MiniStack's own; at most {MOST} is promised")


if __name__ == "__main__":
    main()
