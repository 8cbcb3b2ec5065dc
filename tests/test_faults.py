from __future__ import annotations

import errno

import pytest

from pipelines.errors import CharterError, ConfigurationError, LandingError
from pipelines.faults import guarded, internal_error, place_of
from pipelines.periods import Period

VALUE = "marie@example.org"


def raised(cause: BaseException) -> BaseException:
    try:
        raise cause
    except BaseException as error:  # noqa: BLE001 whatever was given
        return error


def test_the_text_of_a_foreign_error_is_withheld() -> None:
    error = internal_error(raised(ValueError(VALUE)))
    assert type(error) is CharterError
    assert VALUE not in str(error)
    assert "ValueError" in str(error)


def test_the_place_is_the_innermost_line_of_ours() -> None:
    with pytest.raises(TypeError) as caught:
        Period.parse(None)  # type: ignore[arg-type]
    assert place_of(caught.value).startswith("pipelines/periods.py:")
    assert place_of(raised(ValueError())) == "outside of pipelines"


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EPERM, "permission denied"),
        (errno.EDQUOT, "quota"),
    ],
)
def test_what_the_machine_refuses_is_named_with_its_cure_and_no_path(number: int, cure: str) -> None:
    error = internal_error(raised(OSError(number, "text", f"/home/{VALUE}")))
    assert type(error) is ConfigurationError
    assert cure in str(error)
    assert VALUE not in str(error)


def test_another_fault_of_the_system_is_internal() -> None:
    assert "internal fault, OSError" in str(internal_error(raised(OSError(errno.EIO, "text", VALUE))))


def test_guarded_lets_our_own_errors_and_results_pass() -> None:
    cause = LandingError("a reason")

    @guarded
    def step(fail: bool) -> int:
        """Say so."""
        if fail:
            raise cause
        return 7

    assert step(fail=False) == 7
    assert step.__doc__ == "Say so."
    with pytest.raises(LandingError) as caught:
        step(fail=True)
    assert caught.value is cause


def test_guarded_withholds_the_cause_with_its_text() -> None:
    @guarded
    def step() -> None:
        raise KeyError(VALUE)

    with pytest.raises(CharterError) as caught:
        step()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert VALUE not in str(caught.value)


def test_guarded_does_not_hold_back_an_interruption() -> None:
    @guarded
    def step() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        step()
