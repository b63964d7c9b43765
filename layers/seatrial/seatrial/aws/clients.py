"""The clients of one account and Region, each made when it is first used."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

SERVICES: Final = ("appconfig", "cloudformation", "cloudwatch", "codedeploy", "dynamodb", "events", "lambda", "sns",
                   "resourcegroupstaggingapi")  # fmt: skip


class Clients:
    """Makes the clients of one session.

    boto3 is left out: its resources and S3 transfers take 50 ms of a cold start, and Seatrial uses neither. A client of
    botocore and one of boto3 are the same class.
    """

    def __init__(self, region: str | None = None) -> None:
        """`region` goes before what botocore itself finds, which does not read AWS_REGION."""
        self._session = botocore.session.get_session()
        if region:
            self._session.set_config_variable("region", region)
        paths = self._session.get_component("data_loader").search_paths
        self._session.register_component("data_loader", _Services(paths, include_default_search_paths=False))
        self._turn = threading.Lock()  # clients may be shared by threads, but a session makes one at a time

    def client(self, service: str, config: Config | None = None) -> Any:
        """Stands for the typed client of one of `SERVICES`, which the first call of a method makes.

        Making a client reads its service's model (up to 1 MB of JSON) and takes 10 to 30 ms.
        """
        return _Deferred(partial(self._session.create_client, service, config=config), self._turn)


class _Deferred:
    """An object that is made when one of its attributes is first read."""

    def __init__(self, make: Callable[[], Any], turn: threading.Lock) -> None:
        self._make = make
        self._turn = turn
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        """Runs once for each name: the attribute is then this object's own."""
        with self._turn:
            if self._made is None:
                self._made = _uncollected(self._make)
        found = getattr(self._made, name)
        setattr(self, name, found)
        return found


def _uncollected[T](make: Callable[[], T]) -> T:
    """Calls `make` without garbage collection. A service's model is 50,000 objects, and all of them stay."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return make()
    finally:
        if collects:
            gc.enable()


class _Services(Loader):
    """Knows the services by name. botocore looks through its 400 folders for them, at 20 ms of a cold start."""

    def list_available_services(self, type_name: str) -> list[str]:
        return list(SERVICES)
