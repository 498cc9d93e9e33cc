"""Figures: the same bytes in every process, and numbers and words that are those drawn."""

import csv
import itertools
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import colors
from PIL import Image

from common import plot, png

DRAW = """
import io, sys, time
from common import plot
from common.test_plot import decay, example

def spent(save):
    start = time.process_time()
    for i, draw in enumerate((example, decay, decay, decay, decay)):
        with plot.styled():
            save(draw(), i)
    return time.process_time() - start

def bare(fig, _):
    for kind in ("png", "svg"):
        fig.savefig(io.BytesIO(), format=kind)

ours = spent(lambda fig, i: plot.save(fig, sys.argv[1], f"fig{i}"))
if ours > 4:  # CPU-seconds for five figures; a slow machine is slow for matplotlib alone, too
    plain = spent(bare)
    assert ours < plain, f"{ours:.1f} CPU-seconds, the same figures saved bare {plain:.1f}"
"""


@pytest.fixture(autouse=True)
def _styled():
    with plot.styled():
        yield


def decay():
    """One panel as most are: four lines and a law, log-log."""
    fig, ax = plot.figure()
    t = np.geomspace(1, 1e4, 300)
    for k in (3, 4, 5, 6):
        ax.plot(t, k / t**2, label=f"k = {k}")
    plot.law(ax, t, 1 / t**2, label="1/t²")
    ax.set(xlabel="step t", ylabel="error", xscale="log", yscale="log")
    ax.legend()
    return fig


def example():
    """A figure with a band, a law, error bars, an image with its colour bar, and an inset."""
    rng = np.random.default_rng(0)
    fig, (left, right) = plot.figure(1, 2, caption="A decay and a map")
    t = np.geomspace(1, 1e4, 200)
    for k in (4, 6):
        plot.band(left, t, (k - 3) / t**2 * rng.uniform(0.9, 1.1, (5, 1)), label=f"k = {k}")
    plot.law(left, t, 1 / t**2, label="1/t²")
    left.axvline(100, label="switch")
    left.set(title="decay", xlabel="step t", ylabel="error", xscale="log", yscale="log")
    left.legend()
    inset = left.inset_axes([0.1, 0.1, 0.3, 0.3])
    inset.errorbar([1, 2, 3], [2.0, 4.1, 6.2], yerr=[0.1, 0.2, 0.3], label="rate")
    image = right.imshow(rng.standard_normal((8, 9)))
    fig.colorbar(image, label="overlap")
    return fig


def table(fig, folder):
    return list(csv.DictReader(plot.save(fig, folder, "fig")["csv"].open()))


def column(rows, series, name):
    return [row[name] for row in rows if row["series"] == series]


def test_no_setting_outlives_a_figure(tmp_path):
    """Importing, drawing and saving leave matplotlib's own settings as they were."""
    code = (
        "import sys, matplotlib as mpl; before = dict(mpl.rcParams)\n"
        "from common import plot; from common.test_plot import decay\n"
        "assert dict(mpl.rcParams) == before\n"
        "with plot.styled(): fig = decay(); assert mpl.rcParams['axes.grid']\n"
        "plot.save(fig, sys.argv[1], 'fig'); assert dict(mpl.rcParams) == before\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], check=False)
    assert done.returncode == 0


def test_same_bytes_in_two_processes_and_fast(tmp_path):
    runs = []
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        runs.append(subprocess.Popen([sys.executable, "-c", DRAW, str(tmp_path / run)]))
    assert [process.wait() for process in runs] == [0, 0]
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name
    assert {file.suffix for file in (tmp_path / "one").iterdir()} == {".png", ".svg", ".csv"}


def test_saving_twice_gives_the_same_bytes(tmp_path):
    fig = example()
    first = {kind: file.read_bytes() for kind, file in plot.save(fig, tmp_path, "fig").items()}
    again = {kind: file.read_bytes() for kind, file in plot.save(fig, tmp_path, "fig").items()}
    assert first == again


def test_lines_and_bands_round_trip(tmp_path):
    rng = np.random.default_rng(1)
    x, values = np.sort(rng.random(50)), rng.standard_normal((5, 50)).astype(np.float32)
    fig, ax = plot.figure()
    plot.band(ax, x, values, label="ours, 5 seeds")
    ax.plot(x, np.where(x > 0.5, np.nan, x), label="with gaps")
    ax.axhline(0.3, label="law")
    rows = table(fig, tmp_path)
    assert column(rows, "ours, 5 seeds", "x") == [repr(float(v)) for v in x]
    assert column(rows, "ours, 5 seeds", "y") == [repr(float(v)) for v in np.median(values, axis=0)]
    spread = "ours, 5 seeds, range of seeds"
    assert [float(v) for v in column(rows, spread, "x")] == x.tolist()
    assert [float(v) for v in column(rows, spread, "low")] == values.min(axis=0).tolist()
    assert [float(v) for v in column(rows, spread, "high")] == values.max(axis=0).tolist()
    assert column(rows, "with gaps", "y").count("nan") == np.sum(x > 0.5)
    assert [(r["kind"], r["x"], r["y"]) for r in rows if r["series"] == "law"] == [
        ("guide", "", "0.3")
    ]


def test_marks_with_errors_bars_and_points_round_trip(tmp_path):
    fig, axes = plot.figure(2, 2)
    axes[0, 0].errorbar([1, 2], [0.5, 0.25], yerr=[[0.1, 0.2], [0.3, 0.4]], label="error")
    axes[0, 1].bar(["mean", "median"], [3.1, 2.7], yerr=0.5, label="bars")
    axes[1, 0].scatter([1e-9, 2], [3, 1 / 3], c=[5, 6], label="points")
    axes[1, 1].hist([1, 1, 2], bins=2, label="histogram")
    rows = table(fig, tmp_path)
    assert column(rows, "error", "low") == [repr(0.5 - 0.1), repr(0.25 - 0.2)]
    assert column(rows, "error", "high") == [repr(0.5 + 0.3), repr(0.25 + 0.4)]
    assert column(rows, "bars", "x") == ["mean", "median"]
    assert column(rows, "bars", "y") == ["3.1", "2.7"]
    assert column(rows, "points", "x") == ["1e-09", "2.0"]
    assert column(rows, "points", "y") == ["3.0", repr(1 / 3)]
    assert column(rows, "points", "value") == ["5.0", "6.0"]
    assert column(rows, "histogram", "y") == ["2.0", "1.0"]
    assert [r["panel"] for r in rows if r["series"] == "histogram"] == ["4", "4"]


def test_maps_round_trip(tmp_path):
    grid = np.random.default_rng(2).standard_normal((3, 4))
    fig, axes = plot.figure(1, 4)
    axes[0].imshow(grid, label="image", extent=(0, 8, 0, 3), origin="lower")
    mesh = axes[1].pcolormesh(np.arange(5), np.arange(4), grid)
    fig.colorbar(mesh, ax=axes[1], label="cells, in nats")
    axes[2].contour(grid, levels=[0.0]).set_label("contour")
    axes[3].imshow(np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8), label="colours")
    rows = table(fig, tmp_path)
    for series, width in (("image", 2), ("cells, in nats", 1)):
        assert [float(v) for v in column(rows, series, "value")] == grid.ravel().tolist()
        assert float(column(rows, series, "x")[1]) == 1.5 * width
        assert float(column(rows, series, "y")[4]) == 1.5
    assert set(column(rows, "contour", "value")) == {"0.0"}
    assert column(rows, "colours", "value") == ["#ff0000", "#0000ff"]


def one_panel(*series, **axes):
    """A figure of lines y, by name, over 0, 1, 2, …"""
    fig, ax = plot.figure()
    for name, y in series:
        ax.plot(np.arange(len(y)), y, label=name)
    ax.set(xlabel="step", ylabel="loss", **axes)
    return fig


def pixels(file):
    with Image.open(file) as image:
        return image.mode, np.asarray(image.convert("RGB"), dtype=int)


def test_a_figure_is_a_palette_that_looks_the_same(tmp_path):
    fig = decay()
    mode, small = pixels(plot.save(fig, tmp_path, "fig")["png"])
    fig.savefig(tmp_path / "bare.png")
    _, whole = pixels(tmp_path / "bare.png")
    assert mode == "P"
    assert (tmp_path / "fig.png").stat().st_size < 0.5 * (tmp_path / "bare.png").stat().st_size
    assert (np.abs(small - whole).max(-1) > png.SEEN).mean() <= png.UNSEEN_SHARE
    assert (small[0, 0] == 255).all(), "paper stays white"


def test_a_figure_of_many_colours_keeps_them(tmp_path):
    rng = np.random.default_rng(3)
    fig, ax = plot.figure()
    ax.imshow(rng.integers(0, 256, (60, 60, 3), dtype=np.uint8), label="noise")
    mode, small = pixels(plot.save(fig, tmp_path, "fig")["png"])
    fig.savefig(tmp_path / "bare.png")
    assert mode == "RGB"
    np.testing.assert_array_equal(small, pixels(tmp_path / "bare.png")[1])


def test_words_stand_in_the_png_and_no_date_does(tmp_path):
    fig = one_panel(("λ", [1, 2]))
    fig.set_label("Größe 10⁻⁸ ≤ ‖β‖₁")
    file = plot.save(fig, tmp_path, "fig3", kinds=("png",))["png"]
    assert [p.name for p in tmp_path.iterdir()] == ["fig3.png"]
    found = png.words(file)
    assert found == {"name": "fig3", "caption": fig.get_label(), "alt": plot.alt_text(fig)}
    with Image.open(file) as image:  # another reader finds the same
        assert image.text["Title"] == found["caption"]
        assert image.text["Description"] == found["alt"]
    assert b"tIME" not in file.read_bytes()


def test_words_of_other_files_are_none(tmp_path):
    one_panel(("ours", [1, 2])).savefig(tmp_path / "bare.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "bare.png").read_bytes()[:20])
    (tmp_path / "text.png").write_text("no picture")
    names = ("bare.png", "cut.png", "text.png", "absent.png")
    assert [png.words(tmp_path / n) for n in names] == [{}] * 4


def test_series_stay_apart_in_grey():
    """Marker and dashes alone tell any two apart, and none is too pale to see on white."""
    chosen = [plot.style(i) for i in range(len(plot.COLOURS))]
    for a, b in itertools.combinations(chosen, 2):
        assert a["marker"] != b["marker"]
    for a, b in itertools.pairwise(chosen):
        assert a["linestyle"] != b["linestyle"]
    for look in chosen:
        assert np.dot(colors.to_rgb(look["color"]), (0.2126, 0.7152, 0.0722)) < 0.75
    _, ax = plot.figure()
    drawn = [ax.plot([0, 1], [i, i])[0] for i in range(8)]
    assert [line.get_marker() for line in drawn] == [look["marker"] for look in chosen]


def test_log_ticks_are_plain_text_and_those_of_matplotlib(tmp_path):
    for low, high in ((1e-9, 10), (2, 7), (0.3, 40)):
        fig, ax = plot.figure()
        ax.plot([1, 2], [low, high], label="x")
        ax.set_yscale("log")
        before = [t.get_text() for t in ax.get_yticklabels(which="both")]
        plot.save(fig, tmp_path, "fig")
        after = [t.get_text() for t in ax.get_yticklabels(which="both")]
        digits = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
        for old, new in zip(before, after, strict=True):
            bare = old.translate(str.maketrans("", "", "${}^")).removeprefix("\\mathdefault")
            assert bare.replace("\\times", "×") == new.translate(digits)
            assert "$" not in new
        assert any(after)


def test_a_line_without_a_finite_point_is_drawn_as_nothing(tmp_path):
    fig, ax = plot.figure()
    ax.plot([1, 2, 3], [np.nan] * 3, label="nothing")
    ax.plot([1, 2], [-1, 5], label="one point on this axis")
    ax.plot([], [], label="empty")
    ax.set_yscale("log")
    rows = table(fig, tmp_path)
    assert column(rows, "nothing", "y") == ["nan"] * 3
    assert "nothing has no finite value" in plot.alt_text(fig)


def test_a_figure_without_data_is_refused(tmp_path):
    fig, ax = plot.figure()
    ax.axvline(3)
    with pytest.raises(ValueError, match="'fig' draws no data"):
        plot.save(fig, tmp_path, "fig")
    assert list(tmp_path.iterdir()) == []
