"""The signed form of an observation: a DSSE envelope (github.com/secure-systems-lab/dsse) with an Ed25519 signature. Pure.

The payload is the observation's canonical JSON, and the signature is over exactly those bytes and their type, so nothing is
parsed before it is known to be genuine, and nothing depends on how JSON is spelled on the way.
"""

import base64
import binascii
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from reconciler.model.document import canonical_json
from reconciler.model.observation import Observation
from reconciler.model.problem import Problem
from reconciler.published.keys import key_id

PAYLOAD_TYPE: Final = "application/vnd.reconciler.observation.v1+json"
CLOCKS_DIFFER: Final = timedelta(minutes=2)  # how far ahead the clock of the publisher may be


class SignatureProblem(Exception):  # noqa: N818 - named after what it carries
    """A signed observation cannot be trusted; ``problem`` says why and what to do."""

    def __init__(self, code: str, finding: str, remedy: str) -> None:
        super().__init__(finding)
        self.problem = Problem(code, finding, remedy, subject="signed observation")


def sealed(observation: Observation, key: Ed25519PrivateKey) -> bytes:
    """Return the envelope as JSON text, ending with a newline."""
    payload = canonical_json(observation.to_json()).encode("ascii")
    signature = key.sign(signed_bytes(PAYLOAD_TYPE, payload))
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode("ascii"),
        "signatures": [{"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode("ascii")}],
    }
    return (json.dumps(envelope) + "\n").encode("ascii")


def opened(content: bytes, keys: Iterable[Ed25519PublicKey], now: datetime, maximum_age: timedelta) -> Observation:
    """Return the observation of an envelope that one of the keys signed and that is young enough; raise SignatureProblem."""
    payload = _genuine_payload(_envelope(content), tuple(keys))
    try:
        observation = Observation.model_validate_json(payload)
    except ValidationError as error:
        finding = f"the signature is right, but the payload is no observation: {error.errors(include_url=False)[0]['msg']}"
        raise SignatureProblem("bad-document", finding, "publish again with this version of reconciler") from None
    _check_age(observation.observed_at, now, maximum_age)
    return observation


def signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """Return what is signed: DSSE's pre-authentication encoding of type and payload, each with its length in front."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def looks_signed(content: bytes) -> bool:
    """Tell whether a file is such an envelope, genuine or not."""
    return b'"payloadType"' in content[:400]


def _envelope(content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or not isinstance(data.get("signatures"), list):
        finding = "this is no signed observation"
        raise SignatureProblem("not-signed", finding, "publish one with: reconciler observe --publish FILE --sign-key KEYFILE")
    if data.get("payloadType") != PAYLOAD_TYPE:
        finding = f"what is signed is of type {str(data.get('payloadType'))[:80]!r}, not {PAYLOAD_TYPE!r}"
        raise SignatureProblem("wrong-payload", finding, "publish an observation with this version of reconciler")
    return data


def _genuine_payload(envelope: dict[str, Any], keys: tuple[Ed25519PublicKey, ...]) -> bytes:
    payload = _bytes(envelope.get("payload"))
    signatures = [one for one in envelope["signatures"] if isinstance(one, dict)][:10]
    for key in keys:
        for one in signatures:
            try:
                key.verify(_bytes(one.get("sig")), signed_bytes(PAYLOAD_TYPE, payload))
            except InvalidSignature:
                continue
            return payload
    _refuse(signatures, keys)
    raise AssertionError


def _refuse(signatures: list[dict[str, Any]], keys: tuple[Ed25519PublicKey, ...]) -> None:
    ours = {key_id(key) for key in keys}
    theirs = [str(one.get("keyid"))[:80] for one in signatures]
    if ours & set(theirs):
        finding = "the signature does not fit the content: it was changed after it was signed"
        raise SignatureProblem("tampered", finding, "do not use it; publish again, and find out who changed it")
    finding = f"it is signed with the key {', '.join(theirs) or 'of nobody'}, not with {', '.join(sorted(ours))}"
    raise SignatureProblem("wrong-key", finding, "give --verify-key the public key of whoever publishes")


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise SignatureProblem("not-signed", "the envelope is not base64", "publish the observation again") from None


def _check_age(observed_at: datetime, now: datetime, maximum_age: timedelta) -> None:
    age = now - observed_at
    if age > maximum_age:
        finding = f"it was observed {observed_at:%Y-%m-%d %H:%M:%SZ}, {_minutes(age)} ago; {_minutes(maximum_age)} are allowed"
        raise SignatureProblem("too-old", finding, "see why nothing newer is published, or raise --maximum-age")
    if -age > CLOCKS_DIFFER:
        finding = f"it claims to be of {observed_at:%Y-%m-%d %H:%M:%SZ}, {_minutes(-age)} from now"
        raise SignatureProblem("from-the-future", finding, "set the clocks of this machine and of the publisher right")


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:,.0f} min" if span >= timedelta(minutes=2) else f"{span.total_seconds():.0f} s"
