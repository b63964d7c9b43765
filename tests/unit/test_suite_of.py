"""Which suite of a package is a function's own, and the advice where there is none."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from cli.app import app
from seatrial.aws.lambdas import Lambdas, NoPackageError
from seatrial.aws.packages import Part
from seatrial.core.source import NoSuiteError
from seatrial.core.suite_of import Origin
from seatrial.flows import trial

TAGS = {"aws:cloudformation:logical-id": "OrdersFunction", "aws:cloudformation:stack-name": "shop-Nested-1"}


def suite(name: str, event: str = "{}") -> bytes:
    return f"cases: [{{name: {name}, event: {event}}}]".encode()


def packaged(files: Mapping[str, bytes], tags: Mapping[str, str] = TAGS, **configuration: Any) -> Lambdas:
    """Lambda with the function `shop-orders`, whose package holds these files."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as writing:
        for name, content in files.items():
            writing.writestr(name, content)
    found = {
        "Code": {"Location": "https://package"},
        "Configuration": {"Handler": "orders.app.handler"} | configuration,
        "Tags": tags,
    }
    return Lambdas(
        cast("Any", SimpleNamespace(get_function=lambda **request: found)),
        fetch=lambda url, first, last: Part(package.getvalue(), 0, len(package.getvalue())),
    )


FOLDERS = ("OrdersFunction", "shop-orders", "orders.app.handler", "orders.app")


def test_folders_of_a_function_are_looked_at_in_order() -> None:
    assert Origin("shop-orders", "orders.app.handler", "OrdersFunction").folders == FOLDERS
    assert Origin("shop-orders", "orders/app.handler").folders == ("shop-orders", "orders.app.handler", "orders.app")
    assert Origin("shop-orders").folders == ("shop-orders",)


@pytest.mark.parametrize("first", range(5))
def test_first_folder_with_a_suite_is_taken(first: int) -> None:
    names = [*(f"seatrial/{folder}/suite.yaml" for folder in FOLDERS), "seatrial/suite.yaml"]
    files = {name: suite(f"case {number}") for number, name in enumerate(names) if number >= first}
    files["seatrial/fees/suite.yaml"] = suite("of another function")
    (case,) = trial.load(packaged(files), "shop-orders", "8").cases
    assert case.name == f"case {first}"


def test_files_of_its_own_come_before_the_common_ones() -> None:
    files = {
        "seatrial/shop-orders/suite.yaml": b"cases: [{name: a, event: [own.json, both.json, common.json]}]",
        "seatrial/shop-orders/own.json": b'{"own": 1}',
        "seatrial/shop-orders/both.json": b'{"both": "own"}',
        "seatrial/both.json": b'{"both": "common"}',
        "seatrial/common.json": b'{"common": 1}',
    }
    (case,) = trial.load(packaged(files), "shop-orders", "8").cases
    assert case.request({}) == {"own": 1, "both": "own", "common": 1}


def test_mistake_names_the_folder_of_the_suite() -> None:
    with pytest.raises(Exception, match=r"^seatrial/orders\.app/suite\.yaml:1"):
        trial.load(packaged({"seatrial/orders.app/suite.yaml": b"case: []"}), "shop-orders", "8")


@pytest.mark.parametrize(
    ("files", "advice"),
    [
        ({"index.py": b""}, r"InlineCode\), which has no room for a folder\. Next: move the code into a folder"),
        ({"app.py": b""}, r"in its CodeUri \(resource OrdersFunction of stack shop-Nested-1\)"),
        (
            {"app.py": b"", "seatrial/FeesFunction/suite.yaml": suite("a")},
            r"has suites for FeesFunction only\. Next: put the function's own into seatrial/OrdersFunction/",
        ),
    ],
)
def test_advice_for_a_missing_suite_fits_the_function(files: dict[str, bytes], advice: str) -> None:
    with pytest.raises(NoSuiteError, match=advice):
        trial.load(packaged(files), "shop-orders", "8")


def test_container_image_gets_advice_of_its_own() -> None:
    with pytest.raises(NoPackageError, match=r"is a container image, .* Next: package the function as a zip file"):
        trial.load(packaged({}, PackageType="Image"), "shop-orders", "8")


def test_check_reads_the_suites_of_all_functions(tmp_path: Path) -> None:
    (tmp_path / "FeesFunction").mkdir()
    (tmp_path / "suite.yaml").write_bytes(suite("common"))
    (tmp_path / "FeesFunction" / "suite.yaml").write_bytes(suite("own"))
    checked = CliRunner().invoke(app, ["suite", "check", str(tmp_path), "--json"])
    assert json.loads(checked.stdout) == {
        "suites": [{"function": "", "cases": ["common"]}, {"function": "FeesFunction", "cases": ["own"]}]
    }
    (tmp_path / "FeesFunction" / "suite.yaml").write_text("case: []")
    checked = CliRunner().invoke(app, ["suite", "check", str(tmp_path)])
    assert checked.exit_code == 1
    assert "FeesFunction/suite.yaml:1" in checked.stderr
