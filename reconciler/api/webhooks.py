"""Webhooks of forges: a push hastens the next look at Git, and does nothing else. Pure.

GitHub signs the body (HMAC-SHA256), GitLab and Azure DevOps send a shared secret. What a webhook says is never believed: the
service fetches and looks for itself, so a forged one could at worst make it look once more.
"""

import base64
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

DELIVERIES_KEPT = 1000


def is_genuine(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Tell whether the sender knows the secret, in any of the three ways; header names are compared without case."""
    given = {name.casefold(): value for name, value in headers.items()}
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    basic = "Basic " + base64.b64encode(f"reconciler:{secret}".encode()).decode("ascii")
    pairs = (("x-hub-signature-256", signature), ("x-gitlab-token", secret), ("authorization", basic))
    return any(hmac.compare_digest(given[name].encode(), right.encode()) for name, right in pairs if name in given)


def delivery_of(headers: Mapping[str, str], body: bytes) -> str:
    """Return what names one delivery: the forge's own id, else a digest of the body."""
    given = {name.casefold(): value for name, value in headers.items()}
    own = given.get("x-github-delivery") or given.get("x-gitlab-event-uuid")
    return own or hashlib.sha256(body).hexdigest()


@dataclass
class Deliveries:
    """The deliveries taken lately; the same one a second time is a replay."""

    _seen: "OrderedDict[str, None]" = field(default_factory=OrderedDict)

    def is_new(self, delivery: str) -> bool:
        """Take a delivery down; tell whether it was not known."""
        if delivery in self._seen:
            return False
        self._seen[delivery] = None
        if len(self._seen) > DELIVERIES_KEPT:
            self._seen.popitem(last=False)
        return True
