"""Notices to people: what deserves one, what belongs together in one, and when it is over. Pure; sending is the rim's.

An incident is kept by cause and object. One outage is one message: machines that cannot be seen because their host does not
answer are part of the host's incident, and hosts that fall silent together are one. Every incident that was told is also
told to be over.
"""

from reconciler.notices.incidents import Incident, Key, incidents_of
from reconciler.notices.tell import Message, Settings, Told, tell

__all__ = ["Incident", "Key", "Message", "Settings", "Told", "incidents_of", "tell"]
