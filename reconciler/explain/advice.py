"""What ends each kind of waiting, in a sentence: what comes by itself, and what a person could do to hasten it."""

from reconciler.model.explanation import StepStart

ADVICE = {
    "depends-on": "nothing to do: it starts once the steps it waits for are done",
    "not-applicable": "mend the errors that the plan lists, or pass a guard rail with 'apply --override CODE'",
    "host-not-ok": "make the host answer; nothing that touches it starts before",
    "stale-observation": "observe again; apply does so by itself before it starts anything",
    "held": "release the hold, or wait for its end",
    "backing-off": "mend what made the last one fail, and wait for the next try; 'apply' tries again at once",
    "blocked-by-host": "mend what the host names; it is tried again every half hour, or at once when apply is run again",
    "host-quarantined": "mend the host; it is tried again by itself, or now with 'apply --override host-quarantined'",
    "failure-budget": "mend what the failures have in common; it goes on by itself, or with 'apply --override failure-budget'",
    "machine-busy": "wait for the operation to end",
    "not-as-planned": "nothing to do: the next pass plans from where the machine is",
    "unverified": "let the controller read these facts, or allow it in Policy.spec.unverified",
    "settings-in-use": "nothing to do: it starts once no migration uses the settings",
    "window-closed": "wait for the window, or pass it with 'apply --override window-closed'",
    "live-slots": "nothing to do: it starts when a slot is free; a higher maximumVirtualMachineMigrations gives more",
    "cluster-slots": "nothing to do: it starts when a slot is free; a higher maximumParallelMigrations gives more",
    "storage-slots": "nothing to do: it starts when a slot is free; a higher maximumStorageMigrations gives more",
    "unknown-limits": "let the controller read the host's migration settings",
    "fleet-limit": "nothing to do: it starts when another ends; a higher limits.concurrentMigrations lets more run",
    "location-limit": "nothing to do: it starts when another copy to that location has ended",
    "unprotected-limit": "give those machines their role back, or commit that they need none, or raise the limit",
    "memory": "free memory on the host, or wait until others have left it",
    "space": "free space on the volume, or wait until others have left it",
    "migration-disabled": "enable live migration on the host",
    "not-managed": "commit a document for the machine",
    "rule": "wait until the other machine has left, or relax the rule",
}


def advice_for(start: StepStart) -> str | None:
    """Return what ends the wait of a step, or None where it may start or the reason speaks for itself."""
    advice = None if start.may_start else ADVICE.get(start.code)
    return f"{start.step_id}: {advice}" if advice else None
