"""What administrators work with."""

from dataclasses import dataclass

from soundstrip_gateway.allowances import Allowances
from soundstrip_gateway.audit import Audit
from soundstrip_gateway.stock import Stock
from soundstrip_gateway.sweeps import Sweeps
from soundstrip_gateway.valve import Valve
from soundstrip_storage.connection import Documents


@dataclass(frozen=True)
class Office:
    """The adapters behind the administrators' routes."""

    allowances: Allowances
    audit: Audit
    stock: Stock
    sweeps: Sweeps
    valve: Valve


def build_office(database: Documents, allowances: Allowances, valve: Valve, install: str) -> Office:
    """Return an office over these stores."""
    return Office(allowances, Audit(database), Stock(database), Sweeps(database, install), valve)
