"""The stepper: a graph's forward and backward pass, one node and one edge at a time.

events.py holds what happens, as plain data, and rules.py the rule of each op in symbols. The rest are views of these:
text.py a table for a terminal, page.py HTML that needs nothing else, widget.py a Jupyter widget. The last two share
view.js and view.css.
"""

from autograd_core.stepper.events import Backward, Event, Forward, Node
from autograd_core.stepper.steps import Steps, step

__all__ = ["Backward", "Event", "Forward", "Node", "Steps", "step"]
