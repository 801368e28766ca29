"""Our two envelopes say what pywinrm's own say, and an answer is read as it reads it."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from winrm.protocol import Protocol

from reconciler.hosts.winrm.envelopes import read_output, receive_envelope, send_envelope
from reconciler.hosts.winrm.frame import FrameError

SHELL, COMMAND = "5A&<B-1", 'C"&1'


class Recording(Protocol):
    """A pywinrm client that notes what it would send."""

    def __init__(self, answer: str = "") -> None:
        super().__init__("http://127.0.0.1:9/wsman", username="u", password="p", operation_timeout_sec=20)
        self.sent, self._answer = list[str](), answer

    def send_message(self, message: str) -> bytes:
        self.sent.append(message)
        return self._answer.encode()


def meaning(envelope: str) -> Any:
    """What an envelope says: names with attributes and texts, without the message's own id and the order of headers."""

    def of(node: ET.Element) -> Any:
        text = "" if node.tag.endswith("MessageID") else (node.text or "").strip()
        children = [of(child) for child in node]
        attributes = sorted(
            (name.rpartition("}")[2], value) for name, value in node.attrib.items()
        )  # pywinrm leaves namespaces out
        return node.tag, attributes, text, sorted(children) if node.tag.endswith("Header") else children

    return of(ET.fromstring(envelope.encode()))


@pytest.mark.parametrize("last", [True, False])
def test_input_is_sent_as_pywinrm_sends_it(last: bool) -> None:
    """The same headers, the same stream, also with characters that XML gives a meaning."""
    pywinrm = Recording()
    pywinrm.send_command_input(SHELL, COMMAND, b"data\xff", end=last)

    ours = meaning(send_envelope(SHELL, COMMAND, b"data\xff", 20, last=last))
    assert without_session(ours) == without_session(meaning(pywinrm.sent[0]))


def test_output_is_asked_for_as_pywinrm_asks_for_it() -> None:
    """The same again for Receive."""
    pywinrm = Recording(answer())
    pywinrm.get_command_output_raw(SHELL, COMMAND)

    assert without_session(meaning(receive_envelope(SHELL, COMMAND, 20))) == without_session(meaning(pywinrm.sent[0]))


def without_session(said: Any) -> Any:
    """Session and operation ids are optional, and of use only where several messages have to be told to belong together."""
    tag, attributes, text, (header, *rest) = said
    kept = [child for child in header[3] if not child[0].endswith(("SessionId", "OperationID", "SequenceId"))]
    return tag, attributes, text, [(*header[:3], kept), *rest]


def answer(state: str = "Running", streams: str = "") -> str:
    ns = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
    return (
        f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:r="{ns}"><s:Header/><s:Body><r:ReceiveResponse>'
        f'{streams}<r:CommandState CommandId="C" State="{ns}/CommandState/{state}"/></r:ReceiveResponse></s:Body></s:Envelope>'
    )


def test_output_is_put_together_and_errors_left_out() -> None:
    """Only standard output counts: what is said on standard error are progress records as much as complaints."""
    streams = (
        '<r:Stream Name="stdout" CommandId="C">YQ==</r:Stream><r:Stream Name="stderr" CommandId="C">eg==</r:Stream>'
        '<r:Stream Name="stdout" CommandId="C">YmM=</r:Stream><r:Stream Name="stdout" CommandId="C" End="true"/>'
    )

    assert read_output(answer("Running", streams).encode()) == (b"abc", False)
    assert read_output(answer("Done").encode()) == (b"", True)


@pytest.mark.parametrize(
    "text", ["", "<html/>", "<a>", answer(streams='<r:Stream Name="stdout" CommandId="C">Y</r:Stream>')], ids=range(4)
)
def test_what_is_no_answer_is_none(text: str) -> None:
    """A page of a proxy, half an envelope, output that is no base64."""
    with pytest.raises(FrameError):
        read_output(text.encode())
