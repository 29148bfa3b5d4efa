"""Every fault that a scenario can have: one of its class for each word."""

from typing import Annotated, get_args

from pydantic import Field

from sim.scenario.faults.base import Fault
from sim.scenario.faults.brokers import (
    AckLossFault,
    BrokerPauseFault,
    BrokerSlowFault,
    LeaderCrashFault,
    PowerLossFault,
    UnreachableFault,
)
from sim.scenario.faults.groups import (
    AutoscaleFault,
    BugFault,
    DatabaseFault,
    DeployFault,
    PoisonFault,
    ScaleFault,
    SeekFault,
    SnapshotHeldFault,
)
from sim.scenario.faults.processes import (
    CrashFault,
    ExitFault,
    InterruptFault,
    PartitionFault,
    PauseFault,
    RestartFault,
    SlowFault,
    TerminateFault,
)
from sim.scenario.faults.queues import RedriveFault
from sim.scenario.faults.settings import AttributesFault, ConfigsFault
from sim.scenario.faults.topics import PartitionsFault, ReshardFault

AnyFault = Annotated[
    CrashFault
    | TerminateFault
    | RestartFault
    | PauseFault
    | SlowFault
    | PartitionFault
    | DeployFault
    | ScaleFault
    | AutoscaleFault
    | DatabaseFault
    | SnapshotHeldFault
    | PoisonFault
    | SeekFault
    | BugFault
    | InterruptFault
    | ExitFault
    | UnreachableFault
    | BrokerSlowFault
    | BrokerPauseFault
    | AckLossFault
    | LeaderCrashFault
    | PowerLossFault
    | PartitionsFault
    | ReshardFault
    | ConfigsFault
    | AttributesFault
    | RedriveFault,
    Field(discriminator="fault"),
]
"""Any fault; `fault` says which."""

FAULTS: dict[str, type[Fault]] = {
    fault.model_fields["fault"].default: fault for fault in get_args(get_args(AnyFault)[0])
}
"""The class of each word, in the order in which they are told of."""
