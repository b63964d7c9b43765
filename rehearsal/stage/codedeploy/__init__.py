"""MiniStack has no CodeDeploy: this is its Lambda half, installed into MiniStack.

`model`, `shifting`, `appspec`, `revisions` and `line` are pure; `run` and `service` carry deployments out against the
`port`, which `account` is on MiniStack; `wire` and `shapes` speak JSON, the `*_calls` answer; `resources` and `stacks`
are what CloudFormation calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rehearsal.stage.clock import StageClock

if TYPE_CHECKING:
    from .behaviour import Behaviour
    from .port import Account
    from .service import Service


def install(
    clock: StageClock,
    behaviour: Behaviour | None = None,
    around: Callable[[Account], Account] = lambda account: account,
) -> Service:
    """Register CodeDeploy in MiniStack, in this process. Call it once, before serving.

    `around` may put something between CodeDeploy and the account that it works on.
    MiniStack is imported here and not before: it reads its environment when it is.
    """
    from ministack import app
    from ministack.core import router

    from rehearsal.stage.lambdas import alias

    from . import resources, stacks
    from .account import MiniStackAccount
    from .service import Service
    from .triggers import Triggers
    from .wire import PREFIX, Wire

    account = MiniStackAccount(alias.invoke_async)
    service = Service(around(account), clock, behaviour=behaviour)
    app.SERVICE_HANDLERS["codedeploy"] = Wire(service).handle_request
    router.SERVICE_PATTERNS["codedeploy"] = {"target_prefixes": [PREFIX]}
    resources.install(service)
    stacks.install(service, account)
    account.listeners.append(
        Triggers(lambda application, group: service.registry.group(application, group), service.deployment)
    )
    return service
