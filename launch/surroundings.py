"""What surrounds a command, said and set right once, before anything else looks at it.

Streams that are closed or cannot say a letter, no home folder, folders that variables name, what
draws, devices and compiler flags that are not there. `./lab doctor` tries every part of it.
"""

import contextlib
import locale
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from common.files import FileError
from launch.errors import UserError, clip
from launch.paths import ROOT, place

FOLDERS = ("REPRISE_RESULTS", "REPRISE_CACHE", "REPRISE_DATA", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
OURS = re.compile(r"--xla_force_host_platform_device_count=\d+")  # a flag that needs no trial
PROBE = "import jax; jax.devices()"
NONE = "no device of that kind was found"
SECONDS = 60.0  # in which flags must be read


def enter() -> None:
    """Set right what can be; for the start of every command.  Errors: UserError."""
    streams()
    home()
    here()
    for wrong in variables():
        raise wrong


def streams() -> None:
    """Closed ones lead nowhere, and letters that a stream lacks are written as escapes."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # the lowest free number is this one
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            stream = open(os.devnull, "r" if name == "stdin" else "w")  # noqa: SIM115
            setattr(sys, name, stream)
    for said in (sys.stdout, sys.stderr):
        if hasattr(said, "reconfigure"):
            said.reconfigure(errors="backslashreplace")


def home() -> bool:
    """Whether a home folder is known; where none is, one in .cache/ takes its place."""
    if not os.environ.get("HOME"):
        os.environ.pop("HOME", None)
    try:
        return Path.home().is_absolute()
    except RuntimeError:  # no HOME, and an unknown uid
        os.environ["HOME"] = str(ROOT / ".cache/home")
        return False


def here() -> None:
    """Errors: UserError where the current folder is gone: nothing finds its way from there."""
    try:
        os.getcwd()
    except OSError:
        raise UserError("the current folder is gone; cd to one that is there") from None


def variables() -> Iterator[UserError]:
    """What is wrong with variables that are ours: each is taken away, once it was told."""
    os.environ["MPLBACKEND"] = "agg"  # a notebook's is not here
    checks: dict[str, Callable[[], None]] = {n: lambda n=n: _folder(n) for n in FOLDERS}  # type: ignore[misc]
    for name, check in (checks | {"REPRISE_CHECKPOINT_SECONDS": _seconds}).items():
        try:
            check()
        except (UserError, FileError) as error:
            os.environ.pop(name, None)
            yield UserError(str(error))


def _folder(name: str) -> None:
    if os.environ.get(name):
        os.environ[name] = str(place(os.environ[name], name))


def _seconds() -> None:
    if os.environ.get("REPRISE_CHECKPOINT_SECONDS"):
        from common.scratch import least_seconds  # loads NumPy, which a quick verb does without

        least_seconds()


def wide() -> None:
    """Start again in UTF-8 where the locale has other letters; for the start of a process."""
    if not sys.flags.utf8_mode and locale.getencoding().lower() not in ("utf-8", "utf8"):
        os.execv(sys.executable, [sys.orig_argv[0], "-X", "utf8", *sys.orig_argv[1:]])


# --- devices --------------------------------------------------------------------------------------


def devices() -> None:
    """Errors: UserError where JAX finds no device, with the variable that asks for another."""
    import jax

    if not os.environ.get("REPRISE_WORKER"):  # what started it has tried them
        flags()
    try:
        jax.devices()
    except Exception as error:
        raise UserError(refusal(str(error))) from error


def flags() -> None:
    """Try XLA_FLAGS of a person's own, which end the whole process where one is wrong: in another,
    on the CPU, where no device is taken and no host waited for.  Errors: UserError."""
    asked = os.environ.get("XLA_FLAGS", "").strip()
    if not asked or OURS.fullmatch(asked):
        return
    env = os.environ | {"JAX_PLATFORMS": "cpu"}
    with contextlib.suppress(OSError, subprocess.SubprocessError):  # then the run will tell
        done = subprocess.run(
            [sys.executable, "-c", PROBE], env=env, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=SECONDS,
        )  # fmt: skip
        if "XLA_FLAGS" in done.stderr and done.returncode:
            raise UserError(refusal(done.stderr))


def refusal(said: str) -> str:
    """Why JAX has no devices, on one line, with the variable that asks for them."""
    unknown = re.search(r"Unknown flags? in XLA_FLAGS: ?(.*)", said)
    if unknown:
        flags = " ".join(re.findall(r"--?[\w=.-]+", unknown[1])) or unknown[1]
        return f"XLA_FLAGS: XLA does not know {clip(flags, 200)}; take it out of XLA_FLAGS"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not lines or re.fullmatch(r"\w+", lines[-1]):  # nothing, or the bare name of an exception
        lines = [NONE]
    named = [x for x in lines if "nable to initialize backend" in x or "Unknown backend" in x]
    why = clip((named or lines)[-1].removeprefix("RuntimeError: "), 200)
    for name in ("JAX_PLATFORMS", "JAX_PLATFORM_NAME"):
        if os.environ.get(name):
            return (
                f"{name}={clip(os.environ[name], 40)}: {why}; set {name}=cpu, or install what it "
                "asks for (REPRISE_ACCELERATOR=cuda or tpu)"
            )
    if os.environ.get("XLA_FLAGS"):
        return f"XLA_FLAGS={clip(os.environ['XLA_FLAGS'], 80)}: {why}; try without"
    return f"JAX finds no device: {why}; ./lab doctor says more"


def own_figures() -> None:
    """matplotlib as it came, before it draws: no file of the current folder or of a user, and
    nothing that was drawn before, changes a figure."""
    if "matplotlib" not in sys.modules:
        found = find_spec("matplotlib")
        own = Path(found.origin or "").parent if found else Path()
        os.environ["MATPLOTLIBRC"] = f"{own}/mpl-data/matplotlibrc"
        with contextlib.chdir(own):  # before that one, ./matplotlibrc is read as it is imported
            import matplotlib as mpl
    import matplotlib as mpl

    mpl.rcdefaults()
