"""Every resource type, in the order of dependency: a type refers only to those above it. To add one: a file here, a row below, its columns in a migration."""

from __future__ import annotations

from typing import Final

from services.recorder.resources.az import AZ
from services.recorder.resources.contract import ResourceType
from services.recorder.resources.host import HOST
from services.recorder.resources.ip_resource import IP_RESOURCE
from services.recorder.resources.process import PROCESS
from services.recorder.resources.region import REGION
from services.recorder.resources.subnet import SUBNET
from services.recorder.resources.vinterface import VINTERFACE
from services.recorder.resources.vinterface_ip import VINTERFACE_IP
from services.recorder.resources.vm import VM
from services.recorder.resources.vpc import VPC

RESOURCES: Final[tuple[ResourceType, ...]] = (REGION, AZ, VPC, SUBNET, HOST, VM, VINTERFACE, VINTERFACE_IP, IP_RESOURCE, PROCESS)
