"""Run inside a namespace: `offload.py DEVICE tso|gso|gro 0|1`, what `ethtool -K` does (linux/ethtool.h)."""

from __future__ import annotations

import array
import fcntl
import socket
import struct
import sys
from typing import Final

SIOCETHTOOL: Final = 0x8946
COMMANDS: Final = {"tso": 0x1F, "gso": 0x24, "gro": 0x2C}


def main(device: str, name: str, value: int) -> None:
    told = array.array("B", struct.pack("II", COMMANDS[name], value))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        # struct ifreq points to the command.
        fcntl.ioctl(asked, SIOCETHTOOL, struct.pack("16sP", device.encode(), told.buffer_info()[0]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
