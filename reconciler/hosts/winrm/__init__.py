"""Hosts reached over WinRM: one owned channel per host, fixed bootstrap, framed JSON both ways, scripts as package data.

What travels is written down in docs/design/0001-remote-protocol.md. Pure parts (frame, codes, decode, encode) know no
socket; ``channel`` owns a host's connection; ``adapter`` is the ``Hosts`` that the rest of the program sees.
"""
