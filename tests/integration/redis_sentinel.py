# tests/integration/redis_sentinel.py -- a master with replicas, and Sentinels that watch them.
#
#     with Replicated(replicas=1) as servers:
#         servers.master("SET", "k", "v")
#     with Sentinels() as watch:             # three, quorum two, over a master and a replica
#         watch.sentinels[0].port, watch.name
#         watch.master.kill()
#         watch.switched(away_from=old)      # waits until another is master and answers writes
from redis_server import RedisServer, until


class Replicated:
    """A master and its replicas, in sync when entered."""

    def __init__(self, *options, replicas=1):
        self._options, self._replicas = options, replicas
        self.servers = []

    def __enter__(self):
        try:
            for number in range(self._replicas + 1):
                more = () if number == 0 else ("--replicaof", f"127.0.0.1 {self.servers[0].port}")
                self.servers.append(RedisServer("--repl-diskless-sync-delay", "0", *self._options,
                                                *more).__enter__())
            until(lambda: all(server.info("replication", "master_link_status") == "up"
                              for server in self.servers[1:]), "replicas are in sync")
            return self
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    @property
    def master(self):
        """Who says it is one; the first of them."""
        for server in self.servers:
            if server.process.poll() is None and server.info("replication", "role") == "master":
                return server
        return None

    @property
    def replicas(self):
        return [server for server in self.servers
                if server.process.poll() is None and server.info("replication", "role") == "slave"]

    def stop(self):
        for server in self.servers:
            server.stop()


class Sentinels(Replicated):
    """The same with Sentinels. A dead master is replaced about down_ms + 1 s later."""

    def __init__(self, *options, replicas=1, count=3, quorum=2, down_ms=1000, name="larder"):
        super().__init__(*options, replicas=replicas)
        self._count, self._quorum, self._down_ms = count, quorum, down_ms
        self.name = name
        self.sentinels = []

    def __enter__(self):
        super().__enter__()
        try:
            conf = (f"sentinel monitor {self.name} 127.0.0.1 {self.servers[0].port} {self._quorum}\n"
                    f"sentinel down-after-milliseconds {self.name} {self._down_ms}\n"
                    f"sentinel failover-timeout {self.name} 3000\n")
            for _ in range(self._count):
                self.sentinels.append(RedisServer(conf=conf, mode="--sentinel").__enter__())
            until(lambda: all(self._sees_all(sentinel) for sentinel in self.sentinels),
                  "the sentinels know one another and the replicas")
            return self
        except BaseException:
            self.stop()
            raise

    def _sees_all(self, sentinel):
        words = sentinel("SENTINEL", "MASTER", self.name)
        told = dict(zip(words[::2], words[1::2]))
        return (int(told[b"num-other-sentinels"]) == self._count - 1
                and int(told[b"num-slaves"]) == self._replicas and told[b"flags"] == b"master")

    def master_by(self, sentinel):
        """The port of the master, as one Sentinel says."""
        return int(sentinel("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.name)[1])

    def switched(self, away_from, seconds=90):
        """Waits until every living Sentinel names another master, and that one takes writes."""
        def taken():
            ports = {self.master_by(sentinel) for sentinel in self.sentinels
                     if sentinel.process.poll() is None}
            if len(ports) != 1 or away_from.port in ports:
                return None
            found = next(server for server in self.servers if server.port in ports)
            return found if found("SET", "sentinel:probe", "1") == b"OK" else None
        return until(taken, "another master took over", seconds)

    def failover(self):
        """A switch that is asked for; the new master."""
        old = self.master
        until(lambda: self.sentinels[0]("SENTINEL", "FAILOVER", self.name) == b"OK",
              "the sentinel agrees to a failover")
        return self.switched(old)

    def stop(self):
        for sentinel in self.sentinels:
            sentinel.stop()
        super().stop()
