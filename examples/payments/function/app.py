"""Payments: quotes and refunds behind an HTTP API (payload version 2.0).

GET /health · POST /quotes · POST /refunds · GET /refunds/{id}
"""

import base64
import json
import logging

import customers
import quotes
import refunds
from money import BadRequestError

from seatrial_outcome import outcome

log = logging.getLogger(__name__)


@outcome
def handler(event, context):
    try:
        status, body = answer(event)
    except BadRequestError as mistake:
        status, body = 400, {"error": str(mistake)}
    except Exception:  # as any web framework does: the client gets a 500, and Lambda never hears of an error
        log.exception("request failed")
        status, body = 500, {"error": "something went wrong on our side"}
    headers = {"content-type": "application/json", "x-version": context.function_version}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}


def answer(event):
    """The status and the body for a request."""
    match event["requestContext"]["http"]["method"], event["rawPath"].strip("/").split("/"):
        case "GET", ["health"]:
            return 200, {"status": "ok"}
        case "POST", ["quotes"]:
            return 200, quotes.quote(read(event), customers.of(event))
        case "POST", ["refunds"]:
            return 202, refunds.open_refund(read(event), customers.of(event))
        case "GET", ["refunds", identifier]:
            customers.of(event)
            refund = refunds.find(identifier)
            return (200, refund) if refund else (404, {"error": f"there is no refund {identifier!r}"})
    return 404, {"error": "there is nothing here: try GET /health, POST /quotes, POST /refunds or GET /refunds/{id}"}


def read(event):
    """The body of a request: an object in JSON, its numbers as text, which Decimal reads without loss."""
    text = event.get("body") or ""
    try:
        if event.get("isBase64Encoded"):
            text = base64.b64decode(text).decode()
        body = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise BadRequestError('the body must be JSON, for example {"amount": 12.50, "currency": "EUR"}') from None
    if not isinstance(body, dict):
        raise BadRequestError('the body must be an object, for example {"amount": 12.50, "currency": "EUR"}')
    return body
