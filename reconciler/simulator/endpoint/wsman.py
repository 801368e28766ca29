"""The remote shell service of one host: shells, commands, input, output, and the quotas by which Windows refuses.

Requests and replies are values; sockets and logon are the server's business. Everything here runs on one event loop, and
only the commands themselves run elsewhere (an executor), so that no host can hold up another. Deliberately no kinder than
Windows: what it counts is counted, what it forgets is forgotten.
"""

import asyncio
import base64
import binascii
import uuid
import xml.etree.ElementTree as ET
from concurrent.futures import Executor
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from reconciler.clock import Clock
from reconciler.simulator.endpoint import soap
from reconciler.simulator.endpoint.command import Command
from reconciler.simulator.endpoint.faults import Faults, FaultSwitch
from reconciler.simulator.endpoint.programs import CommandResult, LostReplyError, Program
from reconciler.simulator.endpoint.soap import SHELL, FaultError, Request, text_of

CTRL_C_EXIT_CODE = 0xC000013A
_REPLY_OVERHEAD = 4096  # headers and tags of a Receive reply, generously
_TOO_LONG = b"The command line is too long.\r\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """Quotas of the service, as Windows Server sets them out of the box. Sizes in bytes, times in seconds.

    ``operations_per_user`` counts commands and is given back only by deleting their shell, never by Signal.
    """

    shells_per_user: int = 30
    operations_per_user: int = 1500
    envelope_bytes: int = 512_000
    operation_timeout_seconds: float = 60.0
    idle_timeout_seconds: float = 7200.0
    command_line_characters: int = 8191


@dataclass(slots=True)
class _Shell:
    """One shell: whose, how long it may idle, its commands, and how many operations it has used up."""

    id: str
    owner: str
    idle_timeout_seconds: float
    last_used: float
    created: float
    environment: dict[str, str]
    codepage: str
    commands: dict[str, Command] = field(default_factory=dict)
    operations: int = 0
    in_use: int = 0


class Service:
    """The WS-Management service of one host. One event loop only; give it the requests in any order."""

    def __init__(self, host_name: str, program: Program, clock: Clock, limits: Limits, faults: FaultSwitch) -> None:
        self._host_name, self._program, self._clock, self._limits, self._faults = host_name, program, clock, limits, faults
        self._shells: dict[str, _Shell] = {}
        self._killed: list[Command] = []
        self.executor: Executor | None = None
        self._handlers = {
            "Create": self._create,
            "Command": self._command,
            "Send": self._send,
            "Signal": self._signal,
            "Delete": self._delete,
            "Get": self._get,
        }

    async def answer(self, request: Request, user: str, faults: Faults) -> tuple[int, bytes]:
        """Carry out a user's request. Returns HTTP status and envelope; raises ``LostReplyError`` to have neither."""
        try:
            self._forget_idle_shells()
            if request.action == "Receive":
                return 200, await self._receive(request, user, faults.stuck_receive)
            return 200, self._handlers[request.action](request, user)
        except FaultError as fault:
            return 500, self.fault(fault, request.message_id)

    def fault(self, fault: FaultError, message_id: str = "") -> bytes:
        """The envelope of a fault of this host."""
        return soap.fault_reply(fault, message_id, self._host_name)

    def forget_shells(self) -> None:
        """Lose every shell, as a restarted host has."""
        for shell_id in list(self._shells):
            self._drop_shell(shell_id)

    @property
    def shell_count(self) -> int:
        """How many shells exist."""
        return len(self._shells)

    async def close(self) -> None:
        """Abort what waits and drop what is held."""
        self.forget_shells()
        for command in self._killed:
            await asyncio.to_thread(command.wait)
        self._killed.clear()

    # Shells

    def _create(self, request: Request, user: str) -> bytes:
        wanted = request.body.find(f"{{{SHELL}}}Shell")
        if wanted is None:
            raise FaultError(soap.INVALID_BODY, "w:SchemaValidationError", "The request describes no shell.")
        if sum(shell.owner == user for shell in self._shells.values()) >= self._limits.shells_per_user:
            raise FaultError(
                soap.TOO_MANY_SHELLS,
                "w:QuotaLimit",
                "The maximum number of concurrent shells for this user has been exceeded. Close existing shells, "
                "or raise the quota for this user.",
            )
        shell = self._new_shell(wanted, request, user)
        self._shells[shell.id] = shell
        selector = f'<w:SelectorSet><w:Selector Name="ShellId">{escape(shell.id)}</w:Selector></w:SelectorSet>'
        reference = f"<w:ResourceURI>{soap.COMMAND_SHELL}</w:ResourceURI>{selector}"
        created = (
            f"<x:ResourceCreated><a:Address>{soap.ANONYMOUS}</a:Address>"
            f"<a:ReferenceParameters>{reference}</a:ReferenceParameters></x:ResourceCreated>"
        )
        return soap.reply(request, created + self._described(shell))

    def _new_shell(self, wanted: ET.Element, request: Request, user: str) -> _Shell:
        idle = text_of(wanted.find(f"{{{SHELL}}}IdleTimeOut")) or text_of(wanted.find(f"{{{SHELL}}}IdleTimeout"))
        shell_id = wanted.get("ShellId") or _new_id()
        if shell_id in self._shells:
            raise FaultError(soap.INVALID_PARAMETER, "w:AlreadyExists", "A shell with this ShellId exists already.")
        now = self._now()
        return _Shell(
            id=shell_id,
            owner=user,
            idle_timeout_seconds=soap.duration_seconds(idle) if idle else self._limits.idle_timeout_seconds,
            last_used=now,
            created=now,
            environment={v.get("Name", ""): v.text or "" for v in wanted.iter(f"{{{SHELL}}}Variable")},
            codepage=request.options.get("WINRS_CODEPAGE", "437"),
        )

    def _get(self, request: Request, user: str) -> bytes:
        return soap.reply(request, self._described(self._shell(request, user)))

    def _delete(self, request: Request, user: str) -> bytes:
        self._drop_shell(self._shell(request, user).id)
        return soap.reply(request, "")

    def _shell(self, request: Request, user: str) -> _Shell:
        """The shell that a request names; to another user's eyes it does not exist."""
        shell = self._shells.get(request.shell_id or "")
        if shell is None or shell.owner != user:
            raise FaultError(
                soap.SHELL_NOT_FOUND,
                "w:InvalidSelectors",
                f"The request for the shell with ShellId {request.shell_id} failed because the shell was not found.",
            )
        shell.last_used = self._now()
        return shell

    def _drop_shell(self, shell_id: str) -> None:
        for command in self._shells.pop(shell_id).commands.values():
            self._kill(command)

    def _forget_idle_shells(self) -> None:
        """Windows closes a shell nobody has used for its idle time; one with a request under way is in use."""
        now = self._now()
        for shell in list(self._shells.values()):
            if not shell.in_use and now - shell.last_used >= shell.idle_timeout_seconds:
                self._drop_shell(shell.id)

    def _described(self, shell: _Shell) -> str:
        now = self._now()
        return (
            f"<rsp:Shell><rsp:ShellId>{escape(shell.id)}</rsp:ShellId><rsp:ResourceUri>{soap.COMMAND_SHELL}</rsp:ResourceUri>"
            f"<rsp:Owner>{escape(shell.owner)}</rsp:Owner><rsp:ClientIP>127.0.0.1</rsp:ClientIP>"
            f"<rsp:IdleTimeOut>PT{shell.idle_timeout_seconds:.3f}S</rsp:IdleTimeOut>"
            "<rsp:InputStreams>stdin</rsp:InputStreams><rsp:OutputStreams>stdout stderr</rsp:OutputStreams>"
            f"<rsp:ShellRunTime>PT{now - shell.created:.0f}S</rsp:ShellRunTime>"
            f"<rsp:ShellInactivity>PT{now - shell.last_used:.0f}S</rsp:ShellInactivity>"
            "<rsp:State>Connected</rsp:State></rsp:Shell>"
        )

    # Commands

    def _command(self, request: Request, user: str) -> bytes:
        shell = self._shell(request, user)
        wanted = request.body.find(f"{{{SHELL}}}CommandLine")
        if wanted is None:
            raise FaultError(soap.INVALID_BODY, "w:SchemaValidationError", "The request has no command line.")
        self._use_up_operation(shell)
        command = self._new_command(wanted, request)
        if command.id in shell.commands:
            raise FaultError(soap.INVALID_PARAMETER, "w:AlreadyExists", "A command with this CommandId exists already.")
        shell.commands[command.id] = command
        if len(command.line) > self._limits.command_line_characters:
            command.end(CommandResult(stderr=_TOO_LONG, exit_code=1))
        else:
            assert self.executor is not None, "an endpoint is started before it is asked"
            command.process = self._program.start(command.line, command, self.executor)
        body = f"<rsp:CommandResponse><rsp:CommandId>{escape(command.id)}</rsp:CommandId></rsp:CommandResponse>"
        return soap.reply(request, body)

    def _use_up_operation(self, shell: _Shell) -> None:
        """Count the command against its user. Windows never gives these back on Signal; only deleting the shell does."""
        used = sum(other.operations for other in self._shells.values() if other.owner == shell.owner)
        if used >= self._limits.operations_per_user:
            raise FaultError(
                soap.TOO_MANY_OPERATIONS,
                "w:QuotaLimit",
                f"This user is allowed a maximum number of {self._limits.operations_per_user} concurrent operations, "
                "which has been exceeded. Close existing operations for this user, or raise the quota for this user.",
            )
        shell.operations += 1

    def _send(self, request: Request, user: str) -> bytes:
        shell = self._shell(request, user)
        for stream in request.body.iter(f"{{{SHELL}}}Stream"):
            command = _command_of(shell, stream.get("CommandId"))
            if command.input_ended or command.is_over:
                raise FaultError(soap.PIPE_ENDED, "w:InternalError", "The pipe has been ended.", sender=False)
            command.feed(_decoded(stream), ended=stream.get("End", "").lower() in {"true", "1"})
        return soap.reply(request, "<rsp:SendResponse/>")

    def _signal(self, request: Request, user: str) -> bytes:
        shell = self._shell(request, user)
        signal = request.body.find(f"{{{SHELL}}}Signal")
        command = _command_of(shell, signal.get("CommandId") if signal is not None else None)
        code = text_of(signal.find(f"{{{SHELL}}}Code") if signal is not None else None).rpartition("/")[2].casefold()
        if code in {"ctrl_c", "ctrl_break"}:
            command.end(CommandResult(exit_code=CTRL_C_EXIT_CODE))
            self._kill(command)
        elif code == "terminate":
            self._kill(command)
            del shell.commands[command.id]
        else:
            raise FaultError(soap.INVALID_PARAMETER, "w:InvalidParameter", "The signal code is not supported.")
        return soap.reply(request, "<rsp:SignalResponse/>")

    async def _receive(self, request: Request, user: str, stuck: bool) -> bytes:
        shell = self._shell(request, user)
        wanted = request.body.find(f"{{{SHELL}}}Receive/{{{SHELL}}}DesiredStream")
        command = _command_of(shell, wanted.get("CommandId") if wanted is not None else None)
        if not command.piped and not command.has_input:
            command.feed(b"", ended=True)  # nobody has typed anything: a console program that reads no input just runs
        await self._await_output(shell, command, request, stuck)
        if command.aborted:
            raise FaultError(soap.ABORTED, "w:InternalError", "The operation has been aborted.", sender=False)
        if command.forget_lost():
            raise LostReplyError
        return soap.reply(request, self._received(command, request))

    async def _await_output(self, shell: _Shell, command: Command, request: Request, stuck: bool) -> None:
        """Long poll: until there is output, the command has ended, or the time that the client allows is up."""
        asked = request.timeout_seconds or self._limits.operation_timeout_seconds
        patience = min(asked, self._limits.operation_timeout_seconds)
        shell.in_use += 1
        try:
            if stuck:
                await asyncio.sleep(patience)
                raise TimeoutError
            await asyncio.wait_for(command.something.wait(), patience)
        except TimeoutError:
            text = "The operation cannot be completed within the time specified in OperationTimeout."
            raise FaultError(soap.TIMED_OUT, "w:TimedOut", text, sender=False) from None
        finally:
            shell.in_use -= 1
            shell.last_used = self._now()

    def _received(self, command: Command, request: Request) -> str:
        size = min(request.max_envelope, self._limits.envelope_bytes)
        parts = command.take((size - _REPLY_OVERHEAD) * 3 // 4)
        name = quoteattr(command.id)
        streams = [
            f'<rsp:Stream Name="{stream}" CommandId={name}>{base64.b64encode(data).decode()}</rsp:Stream>'
            for stream, data in parts
        ]
        if not command.is_read_out:
            state = f'<rsp:CommandState CommandId={name} State="{SHELL}/CommandState/Running"/>'
        else:
            state = (
                f'<rsp:CommandState CommandId={name} State="{SHELL}/CommandState/Done">'
                f"<rsp:ExitCode>{command.exit_code}</rsp:ExitCode></rsp:CommandState>"
            )
        return f"<rsp:ReceiveResponse>{''.join(streams)}{state}</rsp:ReceiveResponse>"

    def _new_command(self, wanted: ET.Element, request: Request) -> Command:
        words = [wanted.find(f"{{{SHELL}}}Command"), *wanted.findall(f"{{{SHELL}}}Arguments")]
        line = " ".join(text for text in map(text_of, words) if text)
        piped = request.options.get("WINRS_CONSOLEMODE_STDIN", "TRUE").upper() == "FALSE"
        return Command(wanted.get("CommandId") or _new_id(), line, piped, self._faults, asyncio.get_running_loop())

    def _kill(self, command: Command) -> None:
        command.kill()
        self._killed = [one for one in self._killed if one.is_running] + [command]

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _new_id() -> str:
    return str(uuid.uuid4()).upper()


def _command_of(shell: _Shell, command_id: str | None) -> Command:
    command = shell.commands.get(command_id or "")
    if command is None:
        raise FaultError(soap.COMMAND_NOT_FOUND, "w:InvalidSelectors", f"The shell has no command with CommandId {command_id}.")
    return command


def _decoded(stream: ET.Element) -> bytes:
    try:
        return base64.b64decode("".join((stream.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise FaultError(soap.INVALID_PARAMETER, "w:InvalidParameter", "The input is not base64.") from None
