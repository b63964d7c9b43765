"""A service is found by each name that people have for it; a name that fits none or several is an error."""

from __future__ import annotations

import pytest

from seatrial.core.service_names import Known, ServiceError, resolve

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:"
BOOKINGS = Known(
    "travel-BookingsFunction-1A2B", frozenset({"live", "beta"}), f"{ARN}travel-BookingsFunction-1A2B", "travel",
    "BookingsFunction", frozenset({"released", "bookings"}),
)  # fmt: skip
FEES = Known("travel-Fees-9Z", frozenset(), f"{ARN}travel-Fees-9Z", "travel", "Fees", frozenset({"released"}))
PAYMENTS = Known("payments", frozenset({"live"}), f"{ARN}payments")
KNOWN = (BOOKINGS, FEES, PAYMENTS)


@pytest.mark.parametrize(
    ("written", "service"),
    [
        ("payments", "payments"),
        ("payments:live", "payments:live"),
        (f"{ARN}payments", "payments"),
        (f"{ARN}payments:live", "payments:live"),
        ("bookings", BOOKINGS.function),
        ("bookings:beta", f"{BOOKINGS.function}:beta"),
        ("travel/BookingsFunction", BOOKINGS.function),
        ("BookingsFunction", BOOKINGS.function),
        ("Fees:any", f"{FEES.function}:any"),
        ("travel-Book", BOOKINGS.function),
        ("pay", "payments"),
        ("book", BOOKINGS.function),
    ],
    ids=["function", "alias", "ARN", "ARN of an alias", "tag", "tag and alias", "stack and logical id", "logical id",
         "an alias without a release yet", "prefix", "short prefix", "prefix of the logical id"],
)  # fmt: skip
def test_service_is_found_by(written: str, service: str) -> None:
    assert resolve(written, KNOWN) == service


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("bokings", "no service has the name 'bokings'. Did you mean 'travel-BookingsFunction-1A2B'?"),
        ("paymets:live", "no service has the name 'paymets:live'. Did you mean 'payments'?"),
        ("payments:liv", "payments has no alias 'liv' with a release. Did you mean 'live'?"),
        ("zzz", "no service has the name 'zzz'. Services: payments, travel-BookingsFunction-1A2B, travel-Fees-9Z"),
        ("travel", "'travel' names 2 services: travel-BookingsFunction-1A2B, travel-Fees-9Z. Next: name one of them"),
        (
            "released",
            "'released' names 2 services: travel-BookingsFunction-1A2B, travel-Fees-9Z. Next: name one of them",
        ),
        (f"{ARN}other", f"no service has the name '{ARN}other'."),
        ("", "no service has the name ''."),
    ],
)
def test_unknown_or_ambiguous_name_is_an_error(written: str, sentence: str) -> None:
    with pytest.raises(ServiceError) as error:
        resolve(written, KNOWN)
    assert str(error.value).startswith(sentence)


def test_an_exact_name_wins_over_those_that_begin_with_it() -> None:
    assert resolve("payments", (PAYMENTS, Known("payments-old"))) == "payments"


def test_an_account_without_services_says_so() -> None:
    with pytest.raises(ServiceError, match="no function carries the tag"):
        resolve("payments", ())


def test_functions_of_seatrials_own_are_named_last() -> None:
    own = Known("board", tags=frozenset({"self"}))
    with pytest.raises(ServiceError, match="Services: payments, travel-Fees-9Z, board"):
        resolve("zzz", (own, PAYMENTS, FEES))
