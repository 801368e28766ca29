"""Many answers, one observation: our names throughout, partial answers kept, unknown left unknown."""

from datetime import UTC, datetime

from reconciler.hosts.port import Answer, Call, Failure, FailureKind, HostReport, Survey, Target
from reconciler.model.observation import Cluster, Host, Migration, Share, Volume
from reconciler.model.words import HostStatus, MigrationKind
from reconciler.observe import merge_answers

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SHARE = r"\\fileserver1.contoso.com\smbshare"


def an_answer(name: str, report: HostReport | None = None, failure: Failure | None = None) -> Answer:
    return Answer(Call(Target(name, f"{name.lower()}.contoso.com"), Survey()), report, failure)


def test_a_host_that_did_not_answer_stands_there_with_the_reason() -> None:
    """Its machines are missing, and the host says why: unknown, not absent."""
    failure = Failure(FailureKind.UNREACHABLE, "no answer from hv2.contoso.com:5986 within 10 s", "check the network")

    seen = merge_answers([an_answer("HV2", failure=failure), an_answer("HV1", HostReport(Host(name="HV1")))], NOW)

    assert [(host.name, host.status, host.problem) for host in seen.hosts] == [
        ("HV1", HostStatus.OK, None),
        ("HV2", HostStatus.UNREACHABLE, "no answer from hv2.contoso.com:5986 within 10 s; check the network"),
    ]


def test_hosts_are_called_by_our_names_whatever_they_call_each_other() -> None:
    """A destination may be reported by address, by first label or by computer name."""
    jobs = tuple(
        Migration(id=str(number), virtual_machine="1", kind=MigrationKind.LIVE, destination=name)
        for number, name in enumerate(["hv2.contoso.com", "HV2", "WIN-7Q1", "elsewhere"])
    )
    reports = [
        an_answer("Rack1", HostReport(Host(name="HV1", migrations=jobs))),
        Answer(Call(Target("Rack2", "hv2.contoso.com"), Survey()), HostReport(Host(name="WIN-7Q1"))),
    ]

    seen = merge_answers(reports, NOW)

    assert [host.name for host in seen.hosts] == ["Rack1", "Rack2"]
    assert [job.destination for job in seen.hosts[0].migrations] == ["Rack2", "Rack2", "Rack2", "elsewhere"]


def test_what_one_node_cannot_tell_is_taken_from_another() -> None:
    """Free space that one host may not read is known if any other may; what nobody knows stays None."""
    volume = r"C:\ClusterStorage\Volume1"
    dumb = HostReport(Host(name="n1"), Cluster(name="c1", shared_volumes=(Volume(path=volume),)), (Share(path=SHARE),))
    knows = HostReport(
        Host(name="n2"),
        Cluster(name="C1", maximum_parallel_migrations=4, shared_volumes=(Volume(path=volume.upper(), free_bytes=7),)),
        (Share(path=SHARE.upper(), free_bytes=9), Share(path=SHARE + "2")),
    )

    seen = merge_answers([an_answer("n1", dumb), an_answer("n2", knows)], NOW)

    assert [(c.maximum_parallel_migrations, [v.free_bytes for v in c.shared_volumes]) for c in seen.clusters] == [(4, [7])]
    assert [(share.free_bytes, share.hosts) for share in seen.shares] == [(9, ("n1", "n2")), (None, ("n2",))]
