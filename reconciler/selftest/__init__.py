"""A self-test of one real host: every reading script, encodings, large answers, quotas; and a report without names.

``exercises`` says what is tried and how it went, ``redact`` takes the names out. Both are pure.
"""

from reconciler.selftest.exercises import QUESTIONS, more_questions, verdicts
from reconciler.selftest.redact import Redactor

__all__ = ["QUESTIONS", "Redactor", "more_questions", "verdicts"]
