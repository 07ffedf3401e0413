"""docs/my-test-fails.md: it has every failure that clients were seen to meet, and every refusal of the mock's own."""

import re
from pathlib import Path

import mockfoundry
from tests.clients.failures import FAILURES
from tests.clients.symptom_page import MOCK_REFUSALS, SYMPTOMS, SYMPTOMS_PAGE, list_failures, render_symptoms
from tests.recipes.cookbook import RECIPES


def test_the_page_says_what_was_seen() -> None:
    assert SYMPTOMS_PAGE.read_text(encoding="utf-8") == render_symptoms(), "`make documents` writes it anew"


def test_every_failure_is_a_symptom_s() -> None:
    told = [failure.key for symptom in SYMPTOMS for failure in list_failures(symptom)]
    assert sorted(told) == sorted(failure.key for failure in FAILURES)
    assert {name for symptom in SYMPTOMS for name in symptom.recipes} <= RECIPES.keys()


def test_every_refusal_of_the_mock_s_own_is_told() -> None:
    sources = (each.read_text(encoding="utf-8") for each in Path(mockfoundry.__file__).parent.rglob("*.py"))
    there = {title for text in sources for title in re.findall(r'(?:CatalogueEntry\(\s*|_TITLE = )"(Mock-\w+)"', text)}
    assert there == MOCK_REFUSALS.keys()
