"""History: the series of a run, as a table and a picture."""

import pickle
import sys
from copy import deepcopy

import pytest
from messages import message_of

from autograd_core import MissingExtraError
from nn import History


def history():
    found = History(step_loss=[3.0, 2.0, 1.5, 1.0])
    for i in (1, 2):
        found.note(
            {
                "loss": 2.0 / i,
                "metrics": {"accuracy": 0.5 * i},
                "validation_loss": 3.0 / i,
                "validation_metrics": {"accuracy": 0.25 * i},
                "rates": 0.1,
                "gradient_norms": {"weight": 5.0 * i},
            }
        )
    return found


def test_an_epoch_is_noted_in_every_series():
    assert history() == History(
        loss=[2.0, 1.0],
        step_loss=[3.0, 2.0, 1.5, 1.0],
        validation_loss=[3.0, 1.5],
        metrics={"accuracy": [0.5, 1.0]},
        validation_metrics={"accuracy": [0.25, 0.5]},
        gradient_norms={"weight": [5.0, 10.0]},
        rates=[0.1, 0.1],
    )


@pytest.mark.parametrize("copied", [deepcopy, lambda run: pickle.loads(pickle.dumps(run))], ids=["copy", "pickle"])
def test_a_copy_is_of_its_own(copied):
    run = history()
    twin = copied(run)
    assert twin == run
    twin.note({"loss": 0.5, "metrics": {"accuracy": 1.0}})
    assert run == history()


def test_the_frame_has_a_row_an_epoch_and_a_column_a_series():
    frame = history().to_frame()
    assert frame.index.name == "epoch"
    assert frame.index.tolist() == [1, 2]
    assert {name: column.tolist() for name, column in frame.items()} == {
        "loss": [2.0, 1.0],
        "validation loss": [3.0, 1.5],
        "accuracy": [0.5, 1.0],
        "validation accuracy": [0.25, 0.5],
        "rate": [0.1, 0.1],
        "gradient of weight": [5.0, 10.0],
    }


def test_the_frame_of_a_run_without_an_epoch_is_empty():
    assert History().to_frame().shape == (0, 0)


def test_the_plot_is_that_of_the_losses():
    (axes,) = history().plot().axes
    assert [1.0, 2.0] in [line.get_xdata().tolist() for line in axes.get_lines() if len(line.get_xdata()) == 2] or any(
        line.get_ydata().tolist() == [3.0, 1.5] for line in axes.get_lines()
    )


def test_without_pandas_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert message_of(MissingExtraError, history().to_frame) == (
        "to_frame() needs pandas, which could not be imported (import of pandas halted; None in sys.modules): "
        "pip install 'autograd-core[frame]'"
    )
