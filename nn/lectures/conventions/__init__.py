"""What the five lectures disagree on, and how all of them are checked."""

from nn.lectures.conventions import notations, protocol

__all__ = ["notations", "protocol"]
