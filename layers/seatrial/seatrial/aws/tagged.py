"""The functions that carry the tag `seatrial`, by the Resource Groups Tagging API: one call for a hundred."""

from __future__ import annotations

from typing import Any

from seatrial.core import tag
from seatrial.core.service_names import Known


class TaggedFunctions:
    def __init__(self, client: Any) -> None:
        self._client = client

    def all(self) -> tuple[Known, ...]:
        """Those of this account and Region, with the names that CloudFormation's own tags give them."""
        pages = self._client.get_paginator("get_resources").paginate(
            TagFilters=[{"Key": tag.KEY}], ResourceTypeFilters=["lambda:function"]
        )
        found = []
        for page in pages:
            for resource in page["ResourceTagMappingList"]:
                tags = {one["Key"]: one["Value"] for one in resource.get("Tags", [])}
                arn = resource["ResourceARN"]
                found.append(
                    Known(
                        function=arn.split(":")[6],
                        arn=arn,
                        stack=tags.get("aws:cloudformation:stack-name", ""),
                        logical_id=tags.get("aws:cloudformation:logical-id", ""),
                        tags=frozenset(value for key, value in tags.items() if not key.startswith("aws:")),
                    )
                )
        return tuple(found)
