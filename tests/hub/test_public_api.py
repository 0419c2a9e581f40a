"""What recipes and connectors import from `hub` is complete, sorted, and light."""

import subprocess
import sys
from types import ModuleType

import hub


def test_every_public_name_is_listed():
    found = {
        name for name, value in vars(hub).items() if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert found == set(hub.__all__)


def test_the_names_are_sorted_constants_then_classes_then_functions():
    def rank(name):
        return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)

    assert hub.__all__ == sorted(hub.__all__, key=rank)


def test_importing_the_hub_loads_nothing_heavy():
    heavy = "flask", "sqlalchemy", "requests", "phonenumbers", "twilio", "hubspot", "mailchimp_marketing"
    code = f"import sys, hub; print([name for name in {heavy!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
