"""Practice services: small, stateful stand-ins of the providers, held to their published contracts.

A practice account is connected like any other; demo, tests and benchmark use the same services. Each connector
brings its own in `<connector>/practice.py`, as an object called `service`.
"""

from . import moment
from .service import Fault, Practice, Request, Response, json_answer

__all__ = ["Fault", "Practice", "Request", "Response", "json_answer", "moment"]
