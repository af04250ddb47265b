"""The two sizes at which a chapter runs: minutes on a laptop, or the paper's recipe."""

import os

__all__ = ["choose", "profile"]


def profile():
    """Return the value of COURSE_PROFILE: "quick" (minutes on two CPU cores) or "full" (the paper's recipe).

    Raises:
        ValueError: if COURSE_PROFILE is something else.
    """
    name = os.environ.get("COURSE_PROFILE", "quick")
    if name not in ("quick", "full"):
        raise ValueError(f"COURSE_PROFILE must be quick or full. Received: COURSE_PROFILE={name}")
    return name


def choose(*, quick, full):
    """Return the value that belongs to the profile, e.g. `epochs = choose(quick=12, full=20)`."""
    return {"quick": quick, "full": full}[profile()]
