"""From the answers of Get-Diagnosis and Get-Echo to values. Pure; what is missing or odd is unknown, and named."""

from typing import Any

from reconciler.hosts.port import Echoed
from reconciler.hosts.winrm.facts import Facts, as_object
from reconciler.model.diagnosis import Delegation, HostDiagnosis, PortTest, Quotas, ShareTest

# Of userAccountControl: trusted to authenticate for delegation, "use any authentication protocol".
TRUSTED_TO_AUTHENTICATE = 0x1000000


def decode_diagnosis(result: Any) -> HostDiagnosis:
    """Return what a host told of its set-up; FrameError where the answer has another shape."""
    whole = Facts(as_object(result, "the diagnosis"))
    raw = whole.raw
    return HostDiagnosis(
        power_shell=whole.text("powerShell"),
        domain="" if raw.get("domain") == "" else whole.text("domain"),
        credential_guard=whole.flag("credentialGuard"),
        forests=whole.texts("forests") if "forests" in raw else None,
        processors=whole.texts("processors") if "processors" in raw else None,
        hyper_v_modules=whole.texts("hyperVModules"),
        quotas=_quotas(whole.part("quotas")) if raw.get("quotas") else None,
        delegation=_delegation(whole.part("delegation")) if raw.get("delegation") else None,
        ports=tuple(
            PortTest(address=part.text("address") or "", open=part.flag("open")) for part in whole.parts("ports") or ()
        ),
        shares=tuple(
            ShareTest(path=part.text("path") or "", reachable=part.flag("reachable")) for part in whole.parts("shares") or ()
        ),
        time=whole.text("time"),
        problems=(*(whole.texts("problems") or ()), *whole.problems),
    )


def decode_echo(result: Any) -> Echoed:
    """Return what came back of an echo; FrameError where the answer has another shape."""
    whole = Facts(as_object(result, "the echo"))
    parts = whole.parts("texts") or []
    texts = tuple(str(part.raw.get("text", "")) for part in parts)
    return Echoed(texts, tuple(part.number("length") or 0 for part in parts), len(whole.text("filler") or ""))


def _quotas(part: Facts) -> Quotas:
    return Quotas(
        shells_per_user=part.number("shellsPerUser"),
        processes_per_shell=part.number("processesPerShell"),
        memory_per_shell_mb=part.number("memoryPerShellMB"),
        operations_per_user=part.number("operationsPerUser"),
    )


def _delegation(part: Facts) -> Delegation:
    flags = part.number("userAccountControl") or 0
    return Delegation(services=part.texts("services") or (), any_protocol=bool(flags & TRUSTED_TO_AUTHENTICATE))
