"""The store: what the controller writes down before and after it acts, and what people told it (holds).

Truth is on the hosts and in Git; the store is memory. Losing it costs history, holds and the settings of roles that were taken
off, never a machine. An entry is durable when ``append`` returns, and an intent is appended before its first effect on a host.
"""

from reconciler.store.memory import MemoryStore
from reconciler.store.port import Entry, Origin, Retention, Store, StoreError
from reconciler.store.sqlite import Access, SqliteStore

__all__ = ["Access", "Entry", "MemoryStore", "Origin", "Retention", "SqliteStore", "Store", "StoreError"]
