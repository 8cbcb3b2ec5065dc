"""What may be said of a fault whose own text may quote a value: its kind, and where in our code."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from pipelines.errors import CharterError
from pipelines.files import unwritable

P = ParamSpec("P")
T = TypeVar("T")
_OURS = Path(__file__).resolve().parent
_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


def place_of(error: BaseException) -> str:
    """Return the innermost line of our code that `error` passed, as `module.py:12`."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _OURS in Path(frame.filename).parents]
    if not ours:
        return "outside of pipelines"
    return f"{Path(ours[-1].filename).relative_to(_OURS.parent)}:{ours[-1].lineno}"


def internal_error(error: BaseException) -> CharterError:
    """Return the error to show in place of one that is not Charter's own."""
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        return unwritable(error)
    return CharterError(
        f"internal fault, {type(error).__name__} at {place_of(error)}; its text is withheld, as it may hold "
        "a value. Nothing is lost and the run can be started again; please report this line."
    )


def guarded(step: Callable[P, T]) -> Callable[P, T]:
    """Let no exception but Charter's own leave `step`."""

    @wraps(step)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return step(*args, **kwargs)
        except CharterError:
            raise
        except Exception as error:  # noqa: BLE001 whatever it is, its text must not pass
            raise internal_error(error) from None

    return told
