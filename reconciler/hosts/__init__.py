"""Hosts behind one seam: what may be asked of a Hyper-V host (``port``), and the ways of asking (``winrm``, ...)."""
