"""The two envelopes of a warm call, Send and Receive, written as text and read without detours.

pywinrm makes and checks them piece by piece, which was a third of the client's time. All other envelopes are still its own.
"""

import base64
import binascii
import uuid
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from reconciler.hosts.winrm.frame import FrameError

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
MAXIMUM_ENVELOPE = 153_600
_ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>\n<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    f'xmlns:a="{ADDRESSING}" xmlns:w="{WSMAN}" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd" xmlns:r="{SHELL}">'
    "<s:Header><a:To>http://windows-host:5985/wsman</a:To>"
    '<a:ReplyTo><a:Address s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address>'
    f'</a:ReplyTo><w:MaxEnvelopeSize s:mustUnderstand="true">{MAXIMUM_ENVELOPE}</w:MaxEnvelopeSize>'
    "<a:MessageID>uuid:{message}</a:MessageID>"
    '<w:Locale s:mustUnderstand="false" xml:lang="en-US"/><p:DataLocale s:mustUnderstand="false" xml:lang="en-US"/>'
    "<w:OperationTimeout>PT{seconds}S</w:OperationTimeout>"
    f'<w:ResourceURI s:mustUnderstand="true">{SHELL}/cmd</w:ResourceURI>'
    f'<a:Action s:mustUnderstand="true">{SHELL}/{{action}}</a:Action>'
    '<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet></s:Header>'
    "<s:Body>{body}</s:Body></s:Envelope>"
)


def send_envelope(shell: str, command: str, data: bytes, seconds: int, *, last: bool) -> str:
    """Return the request that sends a piece of standard input."""
    text = base64.b64encode(data).decode("ascii")
    end = "true" if last else "false"
    stream = f'<r:Stream CommandId={quoteattr(command)} Name="stdin" End="{end}">{text}</r:Stream>'
    return _envelope("Send", shell, seconds, f"<r:Send>{stream}</r:Send>")


def receive_envelope(shell: str, command: str, seconds: int) -> str:
    """Return the request for the next output."""
    stream = f"<r:DesiredStream CommandId={quoteattr(command)}>stdout stderr</r:DesiredStream>"
    return _envelope("Receive", shell, seconds, f"<r:Receive>{stream}</r:Receive>")


def _envelope(action: str, shell: str, seconds: int, body: str) -> str:
    return _ENVELOPE.format(message=str(uuid.uuid4()).upper(), seconds=seconds, action=action, shell=escape(shell), body=body)


def read_output(answer: bytes) -> tuple[bytes, bool]:
    """Return the standard output in an answer to Receive, and whether the command has ended; FrameError where it is none."""
    try:
        root = ET.fromstring(answer)
        pieces = [base64.b64decode(one.text or "") for one in root.iter(f"{{{SHELL}}}Stream") if one.get("Name") == "stdout"]
    except (ET.ParseError, binascii.Error):
        raise FrameError("the answer is no envelope with output") from None
    if next(root.iter(f"{{{SHELL}}}ReceiveResponse"), None) is None:
        raise FrameError("the answer is no envelope with output")
    states = [one.get("State", "") for one in root.iter(f"{{{SHELL}}}CommandState")]
    return b"".join(pieces), any(state.endswith("CommandState/Done") for state in states)
