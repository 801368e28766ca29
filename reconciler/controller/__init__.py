"""Carrying plans out: short passes of look, settle, think, decide and start, whoever drives them.

``Controller`` is the engine. ``pass_once(desired)`` takes one look at the fleet, settles what was started, plans, and starts
what may start now; it never sleeps and never waits for a migration. ``poll()`` looks cheaply at what is under way and says
whether a pass is due. ``stop()`` lets nothing more start. The desired state may be another one at each pass. ``Run`` drives
it to the end of one apply; the continuous service and the simulation drive it for as long as they live.

Every pass starts from a fresh observation; nothing is believed that was not seen. Migrations belong to their hosts: they are
started, watched and verified here, and outlive this process if it dies. The next controller adopts them.
"""

from reconciler.controller.controller import Controller, PassResult
from reconciler.controller.options import Options, View
from reconciler.controller.run import Run

__all__ = ["Controller", "Options", "PassResult", "Run", "View"]
