"""Types that several records share."""

from typing import Annotated, Literal

from launch.record.checks import matches

Name = Annotated[str, "a name", str.isidentifier]  # of a paper, a preset: it becomes a path
Figure = Annotated[str, "a figure's name", matches(r"fig[\w.-]*")]
JobId = Annotated[str, "a job's id", matches(r"[A-Za-z0-9][\w.,-]*")]  # given to commands
Count = Annotated[int, "a whole number, 0 or more", lambda n: n >= 0]
Amount = Annotated[float, "a number from 0 to 1e15", lambda x: 0 <= x <= 1e15]
Seed = Annotated[int, "a seed", lambda n: 0 <= n < 2**31]
Seeds = Annotated[list[Seed], "one seed or more", len]
State = Literal["pass", "fail", "inconclusive", "invalid", "untested", "error"]
Control = Literal["fails", "undecided", "passes", "invalid", "none"]
Level = Literal["none", "exact", "reduced", "substitute", "theory"]


Versions = dict[str, str | None]
