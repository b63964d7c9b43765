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
    environment = configuration.get("Environment") or {}
    variables = environment.get("Variables") or {}
    return Configuration(
        code=configuration["CodeSha256"],
        settings={name: value for name, value in settings.items() if value},
        layers=tuple(":".join(layer["Arn"].split(":")[6:]) for layer in configuration.get("Layers", [])),
        variables=None if environment.get("Error") else {name: digest(value) for name, value in variables.items()},
        hidden={name: digest(configuration[key]) for key, name in _HIDDEN.items() if configuration.get(key)},
    )


# What names a version, or says how its making goes, and changes nothing of what it does. The description differs with
# each deploy of a template that makes it so. `CodeSha256` is compared by itself.
_NO_BEHAVIOUR = frozenset(
    {
        "CodeSha256",
        "CodeSize",
        "ConfigSha256",
        "Description",
        "FunctionArn",
        "FunctionName",
        "LastModified",
        "LastUpdateStatus",
        "LastUpdateStatusReason",
        "LastUpdateStatusReasonCode",
        "MasterArn",
        "RevisionId",
        "RuntimeVersionConfig",
        "State",
        "StateReason",
        "StateReasonCode",
        "Version",
    }
)

# Where Lambda leaves out what has its default.
_DEFAULTS: Mapping[str, Any] = {
    "Architectures": ["x86_64"],
    "EphemeralStorage": {"Size": 512},
    "Layers": [],
    "PackageType": "Zip",
    "SnapStart": {},
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {},
}


def behaviour(configuration: Mapping[str, Any]) -> str:
    """A digest of all in GetFunction's `Configuration` that changes what a version does, also of keys to come.

    "" where it can't be said: a part is missing that every version has, or Lambda gives an error in its place, as for
    variables under a key that Seatrial may not use.
    """
    always = ["Role", "MemorySize", "Timeout"]
    if configuration.get("PackageType") != "Image":
        always += ["Runtime", "Handler"]
    if not all(configuration.get(key) for key in always):
        return ""
    if any(isinstance(part, Mapping) and part.get("Error") for part in configuration.values()):
        return ""
    parts = {**_DEFAULTS, **{key: part for key, part in configuration.items() if key not in _NO_BEHAVIOUR}}
    parts["Environment"] = (configuration.get("Environment") or {}).get("Variables") or {}
    parts["Layers"] = [layer.get("Arn") for layer in parts["Layers"]]
    parts["SnapStart"] = parts["SnapStart"].get("ApplyOn", "None")
    network = parts["VpcConfig"]
    parts["VpcConfig"] = {key: sorted(value) if isinstance(value, list) else value for key, value in network.items()}
    if not network.get("SubnetIds"):
        parts["VpcConfig"] = {}
    return digest({key: part for key, part in parts.items() if part not in (None, "", [], {})})


def digest(value: Any) -> str:
    """What two values can be compared by, and neither be read from."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
