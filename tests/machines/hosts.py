"""Hosts: network namespaces of this machine, each with an address of its own, in a network that only they are in.

    the network:  a bridge in a namespace of its own
    a host:       a namespace with one interface, whose other end is a port of the bridge

Nothing outside these namespaces is touched, and they go when the tests end, even if those are killed (`guard.py`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")
NOWHERE = "02:00:00:00:00:01"
"""A hardware address that nobody has: what is sent there is lost, and nobody is told."""

_numbers = count(1)


class HostsMissing(RuntimeError):
    """This machine cannot make hosts; the message says why."""


def require() -> None:
    """Raises HostsMissing where hosts cannot be made."""
    if os.geteuid() != 0:
        raise HostsMissing("Hosts are network namespaces, which only root can make. Run these tests as root.")
    if shutil.which("ip") is None:
        raise HostsMissing("Hosts are made with the command `ip`. Install iproute2.")


@dataclass(frozen=True)
class Host:
    """One host. `words` go before a command that is to run there."""

    name: str
    address: str
    network: Network

    @property
    def namespace(self) -> str:
        return f"{self.network.name}-{self.name}"

    @property
    def port(self) -> str:
        """Where the bridge has it."""
        return f"to-{self.name}"

    @property
    def words(self) -> list[str]:
        return ["ip", "netns", "exec", self.namespace]

    # ---- what may become of its cable

    def unplug(self) -> None:
        """Its interface goes down: the host itself knows that it is cut off."""
        _ip("-n", self.namespace, "link", "set", "eth0", "down")

    def isolate(self) -> None:
        """Everything that it sends and is sent is lost on the way, and nobody is told."""
        _ip("-n", self.network.name, "link", "set", self.port, "nomaster")

    def lose(self, *others: Host) -> None:
        """It and these others do not reach each other; everybody else they do. Nobody is told."""
        for here, there in [(self, other) for other in others] + [(other, self) for other in others]:
            _ip("-n", here.namespace, "neigh", "replace", there.address, "lladdr", NOWHERE, "dev", "eth0")

    def join(self) -> None:
        """Everybody reaches it again, and it everybody."""
        _ip("-n", self.namespace, "link", "set", "eth0", "up")
        _ip("-n", self.network.name, "link", "set", self.port, "master", "bridge")
        for host in self.network.hosts:
            for here, there in ((self, host), (host, self)):
                listed = _ip("-n", here.namespace, "neigh", "show", "to", there.address)
                if NOWHERE in listed:
                    _ip("-n", here.namespace, "neigh", "del", there.address, "dev", "eth0")


class Network:
    """A private network, 10.77.0.0/16, that exists in its hosts alone."""

    def __init__(self, guard: subprocess.Popen[str]) -> None:
        self.name = f"regulars-{os.getpid()}-{next(_numbers)}"
        self.hosts: list[Host] = []
        self._guard = guard
        self._namespace(self.name)
        _ip("-n", self.name, "link", "add", "bridge", "type", "bridge")
        _ip("-n", self.name, "link", "set", "bridge", "up")

    def host(self, name: str, *, servers: bool = False) -> Host:
        """A new host. `servers`: what runs there tidies up by itself when the tests end."""
        number = len(self.hosts) + 2
        made = Host(name, f"10.77.{number // 250}.{number % 250}", self)
        self._namespace(made.namespace, " servers" if servers else "")
        peer = ("peer", "name", "eth0", "netns", made.namespace)
        _ip("-n", self.name, "link", "add", "name", made.port, "type", "veth", *peer)
        _ip("-n", self.name, "link", "set", made.port, "master", "bridge", "up")
        _ip("-n", made.namespace, "addr", "add", f"{made.address}/16", "dev", "eth0")
        for interface in ("lo", "eth0"):
            _ip("-n", made.namespace, "link", "set", interface, "up")
        self.hosts.append(made)
        return made

    def _namespace(self, name: str, kind: str = "") -> None:
        assert self._guard.stdin is not None
        self._guard.stdin.write(f"{name}{kind}\n")  # before it is made: then nothing can be left behind
        self._guard.stdin.flush()
        _ip("netns", "add", name)


@contextmanager
def network() -> Iterator[Network]:
    """A network without hosts. Raises HostsMissing."""
    require()
    guard = subprocess.Popen([sys.executable, str(GUARD)], stdin=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield Network(guard)
    finally:
        guard.communicate()


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise HostsMissing(f"`ip {' '.join(words)}` was refused: {done.stderr.strip()}")
    return done.stdout
