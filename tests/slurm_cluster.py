"""A real SLURM of two nodes on this machine: no system service, no container, root needed.

Debian and Ubuntu: apt-get install --no-install-recommends slurm-wlm munge
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from launch.compute.processes import free_port
from tests.tree import waited

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged")
CONF = """
ClusterName=local
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool/%n
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.%n.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
JobRequeue=1
KillWait=30
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=4 RealMemory=10000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=4 RealMemory=10000
PartitionName=debug Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=60
PartitionName=urgent Nodes=n[1-2] MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def absent() -> str:
    """Why no cluster can be started here; empty where it can."""
    os.environ["PATH"] = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [p for p in PROGRAMS if not shutil.which(p)]
    if missing:
        return f"SLURM is absent ({', '.join(missing)}): apt-get install slurm-wlm munge"
    return "" if os.geteuid() == 0 else "a SLURM of one's own needs root"


class Cluster:
    """Start with `with Cluster(folder) as cluster`; sbatch, squeue … then work in cluster.env."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {"SLURM_CONF": str(home / "slurm.conf")}
        self._processes: list[subprocess.Popen] = []

    def __enter__(self) -> "Cluster":
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _begin(self) -> None:
        for part in ("state", "spool/n1", "spool/n2"):
            (self.home / part).mkdir(parents=True)
        host = socket.gethostname().split(".")[0]
        ports = [free_port() for _ in range(3)]
        conf_text = CONF.format(host=host, home=self.home, ports=ports)
        (self.home / "slurm.conf").write_text(conf_text)
        hosts = Path("/etc/hosts")
        if "n1 n2" not in hosts.read_text():  # process 0 is found by the name of its node
            with hosts.open("a") as file:
                file.write("127.0.0.1 n1 n2\n")
        self._munge()
        conf = str(self.home / "slurm.conf")
        self._start("slurmctld", "-D", "-f", conf, "-c")
        for node in ("n1", "n2"):
            self._start("slurmd", "-D", "-N", node, "-f", conf)
        self.waited(lambda: set(self.call("sinfo", "-h", "-o", "%T").split()) == {"idle"})

    def _munge(self) -> None:
        if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0:
            return
        os.makedirs("/run/munge", exist_ok=True)
        shutil.chown("/run/munge", "munge", "munge")
        self._start("runuser", "-u", "munge", "--", "/usr/sbin/munged", "--foreground")
        waited(lambda: not subprocess.run(["munge", "-n"], capture_output=True).returncode)

    def _start(self, *command: str) -> None:
        quiet = subprocess.DEVNULL
        env = os.environ | self.env
        self._processes.append(
            subprocess.Popen(command, env=env, stdout=quiet, stderr=quiet, start_new_session=True)
        )

    def call(self, *command: str) -> str:
        """Output of a SLURM command."""
        env = os.environ | self.env
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def waited(self, condition: Callable[[], object], seconds: float = 120.0) -> None:
        """Return once `condition()` holds; else fail with the end of the scheduler's log."""
        waited(condition, seconds, self._state)

    def _state(self) -> str:
        log = self.home / "slurmctld.log"
        said = log.read_text()[-3000:] if log.exists() else "no log"
        return f"{self.call('sinfo')}\n{self.call('squeue')}\n{said}"

    def __exit__(self, *_: object) -> None:
        self.call("scancel", "--user", "root")
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
