"""The numbers that Windows uses for states, options and jobs, with the words of our documents. Data, and the way back.

Names are those of the Hyper-V module's enumerations (VMState, VMOperationalStatus, ...) and of the WMI classes
Msvm_MigrationJob and Msvm_VirtualSystemMigrationSettingData. One table serves both directions: ``decode`` reads it
forwards, the simulated hosts backwards (``number_of``), so the two cannot disagree.
"""

from collections.abc import Mapping
from typing import TypeVar

from reconciler.model.words import AuthenticationType, MigrationKind, PerformanceOption

T = TypeVar("T")

VM_STATES = {
    1: "Other",
    2: "Running",
    3: "Off",
    4: "Stopping",
    6: "Saved",
    9: "Paused",
    10: "Starting",
    11: "Reset",
    32773: "Saving",
    32776: "Pausing",
    32777: "Resuming",
    32779: "FastSaved",
    32780: "FastSaving",
    32781: "ForceShutdown",
    32782: "ForceReboot",
    32783: "Hibernated",
    32784: "ComponentServicing",
    32785: "RunningCritical",
    32786: "OffCritical",
    32787: "StoppingCritical",
    32788: "SavedCritical",
    32789: "PausedCritical",
    32790: "StartingCritical",
    32791: "ResetCritical",
    32792: "SavingCritical",
    32793: "PausingCritical",
    32794: "ResumingCritical",
    32795: "FastSavedCritical",
    32796: "FastSavingCritical",
}

OFF = 3
STOPPED_STATES = frozenset({3, 6})  # off and saved

PRIMARY_OK = 2
IN_SERVICE = 11

# The first entry of OperationalStatus where it is not 2 (Ok): the machine takes no new request.
PRIMARY_STATUSES = {
    3: "Degraded",
    5: "PredictiveFailure",
    11: "InService",
    15: "Dormant",
    16: "SupportingEntityInError",
}

# The second entry, where there is one: what keeps the machine busy. The module writes 23769 where WMI has 32769.
OPERATIONS = {
    23769: "ApplyingSnapshot",
    32768: "CreatingSnapshot",
    32769: "ApplyingSnapshot",
    32770: "DeletingSnapshot",
    32771: "WaitingToStart",
    32772: "MergingDisks",
    32773: "ExportingVirtualMachine",
    32774: "MigratingVirtualMachine",
    32776: "BackingUpVirtualMachine",
    32777: "ModifyingUpVirtualMachine",
    32778: "StorageMigrationPhaseOne",
    32779: "StorageMigrationPhaseTwo",
    32780: "MigratingPlannedVm",
    32781: "CheckingCompatibility",
}

# Health of the guest and hints about SR-IOV stand in the same place: they keep nothing busy.
NOT_OPERATIONS = frozenset({2, 32782, 32783, 32784, 32785, 32786, 32787, 32788, 32789, 32790, 32795})

REPLICATION_MODES = {0: "None", 1: "Primary", 2: "Replica", 3: "TestReplica", 4: "ExtendedReplica"}

NODE_STATES = {-1: "Unknown", 0: "Up", 1: "Down", 2: "Paused", 3: "Joining"}

PERFORMANCE_OPTIONS = {0: PerformanceOption.TCPIP, 1: PerformanceOption.COMPRESSION, 2: PerformanceOption.SMB}

AUTHENTICATION_TYPES = {0: AuthenticationType.CREDSSP, 1: AuthenticationType.KERBEROS}

JOB_STATES = {
    2: "New",
    3: "Starting",
    4: "Running",
    5: "Suspended",
    6: "ShuttingDown",
    7: "Completed",
    8: "Terminated",
    9: "Killed",
    10: "Exception",
    11: "Service",
    32768: "CompletedWithWarnings",
}

# Msvm_MigrationJob.JobType. Types 300, 301, 303 and 304 prepare or check: they are part of a move that has begun or of a
# test, and count as the kind they lead to, so that nobody starts a second move beside them.
JOB_TYPES = {
    300: MigrationKind.LIVE,
    301: MigrationKind.LIVE,
    302: MigrationKind.LIVE_WITH_STORAGE,
    303: MigrationKind.STORAGE,
    304: MigrationKind.STORAGE,
    305: MigrationKind.LIVE,
    306: MigrationKind.LIVE_WITH_STORAGE,
    307: MigrationKind.STORAGE,
}

# Msvm_VirtualSystemMigrationSettingData.MigrationType; says what moves where the job type is unknown to us.
MIGRATION_TYPES = {
    32768: MigrationKind.LIVE,
    32769: MigrationKind.STORAGE,
    32770: MigrationKind.LIVE,
    32771: MigrationKind.LIVE_WITH_STORAGE,
    32772: MigrationKind.STORAGE,
}

# What a host writes for each kind: job type and migration type. A stopped machine is moved by the same method as a running
# one, so an offline move looks like a live one until the machine's state is looked at.
JOB_NUMBERS = {
    MigrationKind.LIVE: (305, 32768),
    MigrationKind.LIVE_WITH_STORAGE: (306, 32771),
    MigrationKind.STORAGE: (307, 32769),
    MigrationKind.OFFLINE: (305, 32768),
}


def number_of(table: Mapping[int, T], word: T | None) -> int | None:
    """Return the number of a word; where Windows has two numbers for it, the documented (greater) one; None if unknown."""
    return max((number for number, known in table.items() if known == word), default=None)
