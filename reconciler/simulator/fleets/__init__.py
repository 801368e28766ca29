"""Fleets that ship with the program, each an Observation document in this folder, and how to read them by name."""

from importlib import resources

from reconciler.model.observation import Observation

DEMO = "demo"


def load_fleet(name: str) -> Observation:
    """Return a shipped fleet; raises ``ValueError`` naming the fleets there are where ``name`` is none of them."""
    if name not in fleet_names():
        raise ValueError(f"there is no fleet {name!r}; there are: {', '.join(fleet_names()) or 'none'}")
    text = resources.files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8")
    return Observation.model_validate_json(text)


def fleet_names() -> list[str]:
    """Return the names of the shipped fleets, sorted."""
    files = (entry.name for entry in resources.files(__name__).iterdir())
    return sorted(name.removesuffix(".json") for name in files if name.endswith(".json"))


def demo_observation() -> Observation:
    """Return the fleet of the demo."""
    return load_fleet(DEMO)
