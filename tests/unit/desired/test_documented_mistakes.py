"""The mistakes that docs/desired-state.md speaks of, each with the whole message that a person reads."""

import pytest

from reconciler.desired import SourceFile, load_desired


def doc(kind: str, name: str, spec: str = "{}", labels: str = "") -> str:
    metadata = f"{{name: {name}, labels: {{{labels}}}}}" if labels else f"{{name: {name}}}"
    return f"---\napiVersion: reconciler/v1\nkind: {kind}\nmetadata: {metadata}\nspec: {spec}\n"


def host(name: str, spec: str = "{}", labels: str = "") -> str:
    return doc("Host", name, spec, labels)


def vm(name: str, spec: str = "{}") -> str:
    return doc("VirtualMachine", name, spec)


def apart(names: str, kind: str = "antiAffinity", topology: str = "host") -> str:
    return doc("PlacementRule", "r", f"{{type: {kind}, virtualMachines: {{names: [{names}]}}, topology: {topology}}}")


H1_AND_H2 = host("h1") + host("h2")

MISTAKES = {
    "a field misspelled": (
        vm("web", "{placment: {host: h1}}"),
        "a.yaml:5:8: unknown-field: spec has no field placment — did you mean placement?",
    ),
    "a value misspelled": (
        host("h1", "{migration: {performanceOption: Compresion}}"),
        "a.yaml:5:39: wrong-value: spec.migration.performanceOption is 'Compresion' — "
        "did you mean Compression? Allowed are TCPIP, Compression, SMB",
    ),
    "a kind misspelled": (
        doc("VirtualMashine", "web"),
        "a.yaml:3:7: unknown-kind: the kind 'VirtualMashine' is not known — did you mean VirtualMachine?",
    ),
    "another version": (
        host("h1").replace("/v1", "/v2"),
        "a.yaml:2:13: unknown-version: apiVersion is 'reconciler/v2' — write apiVersion: reconciler/v1",
    ),
    "a list for a document": (
        "- h1\n",
        "a.yaml:1:1: wrong-type: the document is a list, not a mapping — begin it with apiVersion, kind, metadata and spec",
    ),
    "a unit in a number": (
        host("h1", "{reserve: {memoryMiB: 4 GiB}}"),
        "a.yaml:5:29: wrong-type: spec.reserve.memoryMiB is '4 GiB', not a whole number — "
        "give a whole number: memory in MiB that arriving machines must leave free for the host itself",
    ),
    "no for false": (
        host("h1", "{migration: {enabled: no}}"),
        "a.yaml:5:29: wrong-type: spec.migration.enabled is 'no', not true or false — write false: in YAML 1.2 no is text",
    ),
    "a line left unfinished": (
        host("h1", "{address: }"),
        "a.yaml:5:17: wrong-type: spec.address is empty (null), not text — "
        "give a value, or remove the line: a field that is not given is not managed",
    ),
    "a number for a label": (
        host("h1", labels="rack: 01"),
        "a.yaml:4:37: wrong-type: metadata.labels.rack is the number 1, not text — put it in quotes",
    ),
    "a field forgotten": (
        vm("web", "{hold: {reason: vendor visit}}"),
        "a.yaml:5:8: missing-field: spec.hold has no owner — add owner: whom to ask",
    ),
    "a port in an address": (
        host("h1", "{address: 'https://h1:5986'}"),
        "a.yaml:5:17: wrong-value: spec.address is 'https://h1:5986' — "
        "give a host name such as standalone1.contoso.com, without scheme or port",
    ),
    "no percent sign": (
        doc("Policy", "default", "{guardrails: {maximumShareOfVirtualMachines: 30}}"),
        "a.yaml:5:52: wrong-type: spec.guardrails.maximumShareOfVirtualMachines is the number 30, not text — "
        "give a percentage from 0% to 100%, such as 30%",
    ),
    "a merge key": (
        host("h1", "{storage: &s {locations: [D:\\]}, migration: {<<: *s}}"),
        "a.yaml:5:52: unknown-field: spec.migration has no field << — "
        "YAML 1.2 has no merge keys: put shared host settings into a HostGroup's defaults",
    ),
    "double quotes that make a tab": (
        vm("web", '{storage: {path: "D:\\temp"}}'),
        "a.yaml:5:24: control-character: spec.storage.path holds a tab: in double quotes YAML reads a backslash "
        "as the start of an escape — use single quotes: 'D:\\temp'",
    ),
    "double quotes that make no sense": (
        vm("web", '{storage: {path: "D:\\VMs"}}'),
        "a.yaml:5:27: syntax-error: found unknown escape character — "
        "put Windows paths in single quotes or none: '\\\\fileserver1.contoso.com\\smbshare'",
    ),
    "a key twice": (
        vm("web", "\n  drift: report\n  drift: ignore"),
        "a.yaml:7:3: duplicate-key: the key drift stands twice in one mapping; the first is on line 6 — keep one of them",
    ),
    "a host that is not there": (
        host("StandAlone1") + vm("web", "{placement: {host: StandAlon1}}"),
        "a.yaml:10:26: unknown-host: spec.placement.host names the host StandAlon1, but there is no Host of that name — "
        "did you mean StandAlone1?",
    ),
    "a cluster that is not there": (
        host("h1", "{cluster: Cluster1}"),
        "a.yaml:5:17: unknown-cluster: spec.cluster names the cluster Cluster1, but there is no Cluster of that name — "
        "add a Cluster document named Cluster1, or mend the name",
    ),
    "a storage location that is not there": (
        doc("StorageLocation", "shared", "{path: 'D:\\VMs'}") + host("h1", "{storage: {locations: [shard]}}"),
        "a.yaml:10:30: unknown-storage-location: spec.storage.locations[0] names the storage location shard, but there is no "
        "StorageLocation of that name — did you mean shared?",
    ),
    "a machine that is not there": (
        vm("web1") + apart("web1, wep1"),
        "a.yaml:10:60: unmanaged-machine: spec.virtualMachines.names[1] names wep1, which is not a managed machine: it counts "
        "where it is and never moves — did you mean web1?",
    ),
    "two placements": (
        host("h1") + vm("web", "{placement: {host: h1, hosts: [h1]}}"),
        "a.yaml:10:30: two-placements: spec.placement says where in 2 ways: host, hosts — keep one of them",
    ),
    "a placement that says nothing": (
        vm("web", "{placement: {prefer: []}}"),
        "a.yaml:5:19: no-placement: spec.placement does not say where — "
        "give one of host, hosts, hostGroup, cluster, hostSelector, or remove placement",
    ),
    "a short server name": (
        doc("StorageLocation", "shared", "{path: '\\\\fileserver1\\smbshare'}"),
        "a.yaml:5:14: smb-path-without-fqdn: spec.path is '\\\\fileserver1\\smbshare', which names its server without a "
        "domain — use the FQDN, for example \\\\fileserver1.contoso.com\\smbshare",
    ),
    "a short server name beside its FQDN": (
        doc("StorageLocation", "shared", "{path: '\\\\fs\\vms'}")
        + vm("web", "{storage: {path: \\\\fs.contoso.com\\vms\\web}}"),
        "a.yaml:5:14: short-server-name: spec.path is '\\\\fs\\vms', but elsewhere the server is named fs.contoso.com: Hyper-V "
        "takes these for two servers — write \\\\fs.contoso.com\\vms",
    ),
    "a server by its address": (
        doc("StorageLocation", "shared", "{path: '\\\\10.0.0.5\\vms'}"),
        "a.yaml:5:14: smb-path-without-fqdn: spec.path is '\\\\10.0.0.5\\vms', which names its server without a "
        "domain — use the FQDN, for example \\\\fileserver1.contoso.com\\smbshare",
    ),
    "a path that is not absolute": (
        doc("StorageLocation", "shared", "{path: VMs}"),
        "a.yaml:5:14: wrong-value: spec.path is 'VMs' — "
        "give an absolute Windows path, such as D:\\Hyper-V or \\\\fileserver1.contoso.com\\smbshare",
    ),
    "a path that climbs": (
        vm("web", "{storage: {path: 'D:\\VMs\\..\\web'}}"),
        "a.yaml:5:24: relative-path: spec.storage.path is 'D:\\VMs\\..\\web', with a step that depends on another folder — "
        "write the folder out",
    ),
    "the root of a share": (
        vm("web", "{storage: {path: '\\\\fs.contoso.com\\vms'}}"),
        "a.yaml:5:24: root-folder: spec.storage.path is '\\\\fs.contoso.com\\vms', the root of a share: files of several "
        "machines would mix there — give the machine a folder of its own, such as \\\\fs.contoso.com\\vms\\web",
    ),
    "a disk listed twice": (
        vm("web", "{storage: {disks: [{file: a.vhdx, path: 'D:\\a'}, {file: A.vhdx, path: 'D:\\b'}]}}"),
        "a.yaml:5:63: duplicate-disk: spec.storage.disks[1].file lists A.vhdx a second time — keep one folder for each disk",
    ),
    "a folder in a disk's file name": (
        vm("web", "{storage: {disks: [{file: 'D:\\a.vhdx', path: 'D:\\a'}]}}"),
        "a.yaml:5:33: wrong-value: spec.storage.disks[0].file is 'D:\\a.vhdx' — "
        "give the file name alone, such as data.vhdx; the folder goes into path",
    ),
    "a pin to a host in maintenance": (
        host("h1", "{maintenance: true}") + vm("web", "{placement: {host: h1}}"),
        "a.yaml:10:20: pinned-to-maintenance: web may only run on h1, which is in maintenance — "
        "allow another host, or end the maintenance",
    ),
    "mates pinned together": (
        host("h1") + vm("a", "{placement: {host: h1}}") + vm("b", "{placement: {host: h1}}") + apart("a, b"),
        "a.yaml:20:28: mates-pinned-together: the rule r wants a, b apart, but their placements pin them all to host h1 — "
        "allow other hosts to all but one of them, or relax the rule",
    ),
    "more mates than hosts": (
        H1_AND_H2 + "".join(vm(name, "{placement: {hosts: [h1, h2]}}") for name in "abc") + apart("a, b, c"),
        "a.yaml:30:28: too-many-mates: the rule r wants 3 machines apart, but their placements allow only 2 hosts — "
        "allow more, or relax the rule",
    ),
    "mates pinned apart": (
        H1_AND_H2 + vm("a", "{placement: {host: h1}}") + vm("b", "{placement: {host: h2}}") + apart("a, b", "affinity"),
        "a.yaml:25:24: mates-pinned-apart: the rule r wants a, b together, but no host is allowed to all of them — "
        "let their placements share one, or relax the rule",
    ),
    "a topology that no host has": (
        host("h1", labels="rack: r1") + vm("a") + apart("a", topology="rak"),
        "a.yaml:15:59: unknown-topology: the rule r is about rak, but no host has that label — did you mean rack?",
    ),
    "labels that nobody carries": (
        host("h1") + vm("web", "{placement: {hostSelector: {matchLabels: {gpu: 'yes'}}}}"),
        "a.yaml:10:20: no-host-matches: web is placed by hostSelector, but no host belongs to it — "
        "mend the placement, or the hosts' labels and groups",
    ),
    "host groups in a circle": (
        doc("HostGroup", "a", "{parent: b}") + doc("HostGroup", "b", "{parent: a}"),
        "a.yaml:5:16: host-group-cycle: host groups lie in each other: a in b in a — give one of them another parent, or none",
    ),
    "a name twice": (
        vm("web") + vm("WEB"),
        "a.yaml:9:18: duplicate-name: there is a second VirtualMachine named WEB; the first is at a.yaml:2 — give each a name "
        "of its own; for machines of one name give spec.id and let metadata.name differ",
    ),
    "an id twice": (
        vm("a", "{id: 1a2b3c4d-0000-0000-0000-000000000001}") + vm("b", "{id: 1A2B3C4D-0000-0000-0000-000000000001}"),
        "a.yaml:10:12: duplicate-id: spec.id 1a2b3c4d-0000-0000-0000-000000000001 is also the id of a — "
        "give each machine its own VMId, or remove one document",
    ),
    "one address for two hosts": (
        host("h1", "{address: h.contoso.com}") + host("h2", "{address: H.contoso.com}"),
        "a.yaml:10:17: duplicate-address: the address H.contoso.com is also that of h1 — give each host its own address",
    ),
    "high availability on a stand-alone host": (
        host("h1") + vm("web", "{placement: {host: h1}, highAvailability: true}"),
        "a.yaml:10:31: high-availability-outside-cluster: web asks for high availability, but may run on h1, in no cluster — "
        "place it in a cluster, or set highAvailability to false",
    ),
    "a Windows time zone": (
        doc("Policy", "p", "{windows: [{days: [Sat], start: 22:00, end: 06:00, timeZone: W. Europe Standard Time}]}"),
        "a.yaml:5:68: unknown-time-zone: spec.windows[0].timeZone is 'W. Europe Standard Time', which is not a time zone — "
        "give an IANA time zone such as Europe/Berlin",
    ),
    "a time zone misspelled": (
        doc("Policy", "p", "{windows: [{days: [Sat], start: 22:00, end: 06:00, timeZone: Europe/Berln}]}"),
        "a.yaml:5:68: unknown-time-zone: spec.windows[0].timeZone is 'Europe/Berln', which is not a time zone — "
        "did you mean Europe/Berlin?",
    ),
    "a time with one digit": (
        doc("Policy", "p", "{windows: [{days: [Sat], start: 22:00, end: 6:00, timeZone: UTC}]}"),
        "a.yaml:5:51: wrong-value: spec.windows[0].end is '6:00' — give a time such as '06:00'",
    ),
    "a window that never opens": (
        doc("Policy", "p", "{windows: [{days: [Sat], start: 22:00, end: 22:00, timeZone: UTC}]}"),
        "a.yaml:5:51: empty-window: spec.windows[0] ends when it starts, so it never opens — "
        "give different times; for whole days use 00:00 and 23:59",
    ),
    "a day that is not in the calendar": (
        vm("web", "{hold: {reason: visit, owner: ops, until: 2026-13-01T00:00:00Z}}"),
        "a.yaml:5:49: bad-time: spec.hold.until is '2026-13-01T00:00:00Z', which is not in the calendar — "
        "give a time such as 2026-12-01T00:00:00Z",
    ),
    "an address for a network": (
        host("h1", "{migration: {networks: [10.0.10.5/24]}}"),
        "a.yaml:5:31: bad-network: spec.migration.networks[0] is '10.0.10.5/24', which is not a network — "
        "give the network's own address and prefix length, such as 10.0.10.0/24",
    ),
    "two policies": (
        doc("Policy", "p") + doc("Policy", "q"),
        "a.yaml:9:18: several-policies: there is a second Policy; the first is p at a.yaml:2 — keep one Policy for the fleet",
    ),
    "nothing at all": (
        "# to do\n",
        "desired state: empty-desired-state: there is no document, so nothing is managed — "
        "add YAML documents, or name the folder that holds them",
    ),
}
WARNINGS = {
    "empty-desired-state",
    "mates-pinned-apart",
    "mates-pinned-together",
    "no-host-matches",
    "pinned-to-maintenance",
    "root-folder",
    "too-many-mates",
    "unknown-topology",
    "unmanaged-machine",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_one_full_sentence_with_its_remedy(mistake: str) -> None:
    """Each mistake gives just one message; only what can still be planned around is a warning."""
    text, message = MISTAKES[mistake]

    loaded = load_desired([SourceFile("a.yaml", text.encode())])

    assert [str(problem) for problem in loaded.problems] == [message]
    assert (loaded.desired is not None) == (loaded.problems[0].code in WARNINGS)


def test_every_problem_of_every_file_is_told_at_once_in_the_order_of_the_files() -> None:
    """A syntax error hides nothing but its own document: not the next document, not the next file."""
    broken = host("h1", "{reserve: {memoryMiB: lots}}") + "---\na: [1\n" + vm("a", "{placement: {host: h9}}")
    files = [SourceFile("z.yaml", vm("b", "{drift: fix}").encode()), SourceFile("b.yaml", broken.encode())]

    problems = load_desired(files).problems

    told = [(str(problem.place), problem.code) for problem in problems]
    assert told == [
        ("b.yaml:5", "wrong-type"),
        ("b.yaml:8", "syntax-error"),
        ("b.yaml:12", "unknown-host"),
        ("z.yaml:5", "wrong-value"),
    ]


def test_a_slip_in_a_host_does_not_make_every_machine_on_it_wrong() -> None:
    """A document of a wrong shape still lends its name to those who refer to it."""
    text = host("h1", "{cordoned: maybe}") + vm("a", "{placement: {host: h1}}") + vm("b", "{placement: {hosts: [h1]}}")

    problems = load_desired([SourceFile("a.yaml", text.encode())]).problems

    assert [problem.code for problem in problems] == ["wrong-type"]
