"""Jobs with a scheduler of a few lines of bash: what it is given, and what is said of its jobs."""

import os
import subprocess
from pathlib import Path

import pytest

from launch.errors import UserError
from launch.record import store
from launch.scale import targets
from launch.scale.targets.jobset import JobSet
from launch.scale.targets.sky import Sky
from launch.scale.targets.slurm import Slurm
from tests.clouds import job
from tests.test_mistakes import refused
from tests.tree import program, read

pytestmark = pytest.mark.xdist_group("mistakes")

SBATCH = """case "$*" in *--test-only*) exit;; esac
id=$(( $(cat "$HOME/last" 2> /dev/null || echo 100) + 1 )); echo $id | tee "$HOME/last"
echo "$id $id PENDING" >> "$HOME/queue"
"""
SQUEUE = """[ -e "$HOME/broken" ] && { echo "squeue: error: no controller" >&2; exit 1; }
cat "$HOME/queue"
"""
SCANCEL = """echo "$1" >> "$HOME/cancelled"
grep -v "^$1 " "$HOME/queue" > "$HOME/left"; mv "$HOME/left" "$HOME/queue"
"""


@pytest.fixture
def slurm(tree):
    """(its folder, lab(...): a verb of the tree with it)."""
    home = tree.root / "scheduler"
    for name, body in (("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", SCANCEL)):
        program(home / "bin" / name, body)
    (home / "queue").touch()
    path = f"{home}/bin:{os.environ['PATH']}"

    def lab(*arguments, **more):
        env = {"PATH": path, "HOME": str(home), "XDG_CONFIG_HOME": str(home)}
        return tree.lab(*arguments, **(env | more))

    return home, lab


RUNS = "results/runs/toy/smoke"
HARD = (
    "arms=('base', 'no \"norm\"')",
    "title=$HOME `id` $(id)",
    'title="; touch pwned; echo "',
    "title=it's * a ? ~ # title \\ !",
)


@pytest.mark.parametrize("word", HARD)
@pytest.mark.parametrize("cells", [1, 2])
@pytest.mark.parametrize("place", ["plain", "with a space"])
def test_settings_reach_the_run_as_they_were_typed(tmp_path, monkeypatch, word, cells, place):
    """The script that sbatch would get, in bash, with an srun that starts one task."""
    one = job("", cells, tmp_path / place)
    one = targets.Job(one.name, one.folder, (("toy:smoke", word),) * cells, "", one.workdirs)
    files = Slurm().render(one)
    (one.folder / "job").mkdir(parents=True)
    for name, text in files.items():
        (one.folder / "job" / name).write_text(text)
    for name, body in (
        ("srun", 'while [[ "$1" == -* ]]; do shift; done; exec "$@"'),
        ("scontrol", "echo n1"),
        ("../lab", 'printf "%s\\n" "$@" > said'),
    ):
        program(tmp_path / "bin" / name, body)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    env = os.environ | {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "1", "SLURM_PROCID": "0"}
    env |= {"SLURM_ARRAY_TASK_ID": str(cells - 1), "SLURM_CPUS_PER_TASK": "1"}
    script = one.folder / "job/job.sbatch"
    subprocess.run(["bash", str(script)], env=env, cwd=tmp_path, check=True)
    said = (tmp_path / "said").read_text().splitlines()
    assert said == ["run", "toy:smoke", word, "--workdir", one.workdirs[-1]]
    assert not (tmp_path / "pwned").exists()


def test_a_run_is_never_two_jobs(slurm):
    home, lab = slurm
    sent = read(lab("sweep", "toy:smoke", "lr=0.1,0.2", "--on", "slurm", "--json"))
    assert (sent["id"], sent["cells"]) == ("101", ["lr=0.1", "lr=0.2"])
    refused(lab("sweep", "toy:smoke", "lr=0.1,0.2,0.3", "--on", "slurm"), "is job 101 already")
    refused(lab("submit", "toy:smoke", "lr=0.2", "--on", "slurm"), "is job 101 already (waiting)")
    (home / "broken").touch()
    done = lab("submit", "toy:smoke", "lr=0.2", "--on", "slurm")
    refused(done, "job 101", "no controller", "--fresh")
    (home / "broken").unlink()
    (home / "queue").write_text("")
    assert read(lab("submit", "toy:smoke", "lr=0.2", "--on", "slurm", "--json"))["id"] == "102"
    assert (home / "last").read_text() == "102\n", "nothing else was sent"


@pytest.mark.parametrize("name", ["job/job.json", "run.json"])
def test_a_damaged_record_never_lets_a_run_be_sent_twice(slurm, tree, name):
    """What it says may be that this very run waits or computes."""
    home, lab = slurm
    send = ("submit", "toy:smoke", "lr=0.2", "--on", "slurm")
    both = lab("sweep", "toy:smoke", "lr=0.1,0.2", "--on", "slurm", "--json")
    runs = {store.read_json(f)["config"]["lr"]: f for f in tree.root.glob(f"{RUNS}/*/run.json")}
    file = runs[0.2] if name == "run.json" else Path(read(both)["folder"]) / name
    good = file.read_bytes()
    for damage in (b"", good[:-9], b"[]", good.replace(b'"schema": 1', b'"schema": 7')[::-1]):
        file.write_bytes(damage)
        refused(lab(*send), name.split("/")[-1], "is damaged", "--fresh")
    file.unlink()
    os.mkfifo(file)
    refused(lab(*send), "is damaged", "--fresh")
    assert (home / "last").read_text() == "101\n", "nothing else was sent"
    assert lab(*send, "--fresh").status == 0


def test_a_run_that_computes_here_is_not_sent_away(slurm, tree):
    _, lab = slurm
    assert lab("submit", "toy:smoke", "--on", "slurm").status == 0
    (folder,) = tree.runs("toy")
    (tree.root / "scheduler/queue").write_text("")
    with store.lock(folder):
        refused(lab("submit", "toy:smoke", "--on", "slurm"), "computed on this machine")


def test_cancel_says_what_it_did(slurm, tree):
    home, lab = slurm
    lab("submit", "toy:smoke", "lr=0.1", "--on", "slurm")
    lab("submit", "toy:smoke", "lr=0.2", "--on", "slurm")
    refused(lab("cancel", "toy"), "2 jobs are called 'toy'")
    refused(lab("cancel", ""), "no submitted job ''")
    done = lab("cancel", "101")
    assert (done.status, "job 101 was cancelled" in done.out) == (0, True)
    assert "job 101 had ended already" in lab("cancel", "101").out
    assert (home / "cancelled").read_text() == "101\n", "the second time nothing was called"
    states = {r["id"]: r["state"] for r in read(lab("status", "--json"))}
    assert states == {"101": "cancelled", "102": "waiting"}
    assert lab("status").status == 0


def test_status_tells_of_every_job(slurm, tree):
    home, lab = slurm
    for lr in ("0.1", "0.2", "0.3"):
        lab("submit", "toy:smoke", f"lr={lr}", "--on", "slurm")
    one, two, three = sorted(tree.runs("toy"), key=lambda f: read_job(f)["id"])
    (one / "job/job.json").write_text("[]")
    (home / "queue").write_text("103 103 RUNNING\n")
    (two / "job/slurm-102.txt").write_text("bash: module: command not found\n")
    done = lab("status", "--json")
    rows = {r["folder"]: r for r in read(done)}
    assert done.status == 1
    assert rows[str(one)]["state"] == "damaged"
    assert "job.json is damaged" in rows[str(one)]["error"]
    assert rows[str(two)]["state"] == "failed"
    assert rows[str(two)]["next"] == f"./lab logs {two}"
    assert rows[str(three)]["state"] == "running"
    assert "module: command not found" in lab("logs", str(two)).out
    program(home / "bin/squeue", "echo asked >> $HOME/asked; exit 1")
    states = {r["folder"]: r["state"] for r in read(lab("status", "--json"))}
    assert "unknown (asking the scheduler" in states[str(two)]
    assert (home / "asked").read_text() == "asked\n", "one that does not answer is asked once"


def read_job(folder):
    return store.read_json(folder / "job/job.json")


def test_a_job_keeps_the_target_it_was_sent_to(slurm, tree):
    """targets.toml may say something else by then."""
    home, lab = slurm
    (home / "reprise").mkdir()
    table = home / "reprise/targets.toml"
    table.write_text('[big]\nengine = "slurm"\nnodes = 3\n')
    assert lab("submit", "toy:smoke", "--on", "big").status == 0
    (folder,) = tree.runs("toy")
    table.unlink()
    assert targets.again(read_job(folder)) == Slurm(nodes=3)
    assert read(lab("status", "--json"))[0]["state"] == "waiting"
    assert lab("cancel", str(folder)).status == 0


@pytest.mark.parametrize("said", ["", "Hello\nWorld", "job 12 submitted"])
def test_an_id_that_is_none_is_refused(slurm, tree, said):
    home, lab = slurm
    program(home / "bin/sbatch", f"echo '{said}'")
    refused(lab("submit", "toy:smoke", "--on", "slurm"), "did not say the job's id")
    assert not list(tree.root.glob("results/runs/toy/smoke/*/job/job.json"))


def test_settings_that_no_scheduler_would_take(slurm):
    home, lab = slurm
    send = ("submit", "toy:smoke", "--on", "slurm")
    refused(lab(*send, "--set", "nodes=0"), "nodes is a number from 1")
    refused(lab(*send, "--set", "grace=-5"), "grace")
    refused(lab(*send, "--chips", "h100-8"), "--chips is for clouds")
    refused(lab("submit", "toy:paper", "--on", "slurm"), "needs an accelerator", "gpus_per_node")
    refused(lab("submit", "toy:smoke", "title=a\nb", "--on", "slurm"), "line break")
    refused(lab("sweep", "toy:smoke", "lr=1,2", "--chips", "v5e-8"), "--on")
    refused(lab("sweep", "toy:smoke", "lr=1,2", "--on", ""), "no target ''")
    assert not (home / "last").exists()


TABLES = {
    'slurm = "x"': "must be a table",
    "[slurm]\nengine = [1]": "must be a table",
    "[slurm]\nsetup = [1]": "list of strings",
    "[slurm]\npartition = 3": "must be a str",
    "[slurm]\nnodes = [2]": "must be a int",
    "[slurm]\nnodes = true": "must be a int",
    "[mine]\nnodes = 2": r"\[mine\] in .* needs engine",
    '[slurm]\nsetup = ["export WANDB_API_KEY=abc"]': "credential .WANDB_API_KEY",
    '[slurm]\noptions = ["--export=HF_TOKEN=abc"]': "credential .HF_TOKEN",
}


@pytest.mark.parametrize("table", TABLES)
def test_tables_that_are_wrong(tmp_path, monkeypatch, table):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "reprise").mkdir()
    (tmp_path / "reprise/targets.toml").write_text(table)
    with pytest.raises(UserError, match=TABLES[table]):
        targets.named("mine" if "mine" in table else "slurm", [])


def test_what_only_names_a_credential_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "reprise").mkdir()
    lines = ["export HF_TOKEN=$(cat ~/.hf)", 'export HF_TOKEN="$HF_TOKEN"', "x_token=/run/token"]
    (tmp_path / "reprise/targets.toml").write_text(f"[slurm]\nsetup = {lines!r}")
    assert targets.named("slurm", []).setup == tuple(lines)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Slurm(at_once=-1),
        lambda: Sky(at_once=-1),
        lambda: Sky(kind="foo"),
        lambda: JobSet(slices=0),
        lambda: JobSet(chips_per_host=-1),
        lambda: Sky(bucket="gs://").render(job()),
        lambda: Slurm().render(job("", runs=Path('/results/a"b'))),
    ],
)
def test_values_that_cannot_be_are_refused(wrong):
    with pytest.raises(UserError):
        wrong()
