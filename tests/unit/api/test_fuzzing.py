"""What the OpenAPI document promises is kept, as far as a short and repeatable run of schemathesis can tell."""

from tests.unit.api.fuzzing import fuzz


def test_every_answer_is_one_that_the_openapi_document_allows() -> None:
    made, said = fuzz(3, "--generation-deterministic", "--phases", "coverage,fuzzing")

    assert made > 200, said
