"""Which revision may come into force: a bad, empty, shrunken, unsigned or rewritten one never does by itself."""

from reconciler.model.desired import Desired, Guardrails, Policy
from reconciler.model.problem import Problem
from reconciler.service.acceptance import Candidate, InForce, Terms, refusals
from tests.builders import desired, desired_vm

BAD = Problem("unknown-field", "no such field", "correct it")
OLD, NEW = "1111111aaaa", "2222222bbbb"


def machines(number: int) -> Desired:
    share = Policy(guardrails=Guardrails(maximum_share_of_virtual_machines=0.3))
    return desired(*(desired_vm(f"vm{n}", "Host1") for n in range(number)), share)


def codes(candidate: Candidate, in_force: InForce | None = None, terms: Terms | None = None) -> list[str]:
    return [problem.code for problem in refusals(candidate, in_force, terms or Terms())]


def test_the_first_good_revision_comes_into_force() -> None:
    assert codes(Candidate(NEW, machines(3))) == []


def test_a_revision_with_errors_is_refused_with_all_of_them() -> None:
    assert codes(Candidate(NEW, None, (BAD, BAD))) == ["unknown-field", "unknown-field"]


def test_an_empty_desired_state_is_refused_even_as_the_first() -> None:
    assert codes(Candidate(NEW, machines(0))) == ["empty-desired-state"]


def test_one_that_lost_more_machines_than_the_policy_allows_is_refused() -> None:
    assert codes(Candidate(NEW, machines(5)), InForce(OLD, machines(12))) == ["guardrail-shrunken"]
    assert codes(Candidate(NEW, machines(10)), InForce(OLD, machines(12))) == []


def test_rewritten_history_is_refused_unless_the_source_does_not_mind() -> None:
    rewritten = Candidate(NEW, machines(3), descends=False)

    assert codes(rewritten, InForce(OLD, machines(3))) == ["history-rewritten"]
    assert codes(rewritten, InForce(OLD, machines(3)), Terms(linear_history=False)) == []
    assert codes(Candidate(NEW, machines(3), descends=True), InForce(OLD, machines(3))) == []


def test_a_bad_signature_is_told_before_anything_that_the_unknown_author_wrote() -> None:
    unsigned = Problem("unsigned-commit", "no signature", "sign it")

    assert codes(Candidate(NEW, None, (BAD,), signature_problems=(unsigned,))) == ["unsigned-commit"]


def test_what_an_operator_accepted_by_name_passes_but_never_with_errors_or_without_a_signature() -> None:
    terms, before = Terms(accepted=frozenset({NEW})), InForce(OLD, machines(12))
    unsigned = Problem("unsigned-commit", "no signature", "sign it")

    assert codes(Candidate(NEW, machines(1), descends=False), before, terms) == []
    assert codes(Candidate(NEW, None, (BAD,)), before, terms) == ["unknown-field"]
    assert codes(Candidate(NEW, machines(1), signature_problems=(unsigned,)), before, terms) == ["unsigned-commit"]
