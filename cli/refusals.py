"""What AWS's library raises, as one sentence with the next step."""

from __future__ import annotations

import botocore.exceptions as errors

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException")

# Those of Seatrial's own policies that a person needs, by what they allow; the rest is in ReadOnlyPolicyArn.
_POLICIES = {"PutEvents": "OnCallPolicyArn"} | dict.fromkeys(
    ("GetFunctionConfiguration", "ListTags", "TagResource", "UntagResource"), "SwitchPolicyArn"
)


def is_denied(error: Exception) -> bool:
    return _code(error) in _DENIED


def sentence(error: Exception) -> str:
    """For ClientError and BotoCoreError."""
    match error:
        case errors.ClientError():
            return _of_aws(error)
        case errors.NoRegionError():
            return "no Region is set. Next: set AWS_REGION, or a Region in the profile"
        case errors.NoCredentialsError() | errors.PartialCredentialsError():
            return f"no AWS credentials: {error}. Next: log in, or set AWS_PROFILE"
        case errors.ProfileNotFound():
            return f"{error}. Next: set AWS_PROFILE to a profile of your AWS configuration"
        case errors.EndpointConnectionError() | errors.HTTPClientError():
            return f"AWS can't be reached: {error}. Next: check the network, and the Region's name in AWS_REGION"
        case _:
            return f"AWS's library reports {type(error).__name__}: {error}. Next: check AWS_REGION and the credentials"


def _of_aws(error: errors.ClientError) -> str:
    said = error.response.get("Error", {}).get("Message", "") or _code(error)
    if is_denied(error):
        policy = _POLICIES.get(error.operation_name, "ReadOnlyPolicyArn")
        return (
            f"AWS denies {error.operation_name}: {said}. Next: attach the policy in the output {policy} of Seatrial's "
            "stack to your role"
        )
    if _code(error) in _EXPIRED:
        return f"AWS does not accept the credentials: {said}. Next: log in again"
    return f"AWS rejects {error.operation_name} ({_code(error)}): {said}"


def _code(error: Exception) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, errors.ClientError) else ""
