"""Forges: where a preview becomes a comment and a status.

``port`` says what is asked of them, ``sticky`` how one comment stays one. GitHub, GitLab and Azure DevOps are plain REST behind
the port, through ``rest``; ``environment`` reads what their pipelines hand to a job. Nothing here reads YAML or a revision.
"""
