"""Gap of MiniStack: aliases and nested stacks were updated one after the other; here they run side by side.

CloudFormation starts everything whose dependencies are there. What takes long is therefore ordered behind all that
doesn't need it, and when the first is reached, the others that can start do so too. When one fails, those that still
shift are stopped and taken back, and those that had shifted go back in the stack's rollback.
"""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from rehearsal.stage import clock

# A stack has at most 500 resources; a shift needs four of them (function, version, alias, group).
MOST_AT_ONCE = 125

type Provisioned = tuple[str, dict[str, str]]
type Deps = Mapping[str, AbstractSet[str]]


def behind_the_rest(ordered: Sequence[str], shifting: AbstractSet[str], deps: Deps) -> list[str]:
    """`ordered`, a topological order, as one in which what is `shifting` stands together and as late as it can.

    What needs one of these comes behind it; one that needs another comes in a later group.
    """
    result: list[str] = []
    waiting = list(ordered)
    while waiting:
        ready = _ready([name for name in waiting if name not in shifting], waiting, deps)
        waiting = [name for name in waiting if name not in ready]
        group = [name for name in waiting if not deps[name] & set(waiting) - {name}]
        waiting = [name for name in waiting if name not in group]
        result += ready + group
    return result


def _ready(names: Sequence[str], waiting: Sequence[str], deps: Deps) -> list[str]:
    """Those of `names`, in this order, that need nothing of what waits but each other."""
    left, ready = set(waiting), list[str]()
    for name in names:
        if not deps[name] & left - {name}:
            left.remove(name)
            ready.append(name)
    return ready


def needed_by(name: str, deps: Deps) -> set[str]:
    """What `name` needs, directly or through something else."""
    found: set[str] = set()
    pending = [name]
    while pending:
        new = set(deps.get(pending.pop(), ())) - found
        found |= new
        pending += new
    return found - {name}


class CancelledError(Exception):
    """Another alias of the stack failed, or somebody cancelled the update. ? CloudFormation's own words for it."""

    def __init__(self) -> None:
        super().__init__("Resource update cancelled")


class Shifts:
    """The long updates of a stack operation, each on a thread of its own, by logical id.

    Those of a nested stack have the `parent`'s: what cancels these cancels them too.
    """

    def __init__(self, parent: Shifts | None = None) -> None:
        self.targets: dict[str, Mapping[str, Any]] = {}
        self._running: dict[str, Future[Provisioned]] = {}
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="shift")
        self._turn = threading.Lock()
        self._stops: list[Callable[[], None]] = []
        self.cancelled = parent.adopts(self) if parent else False

    def adopts(self, child: Shifts) -> bool:
        """Whether it is too late for the child to begin anything."""
        with self._turn:
            self._stops.append(child.cancel)
            return self.cancelled

    def __contains__(self, logical_id: str) -> bool:
        return logical_id in self._running

    def start(self, logical_id: str, target: Mapping[str, Any], update: Callable[[], Provisioned]) -> None:
        """`target` is what the resource is to have; `update` moves it there, blocks, and raises when it couldn't."""
        self.targets[logical_id] = target
        run, future = clock.work_of_its_own(f"the update of {logical_id}"), Future[Provisioned]()
        self._running[logical_id] = future
        self._threads.submit(contextvars.copy_context().run, run, functools.partial(_fulfil, future, update))

    def begin(self, start: Callable[[], str], stop: Callable[[str], None]) -> str:
        """`start` a deployment and return its id; `cancel` calls `stop` with it. Raises CancelledError after that."""
        with self._turn:
            if self.cancelled:
                raise CancelledError
            started = start()
            self._stops.append(functools.partial(stop, started))
            return started

    def cancel(self) -> None:
        """Stop all that began, once."""
        with self._turn:
            stops, self._stops, self.cancelled = self._stops, [], True
        for stop in stops:
            stop()

    def result(self, logical_id: str) -> Provisioned:
        """Waits for all of them to end when this one failed, so that a rollback finds nothing that moves."""
        try:
            return self._end_of(logical_id).result()
        except Exception:
            for name in self._running:
                self._end_of(name)
            raise

    def _end_of(self, logical_id: str) -> Future[Provisioned]:
        """Whoever waits for it is idle meanwhile, and works again before what it waited for has ended."""
        future = self._running[logical_id]
        with clock.idle_meanwhile() as waiting:
            if waiting is not None:
                future.add_done_callback(lambda _: waiting.wake())
            wait([future])
        return future

    def failed(self) -> list[str]:
        """Those that raised; all have ended by then."""
        return [name for name, future in self._running.items() if future.done() and future.exception()]


def _fulfil(future: Future[Provisioned], update: Callable[[], Provisioned]) -> None:
    """Inside the work that `update` is, so that whoever waits for it works before that ends."""
    try:
        future.set_result(update())
    except BaseException as error:  # noqa: BLE001 - whoever waits for it raises it
        future.set_exception(error)
