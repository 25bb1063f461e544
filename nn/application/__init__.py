"""The programs behind ``autograd-core train`` and ``autograd-core predict``: from a table to a model, and back."""

from nn.application.member import train_together
from nn.application.model import MODEL
from nn.application.prediction import predict
from nn.application.settings import Settings
from nn.application.training import train

__all__ = ["MODEL", "Settings", "predict", "train", "train_together"]
