"""Alt texts say what is drawn, in a breath."""

import numpy as np

from common import plot
from common.test_plot import example, one_panel


def test_alt_text_says_axes_and_the_course_of_every_series():
    lines = [("hump", [1, 5, 1]), ("dip", [5, 1, 5]), ("up", [1, 2, 5]), ("level", [3, 3.1, 3])]
    assert plot.alt_text(one_panel(*lines, title="Training")) == (
        "Training, loss against step: hump rises and falls (at most 5); dip dips and comes back (at"
        " least 1); up rises from 1 to 5; level stays level at 3."
    )
    logarithmic = one_panel(("ours", [1e-8, 1e-7, 1e-2]), ("law", [1, 1e-4, 1e-8]), yscale="log")
    assert plot.alt_text(logarithmic) == (
        "Loss against step (log): ours rises from 1e-08 to 0.01; law falls from 1 to 1e-08."
    )
    assert plot.alt_text(one_panel(("Θ", [1, 2]), title="λ_max")).startswith("λ_max, loss")


def test_alt_text_of_panels_maps_insets_and_names():
    alt = plot.alt_text(example())
    assert alt.startswith("Decay, error against step t (log-log): k = 4")
    assert "overlap, image of 72 points from" in alt
    assert "Inset" in alt
    fig, ax = plot.figure()
    ax.plot(["one", "two", "three"], [1, 2, 3], label="seed 0")
    assert "seed 0 scatters from 1 to 3" in plot.alt_text(fig)
    fig, (left, right) = plot.figure(1, 2)
    for ax, end in ((left, 0), (right, 2)):
        ax.plot([0, 1], [1, end], label="ours")
        ax.set(xlabel="t", ylabel="x", title=f"to {end}")
    assert plot.alt_text(fig) == (
        "Two panels of x against t. To 0: ours falls from 1 to 0. To 2: ours rises from 1 to 2."
    )


def test_alt_text_is_short_and_ends_with_a_whole_word():
    for panels, series in ((1, 3), (1, 40), (3, 9), (9, 4), (30, 40)):
        fig, axes = plot.figure(1, panels)
        for i, ax in enumerate(np.atleast_1d(axes)):
            for k in range(series):
                ax.plot([0, 1], [k, i], label=f"a rather long name of a series, number {k}")
            ax.set(xlabel=f"abscissa of panel {i}", ylabel=f"ordinate of panel {i}")
        alt = plot.alt_text(fig)
        assert 0 < len(alt) <= 300
        words = {"abscissa", "ordinate", "of", "panel", "against", "and", *map(str, range(30))}
        assert alt.endswith(".") or alt.removesuffix("…").split()[-1] in words
        assert alt.isprintable()
