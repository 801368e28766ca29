"""A simulated Hyper-V fleet: boots from an observation, behaves as hosts do, lives by a clock it is given.

``world`` is the fleet, ``fleet`` reaches it in process, ``history`` answers questions about what happened, ``generate``
makes up fleets, ``fleets`` holds those that ship. It knows nothing of desired states and plans, so it can judge what they do.
"""
