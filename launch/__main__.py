"""`./lab VERB …`: the command line, read; the verbs themselves are in verbs.py and away.py."""

import argparse
import sys
from collections.abc import Callable

from launch import away, surroundings, verbs
from launch.errors import TRACEBACK, UserError, nearest
from launch.guard import guarded
from launch.paths import VARIABLES
from launch.terminal import table

ABOUT = "Papers rerun: figures drawn, claims decided by a program."
EPILOG = """NAME is an experiment, with a preset and settings where wanted:
  ./lab run matrix_sensing            the laptop preset
  ./lab run score_sde:smoke lr=1e-3   another preset, one setting changed
  ./lab run all                       every paper, cheapest first (or theme:diffusion)
without a verb ./lab reruns one paper, decides its claims and writes the pages of all
--traceback with any verb shows where an error came from, not its line alone

environment:
"""
VERBS = verbs.VERBS | away.VERBS
Verb = Callable[..., argparse.ArgumentParser]  # (name, what it does, its usual arguments)


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    environment = table((f"  {name}", what) for name, what in VARIABLES.items())
    epilog = EPILOG + environment
    main = Parser(prog="./lab", description=ABOUT, epilog=epilog, formatter_class=raw)
    known = main.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)

    def verb(name: str, text: str, *arguments: str) -> argparse.ArgumentParser:
        parser = known.add_parser(name, help=text, description=text)
        parser.add_argument("--json", action="store_true", help="print JSON")
        for argument in arguments:
            if argument == "name":
                parser.add_argument("name", help="NAME[:preset]")
            elif argument == "overrides":
                parser.add_argument("overrides", nargs="*", metavar="key=value")
        return parser

    _computing(verb)
    _away(verb)
    _folders(verb)
    return main


def _computing(verb: Verb) -> None:
    """What computes here, and what reads what was computed."""
    papers = verb("list", "the papers by theme: verdicts, times, stale or fresh")
    papers.add_argument(
        "words", nargs="*", metavar="WORD", help="of name, title or authors; theme:NAME"
    )
    run = verb("run", "compute, then draw and decide (or: all, theme:NAME)", "name", "overrides")
    run.add_argument("--workdir", help="run folder; continued if it holds this run")
    run.add_argument("--fresh", action="store_true", help="start anew, continue nothing")
    run.add_argument("--processes", type=int, help="compute with N processes on this machine")
    verb(
        "report",
        "redraw and decide again from stored arrays (NAME[:preset] or a run folder)",
        "name",
    )
    verify = verb(
        "verify", "decide the claims on verdict seeds, with controls", "name", "overrides"
    )
    verify.add_argument("--seeds", help="2000-2004: other seeds, the ledger is not written")
    verb("compare", "two runs side by side").add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="one or two of: a run folder; NAME[:preset] key=value …, the newest finished run with"
        " exactly these settings (none: the preset as it stands). One alone is compared with the"
        " committed reference",
    )
    cite = verb("cite", "BibTeX of a paper and of its rerun; without NAME of this repository")
    cite.add_argument("name", nargs="?", default="", help="NAME")
    again = verb("refresh", "carry stale verdicts over to later code that computes the same bits")
    again.add_argument("names", nargs="*", metavar="NAME", help="experiments; none: all stale ones")
    again.add_argument("--preset", default="smoke", choices=("smoke", "laptop"), help="to compare")
    again.add_argument("--jobs", type=int, help="papers at once; default: as many as cores")


def _away(verb: Verb) -> None:
    """What is planned for other machines or sent there."""
    sweep = verb("sweep", "a grid over settings: key=a,b,c …", "name", "overrides")
    sweep.add_argument("--dry-run", action="store_true", help="show the cells, run nothing")
    plan = verb(
        "plan",
        "memory, time and cost on hardware not at hand, before spending",
        "name",
        "overrides",
    )
    plan.add_argument("--on", default="", help="v5e-8,v6e-8,h100-8,cpu-1: topologies, one table")
    plan.add_argument("--price", default="", help="money a chip-hour: 1.2, or v5e=1.2,h100=3")
    plan.add_argument("--measure", action="store_true", help="also run the step, where it is here")
    plan.add_argument("--optimised", action="store_true", help="compile in full: minutes")
    plan.add_argument("--write", action="store_true", help="`plan all --write`: results/PLANS.md")
    verb("drill", "kill, stop, move and rob a run of this experiment", "name", "overrides")
    submit = verb("submit", "run it elsewhere: SLURM, cloud TPUs or GPUs", "name", "overrides")
    verb("status", "the submitted jobs")
    logs = verb("logs", "what a submitted job says (its id, NAME or folder)", "name")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as it says more")
    verb("fetch", "bring a submitted job's run folder here", "name")
    verb("cancel", "end a submitted job; what it saved is kept", "name")
    for parser in (submit, sweep):
        parser.add_argument("--on", help="slurm, tpu, gpu-cloud, gke, or a name of targets.toml")
        parser.add_argument("--set", action="append", default=[], help="a setting of the target")
        parser.add_argument("--chips", default="", help="clouds: v5e-8, h100-8 … (see ./lab plan)")
    submit.add_argument("--dry-run", action="store_true", help="print what would be submitted")
    submit.add_argument("--fresh", action="store_true", help="start anew, continue nothing")


def _folders(verb: Verb) -> None:
    """Folders of papers, data, pages, this machine."""
    check = verb("check", "folders against the contract, before anything runs")
    check.add_argument("names", nargs="*", metavar="NAME", help="these; else every paper")
    new = verb("new", "a folder that keeps the contract, to be filled in")
    new.add_argument("name", help="name of the paper's folder")
    fork = verb("fork", "a working copy of an experiment", "name")
    fork.add_argument("new", help="name of the copy")
    data = verb("data", "the data sets: where they are, or fetch one")
    data.add_argument("sets", nargs="*", metavar="SET", help="fetch and check these")
    verb("gallery", "results/INDEX.md and the HTML pages")
    verb("test", "the tests (NAME: one paper; --all: the dear ones too; --kill; pytest's own)")
    verb("doctor", "what this machine has, what will not work and why")


class Parser(argparse.ArgumentParser):
    """argparse whose mistakes name the nearest right word."""

    def error(self, message: str):
        if "invalid choice" in message and "'" in message:
            word = message.split("'")[1]
            known = [a for a in self._actions if isinstance(a, argparse._SubParsersAction)]
            message = f"no verb {word!r}; {nearest(word, known[0].choices)}" if known else message
        raise UserError(f"{message} (see {self.prog} --help)")


def main(argv: list[str] | None = None) -> int:
    """Run one verb; the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    whole = TRACEBACK in arguments
    arguments = [a for a in arguments if a != TRACEBACK]
    if arguments[:1] == ["test"]:
        from launch.make import testing

        return guarded(lambda: testing.run(arguments[1:]))

    def act() -> int:
        parsed, extra = _parser().parse_known_args(arguments)
        if extra:  # key=value after an option lands here
            takes = next((k for k in ("overrides", "runs") if hasattr(parsed, k)), "")
            unknown = [e for e in extra if e.startswith("-") or not takes]
            if unknown:
                raise UserError(f"unknown argument {unknown[0]!r} (see ./lab --help)")
            getattr(parsed, takes).extend(extra)
        return VERBS[parsed.verb](parsed) if parsed.verb else verbs.first()

    return guarded(act, whole=whole, anyhow=arguments[:1] == ["doctor"])


if __name__ == "__main__":
    surroundings.wide()
    sys.exit(main())
