"""Observations for people without credentials: redacted, signed, fetched from a file or an address, and checked.

``redaction`` leaves out what a plan does not need, ``envelope`` signs and checks (DSSE with Ed25519), ``keys`` makes and reads
key files, ``placing`` puts the bytes into a file, ``fetch`` gets them. docs/pull-requests.md has the format.
"""
