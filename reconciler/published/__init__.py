"""Observations for people without credentials: redacted, signed, fetched from a file or an address, and checked.

``redaction`` leaves out what a plan does not need, ``envelope`` signs and checks (DSSE with Ed25519), ``keys`` makes and reads
key files, ``fetch`` gets the bytes. docs/pull-requests.md has the format.
"""
