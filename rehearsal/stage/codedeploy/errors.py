"""The errors of CodeDeploy's API, by the names of its service model."""

from __future__ import annotations


class ApiError(Exception):
    """`name` is a shape of the service model, as boto3 knows it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
