"""The nouns that pass between the parts: frozen values and the field's own words, no input or output.

Whatever two stages both need to name lives here (paths, problems, desired state, observation, drift, plan, progress).
What only one stage needs stays in that stage. Nothing here may import another package of the house.
"""
