"""The commands on tables: train a network on one, and predict the rows of another."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd_core.cli.terminal import Commands, say, written
from autograd_core.errors import ArgumentError
from autograd_core.files import write_whole

if TYPE_CHECKING:
    from nn.rendezvous import Meeting

__all__ = ["add_predict", "add_train"]


def _add_file(command: argparse.ArgumentParser, meaning: str) -> None:
    command.add_argument("file", type=Path, metavar="FILE", help=meaning)
    command.add_argument(
        "--delimiter",
        type=_delimiter,
        default=",",
        metavar="C",
        help="between two fields, or the word tab (default: ,)",
    )
    command.add_argument("--encoding", default="utf-8", metavar="NAME", help="of the file (default: utf-8)")


def add_train(commands: Commands) -> None:
    """Add the command."""
    train = commands.add_parser(
        "train",
        help="train a network on a table of your own",
        description="Train a network to predict one column of a CSV file from the others, test it on rows that it has "
        "not seen, and keep it in a folder for the predict command. Ctrl-C ends training and keeps what was learnt.",
        epilog="On several machines, or in several processes of one: start the same command in each of them with --backend jax "
        "and --coordinator, and with another --process-id in each. All of them read the same table, and the same checkpoint if "
        "they resume; process 0 writes. If one is lost, the others stop: start them all again with --resume. It is for networks "
        "whose every machine is trusted.",
    )
    _add_file(train, "a CSV file, with the names of its columns on the first line")
    train.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")

    def setting(flag: str, meaning: str, **how: Any) -> None:
        train.add_argument(flag, help=meaning, default=argparse.SUPPRESS, **how)  # Settings knows the defaults

    setting(
        "--task", "what to do with the target; by default its content decides", choices=["classification", "regression"]
    )
    setting("--drop", "leave this column out; may be repeated", action="append", metavar="COLUMN")
    setting(
        "--categorical", "take numbers as text, such as zip codes; may be repeated", action="append", metavar="COLUMN"
    )
    setting("--impute", "let medians and most frequent categories stand in for missing values", action="store_true")
    setting("--held-out", "part of the rows to test on (default: 0.2)", type=float, metavar="PART")
    setting("--hidden", "neurons of each hidden layer, or none (default: 16,16)", type=_sizes, metavar="N,...")
    setting("--activation", "of the hidden layers (default: relu)", metavar="NAME")
    setting("--epochs", "how often to go through all rows at most (default: 200)", type=int, metavar="N")
    setting("--batch-size", "how many rows make a step (default: 16)", type=int, metavar="N")
    setting("--lr", "the step size of Adam (default: 0.01)", type=float, metavar="X")
    setting("--l2", "lambda of the penalty lambda * sum of w**2 (default: 0)", type=float, metavar="X")
    setting("--patience", "epochs without an improvement before it stops (default: 20)", type=int, metavar="N")
    setting("--seed", "of everything that is random (default: 0)", type=int, metavar="N")
    setting("--no-progress", "show no progress bar", action="store_false", dest="progress")
    train.add_argument(
        "--out", type=Path, metavar="FOLDER", help="where the model goes (default: the file's name and _model)"
    )
    train.add_argument("--force", action="store_true", help="write into a folder that holds something else too")
    train.add_argument("--checkpoint", type=Path, metavar="FILE", help="a file that is replaced after every epoch")
    train.add_argument(
        "--resume", type=Path, metavar="FILE", help="a checkpoint to go on from, of the same table and settings"
    )
    setting(
        "--backend", "what the steps run on: numpy, numba, jax or torch; the graph itself by default", metavar="NAME"
    )
    _add_processes(train)
    train.set_defaults(run=_train)


def _add_processes(train: argparse.ArgumentParser) -> None:
    several = train.add_argument_group("several processes that train together")
    several.add_argument(
        "--coordinator",
        metavar="HOST:PORT",
        help="the address of process 0, with a port that is free there; or auto, under SLURM, Open MPI or Kubernetes, where JAX "
        "finds out by itself",
    )
    several.add_argument("--processes", type=int, metavar="N", help="how many there are")
    several.add_argument("--process-id", type=int, metavar="I", help="which of them this is, from 0 to N - 1")


def _delimiter(text: str) -> str:
    return "\t" if text in ("tab", "\\t") else text


def _sizes(text: str) -> tuple[int, ...]:
    if text == "none":
        return ()
    try:
        return tuple([int(size) for size in text.split(",")])
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} names no sizes: write them as in 16,16, or none") from None


def _train(options: argparse.Namespace) -> int:
    from nn.application import Settings, train, train_together

    settings = Settings(
        **{name: value for name, value in vars(options).items() if name in Settings.__dataclass_fields__}
    )
    how: dict[str, Any] = {name: getattr(options, name) for name in ("out", "force", "checkpoint", "resume")}
    meeting = _meeting(options)
    if meeting is None:
        train(options.file, settings, say=say, **how)
    else:
        train_together(options.file, settings, meeting, say=say, **how)
    return 0


def _meeting(options: argparse.Namespace) -> Meeting | None:
    from nn.rendezvous import Meeting

    if options.coordinator is not None:
        return Meeting(options.coordinator, options.processes, options.process_id)
    if (options.processes, options.process_id) != (None, None):
        raise ArgumentError(
            "--processes and --process-id are for runs of several processes: name their --coordinator too"
        )
    return None


def add_predict(commands: Commands) -> None:
    """Add the command."""
    predict = commands.add_parser(
        "predict",
        help="predict the rows of a table with such a network",
        description="Write a CSV file with the predictions of a model in columns at its right: the class and the "
        "probability of each, or the number.",
    )
    predict.add_argument("model", type=Path, metavar="MODEL", help="the folder that the train command wrote")
    _add_file(predict, "a CSV file with the columns that the model was trained on; it may have others")
    predict.add_argument("--allow-unseen", action="store_true", help="take an unknown category as none of those known")
    predict.add_argument("-o", dest="out", type=Path, metavar="FILE", help="where to; without it, the table is printed")
    predict.set_defaults(run=_predict)


def _predict(options: argparse.Namespace) -> int:
    from nn.application import MODEL, predict

    if options.out is not None:
        _refuse_itself(options.out, options.file, "table")
        _refuse_itself(options.out, options.model, "model")
        _refuse_itself(options.out, options.model / MODEL, "model")
    table = predict(
        options.model,
        options.file,
        delimiter=options.delimiter,
        encoding=options.encoding,
        allow_unseen=options.allow_unseen,
    )
    if options.out is None:
        say(table.removesuffix("\n"))
    else:
        with written(options.out):
            write_whole(options.out, table.encode("utf-8", "backslashreplace"))
    return 0


def _refuse_itself(out: Path, source: Path, what: str) -> None:
    with suppress(OSError):  # then one of them is not there
        if out.samefile(source):
            raise ArgumentError(f"{out} is the {what} itself: choose another place with -o")
