"""A network namespace for leat, whose only way to the engines of this machine can be cut or made a black hole.

Inside, 127.0.0.2 is the loopback, and 127.0.0.1 is this machine's: packets to it go through a pair of virtual
devices, as over a network. So engines need not be told of it, and addresses that they give to clients are right.
Only devices and namespaces made here are touched."""

import os
import pathlib
import subprocess

INSIDE = "127.0.0.2"
WRONG = "02:00:00:00:00:01"  # a neighbour that nobody is


def sh(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


class Link:
    """`cut`: the devices lose their carrier. `black_hole`: packets go, and nobody takes them."""

    made = 0

    def __init__(self):
        Link.made += 1
        number = (os.getpid() + Link.made) % 16384
        self.name = f"leat{number}"
        self.here, self.there = f"{self.name}a", f"{self.name}b"
        base = f"10.213.{number // 64}.{number % 64 * 4}".rsplit(".", 1)
        self.addresses = [f"{base[0]}.{int(base[1]) + end}" for end in (1, 2)]
        sh("ip", "netns", "add", self.name)
        try:
            self.build()
        except BaseException:
            self.close()
            raise

    def inside(self, *words):
        return ["ip", "netns", "exec", self.name, *map(str, words)]

    def build(self):
        sh("ip", "link", "add", self.here, "type", "veth", "peer", "name", self.there, "netns", self.name)
        sh("ip", "address", "add", f"{self.addresses[0]}/30", "dev", self.here)
        sh("ip", "link", "set", self.here, "up")
        pathlib.Path(f"/proc/sys/net/ipv4/conf/{self.here}/route_localnet").write_text("1")
        for command in (
            "ip link set lo up",
            "ip address del 127.0.0.1/8 dev lo",
            f"ip address add {INSIDE}/32 dev lo",
            f"ip address add {self.addresses[1]}/30 dev {self.there}",
            f"ip link set {self.there} up",
            f"sysctl -qw net.ipv4.conf.{self.there}.route_localnet=1",
            f"ip route add 127.0.0.1/32 via {self.addresses[0]} dev {self.there} src {self.addresses[1]}",
        ):
            sh(*self.inside(*command.split()))

    def cut(self):
        sh("ip", "link", "set", self.here, "down")

    def black_hole(self):
        sh("ip", "neigh", "replace", self.addresses[1], "lladdr", WRONG, "nud", "permanent", "dev", self.here)
        sh(*self.inside("ip", "neigh", "replace", self.addresses[0], "lladdr", WRONG, "nud", "permanent", "dev",
                        self.there))  # fmt: skip

    def heal(self):
        sh("ip", "link", "set", self.here, "up")
        for at, device, inside in ((self.addresses[1], self.here, False), (self.addresses[0], self.there, True)):
            words = ["ip", "neigh", "flush", "to", at, "dev", device, "nud", "permanent"]
            sh(*(self.inside(*words) if inside else words))

    def close(self):
        for words in (("link", "del", self.here), ("netns", "del", self.name)):
            subprocess.run(["ip", *words], capture_output=True, timeout=30)

