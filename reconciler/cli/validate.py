"""``reconciler validate``: is the desired state well formed and free of contradictions? Asks no host."""

import os

from reconciler.cli.arguments import DEFAULT_FOLDER, Folder, PlainOutput, TextOrJson
from reconciler.cli.console import finish, print_data, print_json
from reconciler.folder import load_folder, user_cache
from reconciler.model.exit_codes import ExitCode
from reconciler.report import problems_json, problems_text, validated_text


def validate(folder: Folder = DEFAULT_FOLDER, output: PlainOutput = TextOrJson.TEXT) -> None:
    """Check the desired state: every problem of every file at once, with its place and remedy."""
    loaded = load_folder(folder, user_cache(os.environ))
    desired, problems = loaded.desired, loaded.problems
    if output is TextOrJson.JSON:
        print_json({"valid": desired is not None, "problems": problems_json(problems)})
    elif desired is None:
        print_data(problems_text(problems))
    else:
        print_data(validated_text(desired, problems))
    finish(ExitCode.ERROR if desired is None else ExitCode.DONE)
