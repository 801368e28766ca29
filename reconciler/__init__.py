"""GitOps for Hyper-V fleets: desired state in YAML, the exact moves it takes, carried out and verified."""

__version__ = "0.1.0"
