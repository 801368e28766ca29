"""SOAP envelopes of WS-Management: reading a request into a value, writing replies and faults.

Only text in and text out: no shells, no HTTP, no waiting. What Windows refuses in an envelope (a DTD, an unknown action, a
size over the quota) is refused here, always as a ``FaultError`` with the number that Windows gives.
"""

import re
import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
COMMAND_SHELL = SHELL + "/cmd"
ANONYMOUS = ADDRESSING + "/role/anonymous"

ACTIONS = {
    TRANSFER + "/Create": "Create",
    TRANSFER + "/Delete": "Delete",
    TRANSFER + "/Get": "Get",
    SHELL + "/Command": "Command",
    SHELL + "/Send": "Send",
    SHELL + "/Receive": "Receive",
    SHELL + "/Signal": "Signal",
}
_REPLY_ACTIONS = {name: uri + "Response" for uri, name in ACTIONS.items()}

TIMED_OUT = 2150858793
SHELL_NOT_FOUND = 2150858843
TOO_MANY_SHELLS = 2150859173
TOO_MANY_OPERATIONS = 2150859174
COMMAND_NOT_FOUND = 2150859141
INVALID_ACTION = 2150858753
INVALID_BODY = 2150858791
INVALID_PARAMETER = 2150858810
INVALID_RESOURCE = 2150858811
INVALID_XML = 2150858819
ENVELOPE_TOO_LARGE = 2150858824
PIPE_ENDED = 109
ABORTED = 995
INTERNAL = 1359

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_MAX_ENVELOPE_ASKED = 153_600


class FaultError(Exception):
    """What Windows answers when it will not do something: its number, the WS-Management subcode and a sentence."""

    def __init__(self, code: int, subcode: str, text: str, *, sender: bool = True) -> None:
        super().__init__(text)
        self.code, self.subcode, self.text, self.sender = code, subcode, text, sender


@dataclass(frozen=True, slots=True)
class Request:
    """One envelope, understood. ``action`` is the short name (Create, Receive, ..., Identify); ``timeout_seconds`` is what the
    client allows, None when it does not say; ``max_envelope`` is the largest reply that it takes, in bytes."""

    action: str
    message_id: str
    body: ET.Element
    shell_id: str | None = None
    timeout_seconds: float | None = None
    max_envelope: int = _MAX_ENVELOPE_ASKED
    options: dict[str, str] = field(default_factory=dict)


def parse(envelope: bytes) -> Request:
    """Read an envelope. Raises ``FaultError`` for anything that is not a request a Windows host would take."""
    root = _tree(envelope)
    header, body = root.find(f"{{{ENVELOPE}}}Header"), root.find(f"{{{ENVELOPE}}}Body")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or body is None:
        raise FaultError(INVALID_BODY, "w:SchemaValidationError", "The request does not have a valid SOAP envelope and body.")
    if body.find(f"{{{IDENTITY}}}Identify") is not None:
        return Request("Identify", "", body)
    if header is None:
        raise FaultError(INVALID_BODY, "w:SchemaValidationError", "The request has no SOAP header.")
    return _request(header, body)


def duration_seconds(text: str) -> float:
    """Seconds of an ISO 8601 duration such as PT20S. Raises ``FaultError`` where it is none."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise FaultError(INVALID_PARAMETER, "w:InvalidParameter", "A duration in the request is not valid.")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def reply(request: Request, body: str) -> bytes:
    """Write the reply to a request around a body that is already XML. ``RelatesTo`` echoes the client's MessageID."""
    return _envelope(_REPLY_ACTIONS[request.action], request.message_id, body)


def identify_reply(os_version: str) -> bytes:
    """Write the reply to Identify, which has no addressing headers."""
    product = (
        f"<i:ProtocolVersion>{WSMAN}</i:ProtocolVersion><i:ProductVendor>Microsoft Corporation</i:ProductVendor>"
        f"<i:ProductVersion>OS: {escape(os_version)} SP: 0.0 Stack: 3.0</i:ProductVersion>"
    )
    identity = f"<i:IdentifyResponse xmlns:i={quoteattr(IDENTITY)}>{product}</i:IdentifyResponse>"
    return f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Header/><s:Body>{identity}</s:Body></s:Envelope>'.encode()


def fault_reply(fault: FaultError, message_id: str, machine: str) -> bytes:
    """Write a SOAP fault as Windows does, with the number in ``WSManFault/@Code``."""
    side = "s:Sender" if fault.sender else "s:Receiver"
    text = escape(fault.text)
    detail = f'<f:WSManFault xmlns:f="{FAULT}" Code="{fault.code}" Machine={quoteattr(machine)}><f:Message>{text}</f:Message>'
    body = (
        f"<s:Fault><s:Code><s:Value>{side}</s:Value><s:Subcode><s:Value>{fault.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason>'
        f"<s:Detail>{detail}</f:WSManFault></s:Detail></s:Fault>"
    )
    return _envelope("http://schemas.dmtf.org/wbem/wsman/1/wsman/fault", message_id, body)


def text_of(element: ET.Element | None) -> str:
    """The text of an element, stripped; empty when there is none."""
    return (element.text or "").strip() if element is not None else ""


def _tree(envelope: bytes) -> ET.Element:
    """Parse, refusing DTDs before the parser sees them: entities are how XML is turned against its reader."""
    try:
        text = envelope.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise FaultError(INVALID_XML, "w:SchemaValidationError", "The request contains a document type definition.")
        return ET.fromstring(text)
    except (UnicodeDecodeError, ET.ParseError):
        raise FaultError(INVALID_XML, "w:SchemaValidationError", "The request is not well-formed XML in UTF-8.") from None


def _request(header: ET.Element, body: ET.Element) -> Request:
    uri = text_of(header.find(f"{{{ADDRESSING}}}Action"))
    if uri not in ACTIONS:
        raise FaultError(INVALID_ACTION, "a:ActionNotSupported", "The addressing action of the request is not supported.")
    if text_of(header.find(f"{{{WSMAN}}}ResourceURI")) != COMMAND_SHELL:
        raise FaultError(INVALID_RESOURCE, "a:DestinationUnreachable", "The resource URI of the request is not supported.")
    timeout = text_of(header.find(f"{{{WSMAN}}}OperationTimeout"))
    return Request(
        action=ACTIONS[uri],
        message_id=text_of(header.find(f"{{{ADDRESSING}}}MessageID")),
        body=body,
        shell_id=_named(header, "Selector").get("ShellId"),
        timeout_seconds=duration_seconds(timeout) if timeout else None,
        max_envelope=_size(text_of(header.find(f"{{{WSMAN}}}MaxEnvelopeSize"))),
        options=_named(header, "Option"),
    )


def _named(header: ET.Element, kind: str) -> dict[str, str]:
    """Selectors or options by name: ``<w:Option Name="WINRS_CODEPAGE">65001</w:Option>``."""
    return {element.get("Name", ""): text_of(element) for element in header.iter(f"{{{WSMAN}}}{kind}")}


def _size(text: str) -> int:
    if not text:
        return _MAX_ENVELOPE_ASKED
    if not text.isdecimal() or int(text) < 8192:
        raise FaultError(INVALID_PARAMETER, "w:EncodingLimit", "MaxEnvelopeSize of the request must be 8192 or more.")
    return int(text)


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    related = f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo>" if relates_to else ""
    header = (
        f"<a:Action>{action}</a:Action><a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<a:To>{ANONYMOUS}</a:To>{related}"
    )
    spaces = f'xmlns:s="{ENVELOPE}" xmlns:a="{ADDRESSING}" xmlns:x="{TRANSFER}" xmlns:w="{WSMAN}" xmlns:rsp="{SHELL}"'
    return f'<s:Envelope xml:lang="en-US" {spaces}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>'.encode()
