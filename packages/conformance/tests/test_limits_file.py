"""Files of limits are found beside the test that names them, and say what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail_conformance.limits_file import LimitsError, read_limits

REASON = 'reason = "known"'


def test_a_relative_path_is_meant_beside_the_file_that_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LimitsError, match="can't be read") as raised:
        read_limits("missing.toml")
    assert str(Path(__file__).with_name("missing.toml")) in str(raised.value)


def test_no_file_means_no_limits() -> None:
    assert read_limits(None).limits == ()


def test_limits_say_what_they_are_for(tmp_path: Path) -> None:
    file = tmp_path / "conformance.toml"
    file.write_text(f'[[limits]]\nspec = "mm"\nlevel = "L2"\ncase = "long"\ndtype = "float16"\n{REASON}\n')
    (limit,) = read_limits(file).limits
    assert str(limit) == "L2 mm float16 'long'"
    assert limit.names("l2_numbers", "mm-T-float16", "mm", "float16", "long")
    assert not limit.names("l3_contract", "mm-T-float16", "mm", "float16", "long")
    assert not limit.names("l2_numbers", "mm-T-float32", "mm", "float32", "long")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("limits = [", "can't be read"),
        ("limit = 3", "has 'limit'"),
        ("limits = 3", "is no list"),
        ("limits = [3]", "isn't made of texts"),
        ('[[limits]]\nspec = "mm"\nlevel = "L2"', "no reason"),
        ('[[limits]]\nspec = "mm"\nlevel = "L2"\nreason = " "', "no reason"),
        (f'[[limits]]\nspec = "mm"\nlevel = "L9"\n{REASON}', "doesn't say what it is for"),
        (f'[[limits]]\nlevel = "L2"\n{REASON}', "doesn't say what it is for"),
        (f'[[limits]]\nkernel = "mm"\n{REASON}', "has 'kernel'"),
        (f'[[limits]]\ntest = "l0_loads"\nspec = "mm"\n{REASON}', "a test and more"),
        ('case_bank = "1999.01"', "names the case bank '1999.01'"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "conformance.toml"
    file.write_text(text)
    with pytest.raises(LimitsError, match=problem):
        read_limits(file)
