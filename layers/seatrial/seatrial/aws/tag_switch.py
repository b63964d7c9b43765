"""The tag `seatrial` of a function, switched by who is on call: at once, where a template needs a deployment."""

from __future__ import annotations

from typing import Any

from seatrial.core import tag
from seatrial.core.tag import Tag


class UntaggedError(Exception):
    """The function has no tag `seatrial`. The text is one sentence that names the fix."""


class TagSwitch:
    """`client` is Lambda's. Every call raises its ClientError and BotoCoreError."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def disable(self, function: str) -> bool:
        """Set the tag to `off` and keep its value in another tag. False when it was off. Raises UntaggedError."""
        arn, tags = self._tags(function)
        if tag.read(tags) is Tag.OFF:
            return False
        self._client.tag_resource(Resource=arn, Tags={tag.KEY: tag.DISABLED, tag.BEFORE: tags[tag.KEY]})
        return True

    def enable(self, function: str) -> bool:
        """Set the tag to its value before `disable`. False when it was not off. Raises UntaggedError."""
        arn, tags = self._tags(function)
        if tag.read(tags) is not Tag.OFF:
            return False
        self._client.tag_resource(Resource=arn, Tags={tag.KEY: tags.get(tag.BEFORE) or tag.ENABLED})
        if tag.BEFORE in tags:
            self._client.untag_resource(Resource=arn, TagKeys=[tag.BEFORE])
        return True

    def _tags(self, function: str) -> tuple[str, dict[str, str]]:
        arn = self._client.get_function_configuration(FunctionName=function)["FunctionArn"]
        tags = dict(self._client.list_tags(Resource=arn).get("Tags", {}))
        if tag.read(tags) is Tag.NONE:
            raise UntaggedError(
                f"{function} has no tag '{tag.KEY}', so Seatrial does nothing with it. Next: to use Seatrial, add "
                "the tag in the function's template"
            )
        return arn, tags
