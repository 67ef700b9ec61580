# tests/integration/redis_cluster.py -- a Redis Cluster on loopback, made by hand: masters and their replicas.
#
#     with RedisCluster(masters=3, replicas=1, node_timeout_ms=2000) as cluster:
#         cluster.owner(slot_of("k")).port
#         cluster.kill_master(slot)          # and taken_over() waits for its successor
#         cluster.move_slot(slot, to)        # MIGRATE and all, as redis-cli --cluster reshard does
#
# Made with CLUSTER MEET and ADDSLOTSRANGE rather than `redis-cli --cluster create`, which waits in whole
# seconds. The bus has a free port of its own (cluster-port), so that many clusters fit on a machine.
from redis_server import RedisServer, until

SLOTS = 16384


def slot_of(key):
    """CRC16/XMODEM of the part in braces, or of the key."""
    data = key if isinstance(key, bytes) else key.encode()
    begin = data.find(b"{")
    if begin >= 0:
        end = data.find(b"}", begin + 1)
        if end > begin + 1:
            data = data[begin + 1:end]
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc % SLOTS


class RedisCluster:
    """Servers 0 .. masters-1 begin as masters, the rest as their replicas in the same order."""

    def __init__(self, *options, masters=3, replicas=1, node_timeout_ms=2000, full_coverage=False):
        self._options = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(node_timeout_ms),
                         "--cluster-require-full-coverage", "yes" if full_coverage else "no",
                         "--repl-diskless-sync-delay", "0", *options)
        self._masters, self._replicas = masters, replicas
        self.servers = []

    def __enter__(self):
        try:
            for _ in range(self._masters * (1 + self._replicas)):
                self.servers.append(RedisServer(*self._options).__enter__())
            self._join()
            return self
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def _join(self):
        first, masters = self.servers[0], self.servers[:self._masters]
        step = -(-SLOTS // self._masters)
        for number, server in enumerate(self.servers):
            server("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number:
                server("CLUSTER", "MEET", "127.0.0.1", first.port, first.bus_port)
        for number, server in enumerate(masters):
            server("CLUSTER", "ADDSLOTSRANGE", number * step, min(SLOTS, (number + 1) * step) - 1)
        until(lambda: all(self._knows(server) == len(self.servers) for server in self.servers),
              "the nodes know one another")
        for number, server in enumerate(self.servers[self._masters:]):
            server("CLUSTER", "REPLICATE", self.id_of(masters[number % self._masters]))
        until(lambda: all(server.info("replication", "master_link_status") == "up"
                          for server in self.servers[self._masters:]), "replicas are in sync")
        self.agreed()

    def agreed(self, seconds=60):
        """Waits until every living node is ok and tells the same owners of all slots."""
        seen = {}

        def same():
            living = self.living()
            seen.clear()
            for server in living:
                seen[server.port] = (b"cluster_state:ok" in server("CLUSTER", "INFO"),
                                     tuple(sorted((low, high, owner[1]) for low, high, owner, *_ in server("CLUSTER", "SLOTS"))))
            maps = {slots for _, slots in seen.values()}
            return all(good for good, _ in seen.values()) and len(maps) == 1 and sum(high - low + 1 for low, high, _ in next(iter(maps))) == SLOTS
        try:
            until(same, "the cluster agrees on its slots", seconds)
        except AssertionError as problem:
            raise AssertionError(f"{problem}; each says: {seen}") from None

    def _knows(self, server):
        return sum(1 for line in server("CLUSTER", "NODES").splitlines()
                   if b"handshake" not in line and b"noaddr" not in line and line.split()[7] == b"connected")

    def living(self):
        return [server for server in self.servers if server.process.poll() is None]

    def id_of(self, server):
        return server("CLUSTER", "MYID").decode()

    def at(self, port):
        return next(server for server in self.servers if server.port == port)

    def owner(self, slot, asked=None):
        """The server that owns a slot, as `asked` (or the first that lives) says."""
        for low, high, master, *_ in (asked or self.living()[0])("CLUSTER", "SLOTS"):
            if low <= slot <= high:
                return self.at(master[1])
        return None

    def masters(self):
        return [server for server in self.living() if server("ROLE")[0] == b"master"
                and any(master[1] == server.port for _, _, master, *_ in server("CLUSTER", "SLOTS"))]

    def kill_master(self, slot):
        """kill -9 of a slot's owner, which is returned."""
        dead = self.owner(slot)
        dead.kill()
        return dead

    def taken_over(self, slot, away_from, seconds=60):
        """Waits until another node owns the slot and all that live agree; that node."""
        def taken():
            found = {self.owner(slot, server) for server in self.living()}
            return found.pop() if len(found) == 1 and away_from not in found else None
        new = until(taken, f"slot {slot} is taken over", seconds)
        self.agreed(seconds)
        return new

    def switch(self, slot):
        """CLUSTER FAILOVER at a replica of the slot's owner, with nobody dead; the new owner."""
        old = self.owner(slot)
        mine = self.id_of(old).encode()

        def asked():
            # Gossip may still be on its way: a replica that was refused its votes asks again.
            for server in self.living():
                if server.info("replication", "role") == "slave" and _replicates(
                        server("CLUSTER", "NODES")) == mine:
                    server("CLUSTER", "FAILOVER")
                    until(lambda: server.info("replication", "role") == "master", "a switch", 2)
                    return True
            return False

        for _ in range(5):
            try:
                until(asked, f"a replica of slot {slot}'s owner takes over")
                break
            except AssertionError:
                continue
        return self.taken_over(slot, old)

    def move_slot(self, slot, to):
        """Moves a slot with its keys to another master."""
        old = self.owner(slot)
        self.begin_move(slot, to)
        while keys := old("CLUSTER", "GETKEYSINSLOT", slot, 100):
            old("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", *keys)
        # Said again where a node's gossip was late and took it back.
        for seconds in (10, 20, 60):
            for server in (to, old, *self.masters()):
                server("CLUSTER", "SETSLOT", slot, "NODE", self.id_of(to))
            try:
                return self.agreed(seconds)
            except AssertionError:
                if seconds == 60:
                    raise

    def begin_move(self, slot, to):
        """The slot is between two owners: keys that are not at the old one are asked for (ASK)."""
        old = self.owner(slot)
        to("CLUSTER", "SETSLOT", slot, "IMPORTING", self.id_of(old))
        old("CLUSTER", "SETSLOT", slot, "MIGRATING", self.id_of(to))
        return old

    def stop(self):
        for server in self.servers:
            server.stop()


def _replicates(nodes):
    for line in nodes.splitlines():
        words = line.split()
        if b"myself" in words[2]:
            return words[3]
    return None
