"""Carrying a plan out: short passes of look, think, decide and start, until nothing is left to do.

Every pass starts from a fresh observation; nothing is believed that was not seen. Migrations belong to their hosts: they are
started, watched and verified here, and outlive this process if it dies. The next run adopts them.
"""

from reconciler.apply.run import Options, Run, View

__all__ = ["Options", "Run", "View"]
