"""predict: what a trained model says about the rows of a table."""

from __future__ import annotations

from pathlib import Path

from autograd_core.errors import ArgumentError
from nn.application.model import MODEL, TableModel
from nn.table import read

__all__ = ["predict"]


def predict(
    folder: Path, file: Path, *, delimiter: str = ",", encoding: str = "utf-8", allow_unseen: bool = False
) -> str:
    """Return the text of a CSV file: a table, with the predictions of a model in columns at its right.

    Parameters
    ----------
    folder : that ``autograd-core train`` wrote; or the model file in it.
    file : a CSV file with the columns that the model was trained on. It may have others, and the target or not.
    delimiter, encoding : of the file; the answer has the same delimiter.
    allow_unseen : whether a category that the model has not been trained on is taken as none of those that it has.

    Raises
    ------
    ArgumentError : the model or the table cannot be used; the message names what is wrong.
    MissingExtraError : safetensors is not installed.
    """
    if folder.is_dir() and not (folder / MODEL).exists():
        raise ArgumentError(f"{folder} holds no {MODEL}: name a folder that autograd-core train wrote")
    model = TableModel.load(folder / MODEL if folder.is_dir() else folder)
    table = read(file, delimiter=delimiter, encoding=encoding)
    return table.beside(model.predictions(table, allow_unseen=allow_unseen)).to_csv()
