"""The closed vocabularies of the product: every enumeration that YAML, documents and output share."""

from enum import StrEnum


class PerformanceOption(StrEnum):
    """How memory travels in a live migration (Get-VMHost, VirtualMachineMigrationPerformanceOption)."""

    TCPIP = "TCPIP"
    COMPRESSION = "Compression"
    SMB = "SMB"


class AuthenticationType(StrEnum):
    """How the source host proves itself to the destination (Set-VMHost)."""

    KERBEROS = "Kerberos"
    CREDSSP = "CredSSP"


class WhenOff(StrEnum):
    """What to do with a stopped machine that should be elsewhere."""

    MOVE = "move"
    START = "start"
    HOLD = "hold"


class Handling(StrEnum):
    """What the reconciler does about a difference."""

    CORRECT = "correct"
    REPORT = "report"
    IGNORE = "ignore"
    HOLD = "hold"


class MigrationKind(StrEnum):
    """What a running migration moves; ``allow`` lists in YAML use the same words."""

    LIVE = "live"
    LIVE_WITH_STORAGE = "liveWithStorage"
    STORAGE = "storage"
    OFFLINE = "offline"


class Action(StrEnum):
    """The actions a plan may hold. There is no verb here, nor anywhere else, that deletes or creates."""

    CONFIGURE_HOST = "configureHost"
    CONFIGURE_CLUSTER = "configureCluster"
    START_VIRTUAL_MACHINE = "startVirtualMachine"
    LIVE_MIGRATION = "liveMigration"
    STORAGE_MIGRATION = "storageMigration"
    LIVE_MIGRATION_WITH_STORAGE = "liveMigrationWithStorage"
    OFFLINE_MIGRATION = "offlineMigration"
    ADD_CLUSTER_ROLE = "addClusterRole"
    REMOVE_CLUSTER_ROLE = "removeClusterRole"


MIGRATION_KINDS = {
    Action.LIVE_MIGRATION: MigrationKind.LIVE,
    Action.LIVE_MIGRATION_WITH_STORAGE: MigrationKind.LIVE_WITH_STORAGE,
    Action.STORAGE_MIGRATION: MigrationKind.STORAGE,
    Action.OFFLINE_MIGRATION: MigrationKind.OFFLINE,
}


class Proof(StrEnum):
    """What is known of a number of migrations: that no plan takes fewer, or only that none takes fewer than a bound."""

    MINIMAL = "minimal"
    BOUNDED = "bounded"


class HostStatus(StrEnum):
    """How much of a host a survey saw."""

    OK = "ok"
    UNREACHABLE = "unreachable"
    PARTIAL = "partial"


class RuleType(StrEnum):
    """Whether the machines of a placement rule belong apart or together."""

    ANTI_AFFINITY = "antiAffinity"
    AFFINITY = "affinity"


class Preferences(StrEnum):
    """What wishes (``prefer``, preferred rules) may do: choose among targets, or also move machines that are in place."""

    BREAK_TIES = "breakTies"
    MOVE = "move"


class Enforcement(StrEnum):
    """Whether a placement rule must hold or is only wished for."""

    REQUIRED = "required"
    PREFERRED = "preferred"
