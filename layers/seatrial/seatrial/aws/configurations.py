"""A version's configuration as Lambda's JSON has it, made what people may read. No value of the environment is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from seatrial.core.besides import Configuration

# What is told as changed, and not how: long, or of no use in a sentence.
_HIDDEN = {
    "VpcConfig": "VPC",
    "FileSystemConfigs": "file systems",
    "DeadLetterConfig": "dead letters",
    "ImageConfigResponse": "image configuration",
    "SnapStart": "SnapStart",
    "LoggingConfig": "logging",
    "KMSKeyArn": "encryption key",
}


def read(configuration: Mapping[str, Any]) -> Configuration:
    """Of GetFunction's `Configuration`."""
    settings = {
        "memory": f"{configuration['MemorySize']} MB",
        "timeout": f"{configuration['Timeout']} s",
        "runtime": configuration.get("Runtime", ""),
        "handler": configuration.get("Handler", ""),
        "role": configuration["Role"].rpartition("/")[2],
        "processor": ", ".join(configuration.get("Architectures", [])),
        "temporary storage": f"{configuration.get('EphemeralStorage', {}).get('Size', 512)} MB",
        "tracing": configuration.get("TracingConfig", {}).get("Mode", ""),
    }
    variables = configuration.get("Environment", {}).get("Variables", {})
    return Configuration(
        code=configuration["CodeSha256"],
        settings={name: value for name, value in settings.items() if value},
        layers=tuple(":".join(layer["Arn"].split(":")[6:]) for layer in configuration.get("Layers", [])),
        variables={name: digest(value) for name, value in variables.items()},
        hidden={name: digest(configuration[key]) for key, name in _HIDDEN.items() if configuration.get(key)},
    )


def digest(value: Any) -> str:
    """What two values can be compared by, and neither be read from."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
