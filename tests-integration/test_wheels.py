"""Every wheel works alone, with nothing installed but what it declares."""

from pathlib import Path

import pytest

from tools import clean_environment, packages


@pytest.mark.parametrize("package", packages.find(), ids=lambda package: package.name)
def test_wheel_imports_and_passes_its_own_tests_alone(package: packages.Package, wheel_directory: Path) -> None:
    clean_environment.check(package, wheel_directory)
