"""Rate limits that are fair, and webhooks that only their forge can send, once."""

import hashlib
import hmac

import pytest

from reconciler.api.limits import RateLimit
from reconciler.api.webhooks import Deliveries, delivery_of, is_genuine


def test_a_burst_is_allowed_then_one_in_its_time() -> None:
    rate = RateLimit(per_minute=60)
    waits = [rate.wait("ci", 0.0) for _ in range(16)]

    assert waits[:15] == [0] * 15
    assert waits[15] == pytest.approx(1)
    assert rate.wait("ci", 1.0) == 0


def test_one_caller_takes_nothing_from_another() -> None:
    rate = RateLimit(per_minute=4)
    assert (rate.wait("a", 0), rate.wait("a", 0) > 0, rate.wait("b", 0)) == (0, True, 0)


BODY, SECRET = b'{"ref": "refs/heads/main"}', "s3cret"
SIGNED = "sha256=" + hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("headers", [{"X-Hub-Signature-256": SIGNED}, {"x-gitlab-token": SECRET}])
def test_each_forge_shows_in_its_own_way_that_it_knows_the_secret(headers: dict[str, str]) -> None:
    assert is_genuine(headers, BODY, SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": SIGNED[:-1] + "0"},
        {"X-Hub-Signature-256": "é"},
        {"X-Gitlab-Token": ""},
        {"Authorization": "Basic x"},
    ],
)
def test_who_does_not_know_it_is_refused(headers: dict[str, str]) -> None:
    assert not is_genuine(headers, BODY + b" " * (headers.get("X-Hub-Signature-256") == SIGNED), SECRET)


def test_a_signature_over_another_body_does_not_count() -> None:
    assert not is_genuine({"X-Hub-Signature-256": SIGNED}, BODY + b" ", SECRET)


def test_the_same_delivery_a_second_time_is_a_replay() -> None:
    deliveries = Deliveries()
    one = delivery_of({"X-GitHub-Delivery": "1"}, BODY)

    assert (deliveries.is_new(one), deliveries.is_new(one), deliveries.is_new("2")) == (True, False, True)
