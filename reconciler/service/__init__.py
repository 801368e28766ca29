"""The continuous service: follow a source of desired state, pass after pass, and publish how things stand.

``loop`` is the life of it; ``source`` and ``acceptance`` say which desired state is in force; ``orders`` are what operators may
ask; ``snapshot`` is what everybody else may read. The HTTP API (``reconciler.api``) knows only the last two.
"""
