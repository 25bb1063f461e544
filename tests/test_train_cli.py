"""autograd-core train and predict: from a table of one's own to a model, and from a model to predictions."""

import csv
import io
import os
import random
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import accuracy_score, confusion_matrix, mean_absolute_error, r2_score, root_mean_squared_error

import autograd_core
from autograd_core.cli import main
from nn import io as files
from nn import plots
from nn.application.parts import part
from nn.steps import Stepper

ROOT = Path(autograd_core.__file__).parents[1]
FILES = ["loss.png", "model.safetensors", "report.txt"]
QUICK = ["--no-progress", "--epochs", "2", "--hidden", "3"]
TINY = ["--no-progress", "--epochs", "1", "--hidden", "none"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Run in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def flats(n=60, seed=0):
    """Return a table of flats: numbers, categories, numbers that are names, and a price that depends on them."""
    rng = random.Random(seed)
    rows = []
    for _ in range(n):
        city, area, zip_code = (
            rng.choice(["Oslo", "Bergen", "Å, by"]),
            rng.randint(20, 140),
            rng.choice(["0150", "5003"]),
        )
        price = area * (60 if city == "Oslo" else 45) + rng.gauss(0.0, 50.0)
        rows.append([city, str(area), zip_code, f"{price:.1f}", "yes" if price > 4000 else "no"])
    return ["city", "area", "zip", "price", "dear"], rows


def write(name, header, rows, *, delimiter=",", encoding="utf-8"):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([header, *rows])
    Path(name).write_bytes(text.getvalue().encode(encoding))
    return name


def names(folder="."):
    return sorted(path.name for path in Path(folder).iterdir())


def ran(capsys, *words):
    """Run a command in this process, and return its status, standard output and standard error."""
    capsys.readouterr()
    try:
        status = main(words)
    except SystemExit as end:  # argparse's
        status = end.code
    return status, *capsys.readouterr()


def refused(capsys, *words):
    """Return why a command is refused, without its name; it has printed nothing else."""
    status, out, err = ran(capsys, *words)
    assert (status, out) == (1, "")
    return err.removeprefix("autograd-core: ").removesuffix("\n").replace("\n               ", "\n")


# ---------------------------------------------------------------- training and predicting

IRIS_COLUMNS = """\
iris.csv: 150 rows, 5 columns

column             read as  what is in it
sepal length (cm)  number   4.3 to 7.9
sepal width (cm)   number   2 to 4.4
petal length (cm)  number   1 to 6.9
petal width (cm)   number   0.1 to 2.5
species            target   3 classes: setosa (50), versicolor (50), virginica (50)

species is classified because it is text
rows: 96 to learn from, 24 to know when to stop, 30 held out for the test
network: 4-8-3, relu, 67 weights; Adam with lr 0.01, batches of 16, seed 0
"""


def iris():
    data = load_iris(as_frame=True)
    table = data.data.assign(species=data.target_names[data.target])
    table.to_csv("iris.csv", index=False)
    return table


def held_out(classes, seed=0):
    """Return the numbers of the rows that a run holds out."""
    return part(classes, 0.2, random.Random(seed)).held_out


def test_classes_are_learnt_reported_and_predicted(capsys):
    table = iris()
    status, out, err = ran(
        capsys, "train", "iris.csv", "--target", "species", "--hidden", "8", "--no-progress", "--epochs", "15"
    )
    assert (status, err) == (0, "")
    assert out.startswith(IRIS_COLUMNS)
    assert names("iris_model") == FILES
    assert Path("iris_model/report.txt").read_text() in out
    assert out.endswith(
        "\nwrote iris_model/model.safetensors, iris_model/report.txt, iris_model/loss.png\n"
        "to predict: autograd-core predict iris_model FILE.csv\n"
    )
    assert ran(capsys, "predict", "iris_model", "iris.csv", "-o", "out.csv") == (0, "wrote out.csv\n", "")
    found = pd.read_csv("out.csv")
    species = table["species"].unique().tolist()
    assert found.columns.tolist() == [*table.columns, "species_predicted", *[f"P(species={name})" for name in species]]
    pd.testing.assert_frame_equal(found[table.columns], table)
    chances = found.iloc[:, -3:].to_numpy()
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, atol=1e-8)
    assert [species[k] for k in chances.argmax(axis=1)] == found["species_predicted"].tolist()

    test = found.iloc[held_out(table["species"].tolist())]
    accuracy = accuracy_score(test["species"], test["species_predicted"])
    assert accuracy >= 0.85
    right = round(30 * accuracy)
    assert f"accuracy  {right} of 30 = {100 * accuracy:.1f} %  10 of 30 = 33.3 %" in re.sub(" {2,}", "  ", out)
    rows = out[out.index("true \\ guessed") :].splitlines()[1:4]
    matrix = confusion_matrix(test["species"], test["species_predicted"])
    assert [[int(count) for count in row.split()[1:4]] for row in rows] == matrix.tolist()


def test_a_number_is_learnt_reported_and_predicted(capsys):
    load_diabetes(as_frame=True).frame.to_csv("d.csv", index=False)
    words = ["--target", "target", "--hidden", "4", "--no-progress", "--l2", "0.0001", "--epochs", "12"]
    status, out, err = ran(capsys, "train", "d.csv", *words)
    assert (status, err) == (0, "")
    assert "\ntarget is computed because it is a number; say --task classification to make a class of each\n" in out
    assert "\nnetwork: 10-4-1, relu, 49 weights; Adam with lr 0.01, l2 0.0001, batches of 16, seed 0\n" in out
    status, table, err = ran(capsys, "predict", "d_model", "d.csv")
    assert (status, err) == (0, "")
    found = pd.read_csv(io.StringIO(table))
    assert found.columns.tolist()[-2:] == ["target", "target_predicted"]
    parts = part([None] * len(found), 0.2, random.Random(0))
    test, mean = found.iloc[parts.held_out], found["target"].iloc[parts.training].mean()
    truth, guess, base = test["target"], test["target_predicted"], np.full(len(test), mean)
    assert r2_score(truth, guess) > 0.4
    shown = {line.split("  ")[0]: line.split()[-2:] for line in out.splitlines() if "  " in line}
    assert shown["R²"] == [f"{r2_score(truth, x):.3f}" for x in (guess, base)]
    assert shown["mean absolute error"] == [f"{mean_absolute_error(truth, x):.5g}" for x in (guess, base)]
    assert shown["root mean squared error"] == [f"{root_mean_squared_error(truth, x):.5g}" for x in (guess, base)]


def test_text_gaps_zip_codes_and_two_classes_go_together(capsys):
    header, rows = flats()
    rows[3][1], rows[5][0] = "", "NA"
    write("f.csv", header, rows, delimiter=";", encoding="latin-1")
    there = ["--delimiter", ";", "--encoding", "latin-1"]
    words = ["--target", "dear", "--drop", "price", "--categorical", "zip", "--impute"]
    status, out, err = ran(capsys, "train", "f.csv", *there, *words, "--epochs", "30", "--no-progress", "--out", "m")
    assert (status, err) == (0, "")
    counts = [sum(row[-1] == answer for row in rows) for answer in ("no", "yes")]
    areas = sorted(int(row[1]) for row in rows if row[1])
    cities = ", ".join(sorted({row[0] for row in rows} - {"NA"}))
    fill = re.search(r"1 missing, ('\S+') stands in", out)[1]
    assert out[out.index("\ncolumn ") :].split("\n\n")[0].splitlines()[2:] == [
        f"city    category  3: {cities}; 1 missing, {fill} stands in",
        f"area    number    {areas[0]} to {areas[-1]}; 1 missing, the median stands in",
        "zip     category  2: 0150, 5003; taken as text with --categorical",
        "price   left out  with --drop",
        f"dear    target    2 classes: no ({counts[0]}), yes ({counts[1]})",
    ]
    assert "network: 6-16-16-1, relu," in out
    status, table, err = ran(capsys, "predict", "m", "f.csv", *there)
    assert (status, err) == (0, "")
    found = list(csv.reader(io.StringIO(table), delimiter=";"))
    assert [row[:5] for row in found] == [header, *rows]
    assert found[0][5:] == ["dear_predicted", "P(dear=no)", "P(dear=yes)"]
    assert sum(row[4] == row[5] for row in found[1:]) > 0.9 * len(rows)
    assert all((float(row[7]) > 0.5) == (row[5] == "yes") for row in found[1:])


def test_the_target_may_be_missing_and_columns_stand_in_any_order(capsys):
    header, rows = flats()
    write("f.csv", header, rows)
    assert ran(capsys, "train", "f.csv", "--target", "price", *QUICK)[0] == 0
    first = pd.read_csv(io.StringIO(ran(capsys, "predict", "f_model", "f.csv")[1]), dtype=str)
    turned = [[row[2], "kept, as it is", row[4], row[1], row[0]] for row in rows]
    write("new.csv", ["zip", "note", "dear", "area", "city"], turned)
    second = pd.read_csv(io.StringIO(ran(capsys, "predict", "f_model", "new.csv")[1]), dtype=str)
    assert second.columns.tolist() == ["zip", "note", "dear", "area", "city", "price_predicted"]
    assert second["note"].unique().tolist() == ["kept, as it is"]
    assert second["price_predicted"].tolist() == first["price_predicted"].tolist()


def test_an_unknown_category_is_named_or_taken_as_none(capsys):
    header, rows = flats()
    write("f.csv", header, rows)
    assert ran(capsys, "train", "f.csv", "--target", "price", *QUICK)[0] == 0
    write("new.csv", header, [["Bodø", *rows[0][1:]]])
    assert refused(capsys, "predict", "f_model", "new.csv") == (
        "new.csv, line 2, column 'city': 'Bodø' is in no row that was trained on, only Bergen, Oslo, Å, by: mend it, or "
        "take it as none of them with --allow-unseen"
    )
    status, out, err = ran(capsys, "predict", "f_model", "new.csv", "--allow-unseen")
    assert (status, err) == (0, "")
    assert len(out.splitlines()) == 2


def test_a_category_that_is_in_no_row_to_train_on_is_reported_and_does_not_stop_the_run(capsys):
    header, rows = flats()
    parts = part([None] * len(rows), 0.2, random.Random(0))
    rows[parts.held_out[0]][0], rows[parts.validation[0]][0] = "Bodø", "Narvik"
    write("f.csv", header, rows)
    status, out, err = ran(capsys, "train", "f.csv", "--target", "price", *QUICK)
    assert (status, err) == (0, "")
    new = sorted(["Bodø", "Narvik"], key=[row[0] for row in rows].index)
    assert f"; none of them in rows that are not trained on: {', '.join(new)}\n" in out


# ---------------------------------------------------------------- what is kept


def content(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_the_same_file_and_seed_give_the_same_bytes_and_another_seed_others(capsys):
    write("f.csv", *flats())
    kept = []
    for seed, out in (("0", "a"), ("0", "b"), ("1", "c")):
        assert ran(capsys, "train", "f.csv", "--target", "price", *QUICK, "--seed", seed, "--out", out)[0] == 0
        kept.append(content(out))
    assert kept[0] == kept[1]
    assert [name for name in FILES if kept[0][name] == kept[2][name]] == []


def test_a_held_out_row_changes_nothing_that_is_learnt(capsys):
    header, rows = flats()
    write("f.csv", header, rows)
    assert ran(capsys, "train", "f.csv", "--target", "price", *QUICK, "--out", "a")[0] == 0
    row = held_out([None] * len(rows))[0]
    rows[row] = ["Bodø", "900", rows[row][2], "1.5", rows[row][4]]
    write("f.csv", header, rows)
    assert ran(capsys, "train", "f.csv", "--target", "price", *QUICK, "--out", "b")[0] == 0
    a, b = content("a"), content("b")
    assert (a["model.safetensors"], a["loss.png"]) == (b["model.safetensors"], b["loss.png"])
    assert a["report.txt"] != b["report.txt"]


def test_everything_that_a_prediction_needs_is_in_the_model_file(capsys):
    write("f.csv", *flats())
    assert ran(capsys, "train", "f.csv", "--target", "price", *QUICK)[0] == 0
    arrays, about = files.read("f_model/model.safetensors", kind="model")
    assert {name: array.shape for name, array in arrays.items()} == {
        "layers.0.weight": (3, 7), "layers.0.bias": (3,), "layers.1.weight": (1, 3), "layers.1.bias": (1,),
    }  # fmt: skip
    assert (about["target"]["name"], [column["name"] for column in about["columns"]]) == (
        "price",
        ["city", "area", "zip", "dear"],
    )
    assert (about["settings"]["seed"], about["settings"]["hidden"]) == (0, [3])
    whole = ran(capsys, "predict", "f_model", "f.csv")
    Path("f_model/model.safetensors").rename("alone")
    assert ran(capsys, "predict", "alone", "f.csv") == whole


def weights(folder):
    arrays, _ = files.read(f"{folder}/model.safetensors", kind="model")
    return {name: array.tolist() for name, array in arrays.items()}


@pytest.mark.parametrize(
    "words",
    [
        ["--l2", "1"], ["--lr", "0.1"], ["--batch-size", "5"], ["--activation", "tanh"], ["--hidden", "2,2"], ["--epochs", "3"],
        ["--held-out", "0.4"], ["--drop", "city"], ["--categorical", "zip"],
    ],
)  # fmt: skip
def test_every_setting_has_a_part_in_what_is_learnt(capsys, words):
    write("f.csv", *flats())
    assert ran(capsys, "train", "f.csv", "--target", "price", *QUICK, "--out", "a")[0] == 0
    assert ran(capsys, "train", "f.csv", "--target", "price", *QUICK, *words, "--out", "b")[0] == 0
    assert weights("a") != weights("b")


def test_training_ends_when_patience_does_with_the_best_weights(capsys):
    write("f.csv", *flats())
    words = ["--target", "price", "--lr", "0.5", "--hidden", "2", "--no-progress"]
    out = ran(capsys, "train", "f.csv", *words, "--patience", "2", "--epochs", "500", "--out", "a")[1]
    epochs, best = re.search(
        r"^stopped after (\d+) epochs: the validation loss did not fall for 2 epochs; it was lowest in epoch (\d+), and its "
        r"weights are kept$", out, re.MULTILINE,
    ).groups()  # fmt: skip
    assert int(epochs) == int(best) + 2
    out = ran(capsys, "train", "f.csv", *words, "--epochs", best, "--out", "b")[1]
    assert f"\nwent through all of {best} epochs; the weights are those of epoch {best}, with the lowest" in out
    assert weights("a") == weights("b")


def test_an_earlier_model_is_replaced_and_nothing_else_is(capsys):
    write("f.csv", *flats())
    words = ["train", "f.csv", "--target", "price", *QUICK]
    assert ran(capsys, *words)[0] == 0
    first = content("f_model")
    assert ran(capsys, *words, "--seed", "1")[0] == 0
    assert content("f_model").keys() == first.keys()
    assert content("f_model") != first

    def other(name, what):
        return (
            f"f_model is a folder that holds something else than an earlier model, such as {name}: choose another with "
            f"--out, or write into it with --force"
        )

    Path("f_model/thesis.tex").write_text("years of work")
    before = content("f_model")
    assert refused(capsys, *words) == other("thesis.tex", before)
    assert content("f_model") == before
    assert ran(capsys, *words, "--force")[0] == 0
    after = content("f_model")
    assert after == {**first, "thesis.tex": b"years of work"}

    Path("f_model/thesis.tex").unlink()
    Path("f_model/model.safetensors").write_bytes(b"weights of somebody else")
    assert refused(capsys, *words) == other("loss.png", before)
    assert Path("f_model/model.safetensors").read_bytes() == b"weights of somebody else"


def test_a_folder_that_cannot_be_made_is_refused_before_any_training(capsys):
    write("f.csv", *flats())
    assert refused(capsys, "train", "f.csv", "--target", "price", "--out", "f.csv") == (
        "no model can be written to f.csv (File exists): choose another folder with --out"
    )


def test_a_folder_that_takes_no_file_is_refused_before_any_training(capsys, monkeypatch):
    def closed(**_):
        raise PermissionError(13, "Permission denied")

    write("f.csv", *flats())
    monkeypatch.setattr("nn.application.model.TemporaryFile", closed)
    assert refused(capsys, "train", "f.csv", "--target", "price", "--out", "m") == (
        "no model can be written to m (Permission denied): choose another folder with --out"
    )
    assert names("m") == []


def test_the_table_itself_is_not_written_over(capsys):
    write("f.csv", *flats())
    before = Path("f.csv").read_bytes()
    assert ran(capsys, "train", "f.csv", "--target", "price", *TINY)[0] == 0
    assert (
        refused(capsys, "predict", "f_model", "f.csv", "-o", "./f.csv")
        == "f.csv is the table itself: choose another place with -o"
    )
    assert Path("f.csv").read_bytes() == before
    Path("own").mkdir()
    write("own/report.txt", *flats())
    before = Path("own/report.txt").read_bytes()
    assert refused(capsys, "train", "own/report.txt", "--target", "price", *TINY, "--out", "own", "--force") == (
        "own/report.txt would be written over by the model: choose another folder with --out"
    )
    assert Path("own/report.txt").read_bytes() == before


@pytest.mark.parametrize("model", ["f_model", "f_model/model.safetensors"])
def test_the_model_itself_is_not_written_over(capsys, model):
    write("f.csv", *flats())
    assert ran(capsys, "train", "f.csv", "--target", "price", *TINY)[0] == 0
    before = content("f_model")
    assert refused(capsys, "predict", model, "f.csv", "-o", "f_model/model.safetensors") == (
        "f_model/model.safetensors is the model itself: choose another place with -o"
    )
    assert content("f_model") == before


def test_what_was_learnt_is_kept_even_if_its_picture_is_not(capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    write("f.csv", *flats())
    words = ["train", "f.csv", "--target", "price", *TINY]
    with monkeypatch.context() as patch:
        patch.setattr(plots, "save", interrupted)
        assert ran(capsys, *words)[0] == 130
    assert ran(capsys, "predict", "f_model", "f.csv")[0] == 0
    assert ran(capsys, *words)[0] == 0


# ---------------------------------------------------------------- what is refused


def made(name, value):
    header, rows = flats(20)
    return write("f.csv", [*header, name], [[*row, value(i)] for i, row in enumerate(rows)])


GAPS = "fill in what is missing, let medians and the most frequent categories stand in with --impute, or leave the column out with --drop new"

NAMES = (
    "f.csv: column 'new' has 20 different texts in 20 rows, as names or numbers of things do, from which nothing can be "
    "learnt: leave it out with --drop new, or insist with --categorical new"
)
SLIP = (
    "f.csv, line 5, column 'new': 'l' is no number, as 19 others in the column are: mend it, or take them all as text with "
    "--categorical new"
)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda i: "" if i == 3 else "1.5", f"f.csv lacks 1 value: line 5, column 'new' ('')\n{GAPS}"),
        (lambda i: f"Ann {i}", NAMES),
        (lambda i: "1e999" if i == 3 else str(i), "f.csv, line 5, column 'new': '1e999' is no finite number: mend it, or leave it empty"),
        (lambda i: "l" if i == 3 else str(i), SLIP),
    ],
)  # fmt: skip
def test_a_column_that_cannot_be_used_is_named(capsys, value, message):
    made("new", value)
    assert refused(capsys, "train", "f.csv", "--target", "price", *TINY) == message
    assert names() == ["f.csv"]
    assert ran(capsys, "train", "f.csv", "--target", "price", "--drop", "new", *TINY)[0] == 0


SINGLE = "a class takes one row to learn it from and one to test it on"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "prise"], "f.csv has no column 'prise': did you mean 'price'? it has city, area, zip, price, dear, const"),
        (
            ["--target", "price", "--drop", "Area", "--categorical", "zap"],
            "f.csv has no columns 'Area', 'zap': did you mean 'area', 'zip'? it has city, area, zip, price, dear, const",
        ),
        (["--target", "price", "--drop", "price"], "'price' is the target and cannot be left out: take it from what is dropped"),
        (
            ["--target", "zip", "--categorical", "zip"],
            "'zip' is the target: say --task classification to take its numbers as classes",
        ),
        (["--target", "const"], "the target 'const' is '7' in every row: there is nothing to predict"),
        (["--target", "city", "--task", "regression"], "f.csv, line 2, column 'city': 'Bergen' is no number: write one such as -0.5 or 1e-3"),
        (
            ["--target", "price", *[word for name in ("city", "area", "zip", "dear") for word in ("--drop", name)]],
            "f.csv has no column left to learn from (const is the same in every row to train on): add one that varies",
        ),
        (["--target", "price", "--held-out", "1.5"], "held_out is 1.5: pass a part between 0 and 1, such as 0.2"),
        (["--target", "price", "--epochs", "0"], "epochs is 0: pass a whole number from 1 up"),
        (["--target", "price", "--hidden", "3,0"], "a hidden layer is 0: pass a whole number from 1 up"),
        (["--target", "price", "--lr", "nan"], "lr is nan: pass a finite number from 0 up"),
        (["--target", "price", "--l2", "-1"], "l2 is -1.0: pass a finite number from 0 up"),
        (["--target", "price", "--delimiter", "ab"], "the delimiter is 'ab': pass one character, such as ';', or the word tab"),
    ],
)  # fmt: skip
def test_words_that_cannot_be_meant_are_refused(capsys, words, message):
    made("const", lambda _: "7")
    assert refused(capsys, "train", "f.csv", *words) == message
    assert names() == ["f.csv"]


def test_sizes_that_are_none_are_refused_by_the_parser(capsys):
    status, out, err = ran(capsys, "train", "f.csv", "--target", "y", "--hidden", "16;16")
    assert (status, out) == (2, "")
    assert err.splitlines()[-1] == (
        "autograd-core train: error: argument --hidden: '16;16' names no sizes: write them as in 16,16, or none"
    )


def test_too_few_rows_are_refused(capsys):
    write("f.csv", *flats(9))
    assert refused(capsys, "train", "f.csv", "--target", "price") == (
        "there are 9 rows, and 10 are the least to learn from: add rows"
    )


def test_training_that_diverges_is_explained_and_leaves_no_model(capsys):
    write("f.csv", *flats())
    with np.errstate(all="ignore"):
        status, _, err = ran(capsys, "train", "f.csv", "--target", "price", "--lr", "1e300", "--no-progress")
    assert status == 1
    assert err.startswith("autograd-core: training went astray: ")
    assert err.endswith("\n               try a smaller --lr\n")
    assert names("f_model") == []


def test_a_model_no_better_than_a_guess_is_called_that(capsys):
    rng = random.Random(1)
    write("f.csv", ["x", "y"], [[rng.random(), rng.choice("aab")] for _ in range(30)])
    assert (
        "\n\nthat is no better than always guessing 'a'\n" in ran(capsys, "train", "f.csv", "--target", "y", *TINY)[1]
    )
    write("g.csv", ["x", "y"], [[rng.random(), rng.gauss(0, 1)] for _ in range(30)])
    assert (
        "\n\nthat is no better than always guessing the mean\n"
        in ran(capsys, "train", "g.csv", "--target", "y", *TINY)[1]
    )


def test_what_cannot_be_predicted_from_is_named(capsys):
    header, rows = flats()
    write("f.csv", header, rows)
    assert ran(capsys, "train", "f.csv", "--target", "price", *TINY)[0] == 0
    said = ran(capsys, "predict", "f_model", "f.csv")[1]
    Path("twice.csv").write_text(said)
    write("few.csv", ["Area", "zip", "dear", "town"], [["1", "5003", "no", "Oslo"]])
    write("bad.csv", header, [rows[0], ["Oslo", "wide", *rows[0][2:]]])
    write("gap.csv", header, [["Oslo", " ", *rows[0][2:]]])
    Path("empty").mkdir()
    Path("report.txt").write_text("no model")
    for words, message in [
        (["f_model", "few.csv"], "few.csv has no columns 'city', 'area': did you mean 'Area'? it has Area, zip, dear, town"),
        (["f_model", "bad.csv"], "bad.csv, line 3, column 'area': 'wide' is no number: write one such as -0.5 or 1e-3"),
        (["f_model", "gap.csv"], "gap.csv, line 2, column 'area': there is no value (''): fill it in, or train with --impute"),
        (["f_model", "twice.csv"], "twice.csv has a column 'price_predicted' already, which is to be added: rename it or leave it out"),
        (["f_model", "gab.csv"], "there is no file gab.csv: did you mean gap.csv?"),
        (["empty", "f.csv"], "empty holds no model.safetensors: name a folder that autograd-core train wrote"),
        (["f_model", "f.csv", "-o", "no/where.csv"], "no/where.csv cannot be written (No such file or directory): choose another place with -o"),
    ]:  # fmt: skip
        assert refused(capsys, "predict", *words) == message
    assert refused(capsys, "predict", "report.txt", "f.csv").startswith("report.txt is no safetensors file")


ABOUT = {
    "activation": "relu",
    "columns": [{"name": "area", "mean": 1.0, "deviation": 2.0, "fill": None}],
    "target": {"name": "price", "mean": 0.0, "deviation": 1.0},
}
ARRAYS = {"layers.0.weight": np.ones((1, 1)), "layers.0.bias": np.ones(1)}
DEEP = {**ARRAYS, "layers.1.weight": np.ones((1, 1)), "layers.1.bias": np.ones(1)}


@pytest.mark.parametrize(
    ("arrays", "about"),
    [
        ({}, {}), ({}, ABOUT), (ARRAYS, {}), (ARRAYS, {**ABOUT, "columns": []}), (ARRAYS, {**ABOUT, "columns": "area"}),
        (DEEP, {**ABOUT, "activation": 3}), (DEEP, {**ABOUT, "activation": "sine"}), (ARRAYS, {**ABOUT, "target": []}),
        (ARRAYS, {**ABOUT, "target": {"name": "y", "labels": ["a", "b", "c"]}}),
        ({**ARRAYS, "layers.0.weight": np.ones((1, 2))}, ABOUT), ({**ARRAYS, "layers.0.weight": np.ones(())}, ABOUT),
        ({**ARRAYS, "layers.0.bias": np.ones(2)}, ABOUT), ({"x": np.ones(1), "y": np.ones(1)}, ABOUT),
        ({**ARRAYS, "layers.1.weight": np.ones((1, 7)), "layers.1.bias": np.ones(1)}, ABOUT),
        ({**ARRAYS, "layers.7.bias": np.ones(1)}, ABOUT),
        (ARRAYS, {**ABOUT, "target": {"name": "y", "labels": []}}), (ARRAYS, {**ABOUT, "target": {"name": "y", "labels": ["a"]}}),
        (ARRAYS, {**ABOUT, "target": {"name": "y", "mean": 10**400, "deviation": 1.0}}),
        (ARRAYS, {**ABOUT, "columns": [{"name": "area", "mean": 10**400, "deviation": 1.0, "fill": None}]}),
        (ARRAYS, {**ABOUT, "columns": [{"name": "city", "categories": ["a"], "fill": []}]}),
        (
            {**ARRAYS, "layers.0.weight": np.ones((1, 2))},
            {**ABOUT, "columns": [{"name": "city", "categories": ["a", "a"], "fill": None}]},
        ),
    ],
)  # fmt: skip
def test_a_model_file_with_something_else_in_it_is_refused(capsys, arrays, about):
    write("f.csv", *flats())
    files.write("m", arrays, about, kind="model")
    assert re.fullmatch(
        r"m holds a model that cannot be used \(.*\): train it again", refused(capsys, "predict", "m", "f.csv")
    )


def test_a_model_whose_output_is_not_finite_is_refused(capsys):
    write("f.csv", *flats())
    files.write("m", {**ARRAYS, "layers.0.weight": np.full((1, 1), 1.7e308)}, ABOUT, kind="model")
    assert refused(capsys, "predict", "m", "f.csv") == (
        "f.csv, line 2: the network's output is not finite: its weights are of no use, so train it again"
    )


# ---------------------------------------------------------------- as programs


def start(*words, seed="random"):
    """Start the program; Ctrl-C reaches it even where the tests run in the background and ignore it."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "autograd_core", *words],
            env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip
    finally:
        signal.signal(signal.SIGINT, before)


def test_two_programs_with_other_hash_seeds_write_the_same_bytes():
    write("f.csv", *flats())
    programs = [start("train", "f.csv", "--target", "dear", *QUICK, "--out", f"m{i}", seed=i) for i in ("1", "2")]
    outs = [program.communicate(timeout=60) for program in programs]
    assert [program.returncode for program in programs] == [0, 0], outs
    assert content("m1") == content("m2")
    assert [err for _, err in outs] == ["", ""]
    assert outs[0][0].replace("m1", "m2") == outs[1][0]


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="needs /dev/stdout")
def test_predictions_go_into_a_pipe_with_nothing_after_them(capsys):
    write("f.csv", *flats())
    assert ran(capsys, "train", "f.csv", "--target", "price", *TINY)[0] == 0
    program = start("predict", "f_model", "f.csv", "-o", "/dev/stdout")
    assert program.communicate(timeout=60) == ran(capsys, "predict", "f_model", "f.csv")[1:]
    assert program.returncode == 0


def test_a_program_without_standard_output_and_error_still_learns(capsys, monkeypatch):
    write("f.csv", *flats())
    words = ["train", "f.csv", "--target", "price", *TINY, "--out", "my model"]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        patch.setattr(sys, "stderr", None)
        assert main([*words[:4], *TINY[1:], *words[-2:]]) == 0
        assert main(["predict", "my model", "none.csv"]) == 1
        sys.stdout.close()
        sys.stderr.close()
    assert names("my model") == FILES
    assert ran(capsys, *words)[1].endswith("\nto predict: autograd-core predict 'my model' FILE.csv\n")


def test_ctrl_c_keeps_what_was_learnt(capsys):
    write("f.csv", *flats(200))
    with start("train", "f.csv", "--target", "price", "--epochs", "100000", "--patience", "100000") as program:
        watchdog = Timer(60, program.kill)
        watchdog.start()
        seen = ""
        while "validation" not in seen:
            character = program.stderr.read(1)
            assert character, f"the program ended before it could be stopped: {seen}"
            seen += character
        program.send_signal(signal.SIGINT)
        out, err = program.communicate()
        watchdog.cancel()
    assert program.returncode == 0, err
    assert "Traceback" not in err
    assert re.search(
        r"^stopped by Ctrl-C after \d+ epochs?; the weights are those of epoch \d+, with the lowest validation loss$",
        out,
        re.MULTILINE,
    )
    assert names("f_model") == FILES
    assert ran(capsys, "predict", "f_model", "f.csv")[0] == 0


def test_ctrl_c_in_the_first_epoch_keeps_what_its_steps_have_taught(capsys, monkeypatch):
    step, taken = Stepper.step, []

    def second_is_interrupted(self, *what):
        taken.append(what)
        if len(taken) > 1:
            raise KeyboardInterrupt
        return step(self, *what)

    monkeypatch.setattr(Stepper, "step", second_is_interrupted)
    write("f.csv", *flats())
    status, out, err = ran(capsys, "train", "f.csv", "--target", "price", *QUICK)
    assert (status, err) == (0, "")
    assert "\nstopped by Ctrl-C after 0 epochs; the weights are those of the last step\n" in out
    assert names("f_model") == FILES
    assert ran(capsys, "predict", "f_model", "f.csv")[0] == 0


def test_ctrl_c_before_the_first_step_keeps_an_earlier_model(capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    write("f.csv", *flats())
    words = ["train", "f.csv", "--target", "price", *QUICK]
    assert ran(capsys, *words)[0] == 0
    before = content("f_model")
    monkeypatch.setattr(Stepper, "step", interrupted)
    status, _, err = ran(capsys, *words)
    assert (status, err) == (130, "autograd-core: stopped by Ctrl-C\n")
    assert content("f_model") == before


BLOCKED = """
import sys
sys.modules.update({name: None for name in %r})
from autograd_core.cli import main
sys.exit(main(%r))
"""


@pytest.mark.parametrize(("package", "extra"), [("safetensors", "train"), ("tqdm", "train"), ("matplotlib", "plot")])
def test_a_missing_extra_is_named_before_any_training(package, extra):
    write("f.csv", *flats())
    code = BLOCKED % ([package], ["train", "f.csv", "--target", "price"])
    program = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert (program.returncode, program.stdout) == (1, "")
    assert program.stderr == (
        f"autograd-core: autograd-core train needs {package}, which could not be imported (import of {package} halted; None "
        f"in sys.modules): pip install 'autograd-core[{extra}]'\n"
    )
    assert names() == ["f.csv"]


# ---------------------------------------------------------------- fuzz

PIECES = [
    b"", b'"', b",", b"\n", b"\r", b"\0", b";", b"\t", b"\xff", b"\xef\xbb\xbf", b"NA", b"1e999", b"-inf", b"nan", b"1e150", b'""',
    b'"\n', b"9" * 400, b"'", b"\x1b[31m", "é".encode("utf-16"), b"=1+1", b"0x10", b" ", b",,,", b"\x85", "\u2028".encode(),
]  # fmt: skip


def mutated(raw, rng):  # noqa: PLR0911 - one for each way to go wrong
    """Return the bytes of a table with something wrong in it, most of the time."""
    kind = rng.randrange(14)
    text = raw.decode()
    if kind == 0:
        return raw[: rng.randrange(len(raw))]
    if kind == 1:
        return bytes([rng.randrange(256) for _ in range(rng.randrange(300))])
    if kind == 2:
        return text.encode(rng.choice(["utf-16", "utf-32", "utf-16-be", "utf-8-sig", "cp1252", "utf-7", "cp037"]))
    if kind == 3:
        return text.replace(",", rng.choice(";\t| :")).encode()
    if kind == 4:
        return text.replace("\n", rng.choice(["\r", "\r\n", "\n\n", "\n\r", ""])).encode()
    if kind == 5:
        return (text + '"' + "x" * rng.choice([10, 200_000])).encode()
    if kind == 6:
        lines = text.splitlines(keepends=True)
        rng.shuffle(lines)
        return "".join(lines[: rng.randrange(len(lines) + 1)]).encode()
    changed = bytearray(raw)
    if kind >= 11:
        changed[rng.randrange(20, len(raw))] = rng.choice(b"0123456789abc")
        return bytes(changed)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(changed) + 1)
        changed[at : at + rng.randrange(4)] = rng.choice(PIECES)
    return bytes(changed)


@contextmanager
def no_longer_than(seconds):
    def late(*_):
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs an alarm")
def test_no_malformed_table_ends_in_a_traceback_or_a_hang_or_writes_over_anything(capsys):
    rng = random.Random(0)
    header, rows = flats(14, seed=3)
    good = write("good.csv", header, rows)
    assert ran(capsys, "train", good, "--target", "price", *TINY, "--impute")[0] == 0
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("mine")
    raw, statuses = Path(good).read_bytes(), []
    kept = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    for i in range(150):
        Path("bad.csv").write_bytes(bad := mutated(raw, rng))
        options = rng.choice([[], [], ["--impute"], ["--delimiter", ";"], ["--encoding", "latin-1"], ["--drop", "zip"]])
        target, out = rng.choice(["price", "area", "dear"]), rng.choice(["bad_model", "bad_model", "mine", f"new{i}"])
        with no_longer_than(20):
            status, _, err = ran(capsys, "train", "bad.csv", "--target", target, *TINY, *options, "--out", out)
            statuses.append(status)
            assert (status, err == "") in [(0, True), (1, False)], (i, err)
            status, _, err = ran(capsys, "predict", "good_model", "bad.csv", "--allow-unseen", "-o", "out.csv")
            assert (status, err == "") in [(0, True), (1, False)], (i, err)
            assert max(map(len, err.splitlines()), default=0) < 700
        assert Path("bad.csv").read_bytes() == bad
        assert {path: path.read_bytes() for path in kept} == kept
        assert names("mine") == ["notes.txt"]
    assert 15 < statuses.count(0) < 135
