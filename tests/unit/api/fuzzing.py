"""The API against its own OpenAPI document, by schemathesis: what fits it is answered as it says, what does not is refused.

Nothing ends in an error of ours. ``make fuzz-api`` does it at length; a test does it shortly, the same each time.

Streams have no end and are left out; archives have a law of their own (test_archive.py).
"""

import re
import subprocess
import sys
from pathlib import Path

from tests.unit.api.serving import served

PROGRAM = Path(sys.executable).with_name("schemathesis")
LEFT_OUT = "stream|/preview"


def fuzz(examples: int, *options: str) -> tuple[int, str]:
    """Return how many requests were made, none of them answered wrongly, and what was said; 0 where something was found."""
    with served() as api:
        command = [str(PROGRAM), "run", f"{api.url}/api/v1/openapi.json", "-H", "Authorization: Bearer admin", "--no-color"]
        command += ["--max-examples", str(examples), "--exclude-path-regex", LEFT_OUT, "--request-timeout", "20", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"([\d,]+) generated", done.stdout)
    made = int(found[1].replace(",", "")) if found and done.returncode == 0 else 0
    return made, done.stdout + done.stderr


if __name__ == "__main__":
    number, said = fuzz(int(sys.argv[1]))
    print(said)  # noqa: T201
    sys.exit(0 if number else 1)
