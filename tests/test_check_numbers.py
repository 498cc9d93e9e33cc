"""Where the numbers of a paper preset come from: what counts as telling it."""

from launch.make import check_numbers

PAPER = """# sizes, table 2
PAPER = {
    "seeds": (0, 1),
    "lr": 0.1,  # ours
    "width": 8,  # [code], as the next two
    "depth": 2,
    "heads": 4,
    "bare": 3,
    "said": 3,  # of the steps
    "word": "relu",
    "flag": True,
    # of figure 3
    "under": 5,
    # more
    "again": (1.5,),
}
"""


def test_a_number_tells_its_source_or_is_named():
    """On its line, by a line that covers the next ones, by its group's, or by the docstring."""
    assert check_numbers.unsourced(PAPER) == ["bare", "said", "again"]
    assert check_numbers.unsourced('"""Every other number is ours."""\n' + PAPER) == []
    assert check_numbers.unsourced("PAPER = dict(a=3)\n") == []
