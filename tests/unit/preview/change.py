"""A change of a small fleet in YAML, for tests of previews: base and head as files, and the fleet they are planned against."""

from datetime import UTC, datetime

from reconciler.desired import SourceFile
from reconciler.model.observation import Observation
from reconciler.model.preview import Preview
from reconciler.preview import Revision, make_preview
from tests.builders import OBSERVED_AT, a_fleet, a_host, a_vm

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday


def document(kind: str, name: str, spec: str) -> str:
    return f"apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def vm(name: str, host: str, more: str = "") -> str:
    return document("VirtualMachine", name, f"{{placement: {{host: {host}}}{more}}}")


def desired(*documents: str, hosts: int = 3) -> list[SourceFile]:
    """Return a file of hosts and a file of the rest."""
    fleet = "---\n".join(document("Host", f"Host{number}", "{}") for number in range(1, hosts + 1))
    return [SourceFile("d/hosts.yaml", fleet.encode()), SourceFile("d/vms.yaml", "---\n".join(documents).encode())]


def fleet() -> Observation:
    """Three hosts; vm1 and vm2 run on Host1, vm3 on Host2."""
    return a_fleet(a_host("Host1", a_vm("vm1"), a_vm("vm2")), a_host("Host2", a_vm("vm3")), a_host("Host3"))


def preview(
    base: list[SourceFile], head: list[SourceFile], observation: Observation | None = None, now: datetime = NOW
) -> Preview:
    made, _ = make_preview(
        Revision.of("main", "a" * 40, base), Revision.of("change", "b" * 40, head), observation or fleet(), now
    )
    return made


__all__ = ["NOW", "OBSERVED_AT", "desired", "document", "fleet", "preview", "vm"]
