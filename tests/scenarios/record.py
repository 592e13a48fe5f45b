"""Plays scenarios with asyncio's transports and writes the traces.

    record.py FILE.json   prints the traces of the scenarios in a file, as one JSON object
    record.py             records those of every scenario of this folder in cpython-X.Y.json, X.Y
                          being the version of this interpreter

The Rust program `trace` plays the same scenarios with chapter 05's transports. Where a comment is
there, it is not repeated here.
"""

import asyncio
import json
import logging
import os
import select
import socket
import struct
import sys
import time
from pathlib import Path

KERNEL_BUFFER = 64 * 1024
FILLING = 1024 * 1024
OUT_OF_THE_WAY = 1 << 40
CALM_PASSES = 3
STUCK = 0.5
PATIENCE = 10
EVENTS_MAX = 10_000


class UserFailure(Exception):
    """What a callback fails with."""


class Wire:
    """One TCP connection, as the kernel sees it from both ends."""

    FIN_SENT = {4, 5, 6, 9, 11}
    FIN_RECEIVED = {6, 8, 9, 11}

    def __init__(self, one, other):
        self.kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
        self.one, self.other = one, other

    def close(self):
        self.kernel.close()

    def rest(self, hurry):
        begin = time.monotonic()
        while not self.is_at_rest():
            if time.monotonic() - begin > PATIENCE:
                raise RuntimeError("the network does not come to rest")
            hurry()
            os.sched_yield()

    def is_at_rest(self):
        ends = self.end(self.one, self.other), self.end(self.other, self.one)
        left = [end for end in ends if end]
        if len(left) == 1:
            return "sent" not in left[0]
        return not left or self.has_reached(*ends) and self.has_reached(*reversed(ends))

    def has_reached(self, here, there):
        if "sent" not in here:
            return True
        if "sent" not in there:
            return here["unacknowledged"] == 0
        is_full = here["unsent"] > 0 and there["unread"] > 0
        fin = here["state"] not in self.FIN_SENT or there["state"] in self.FIN_RECEIVED
        return there["received"] >= here["sent"] and (is_full or here["unsent"] == 0 and fin)

    def end(self, local, remote):
        question = struct.pack("=BBBxI", 2, 6, 2, 0xFFFFFFFF)
        question += struct.pack("!HH", local[1], remote[1])
        question += socket.inet_aton(local[0]) + bytes(12) + socket.inet_aton(remote[0]) + bytes(12)
        question += struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
        self.kernel.send(struct.pack("=IHHII", 16 + len(question), 20, 1, 0, 0) + question)
        answer = self.kernel.recv(1024)
        (kind,) = struct.unpack_from("=H", answer, 4)
        if kind == 2:
            (code,) = struct.unpack_from("=i", answer, 16)
            if code == -2:
                return None
            raise OSError(-code, os.strerror(-code))
        end = {"state": answer[17]}
        end["unread"], end["unacknowledged"] = struct.unpack_from("=II", answer, 72)
        at = 88
        while at + 4 <= len(answer):
            length, kind = struct.unpack_from("=HH", answer, at)
            if kind == 2:
                info = answer[at + 4 : at + length]
                sent, again = struct.unpack_from("=QQ", info, 200)
                end["sent"] = sent - again
                (end["received"],) = struct.unpack_from("=Q", info, 128)
                (end["unsent"],) = struct.unpack_from("=I", info, 144)
                break
            at += (max(length, 4) + 3) & ~3
        return end


def acknowledge(sock):
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    except OSError:
        pass


class Actor(asyncio.Protocol):
    """The protocol of a scenario."""

    def __init__(self, play):
        self.play = play
        play.log("factory")

    def react(self, callback, *event):
        self.play.log(*event)
        calls = self.play.calls
        call = calls[callback] = calls.get(callback, 0) + 1
        for name, *arguments in self.play.on.get(callback, []):
            if name == "only":
                if arguments[0] != call:
                    break
            elif name == "raise":
                raise UserFailure()
            else:
                self.play.act(name, *arguments)

    def connection_made(self, transport):
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
        self.play.transport = transport
        self.play.wire = Wire(transport.get_extra_info("sockname"), transport.get_extra_info("peername"))
        self.react("made", "made")

    def connection_lost(self, error):
        self.play.lost = True
        self.react("lost", "lost", kind_of(error))

    def pause_writing(self):
        self.react("pause", "pause")

    def resume_writing(self):
        self.react("resume", "resume")

    def data_received(self, data):
        self.react("data", "data", len(data))

    def eof_received(self):
        self.react("eof", "eof")
        return self.play.on.get("keep_open", False)


def kind_of(error):
    if error is None:
        return "ok"
    kinds = {ConnectionResetError: "reset", BrokenPipeError: "pipe", UserFailure: "user"}
    return kinds.get(type(error), "other")


class Play:
    """One scenario while it is played."""

    def __init__(self, scenario):
        self.on, self.steps = scenario["on"], scenario["do"]
        self.early = scenario.get("early", 0)
        self.events, self.logged, self.calls = [], 0, {}
        self.transport = self.wire = self.peer = None
        self.lost = self.over = False

    def log(self, *event):
        if self.over:
            return
        self.logged += 1
        if self.logged > EVENTS_MAX:
            raise SystemExit(f"more than {EVENTS_MAX} events: it never ends")
        if event[0] == "data" and self.events and self.events[-1][0] == "data":
            self.events[-1][1] += event[1]
        else:
            self.events.append(list(event))

    async def run(self):
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(
            lambda _, context: self.log("reported", kind_of(context.get("exception") or Exception()))
        )
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BUFFER)
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            await self.connect(loop, listener)
        self.log("returned")
        for name, *arguments in self.steps:
            self.rest()
            await self.step(name, *arguments)
        await self.settle()
        await self.end()
        return self.events

    async def connect(self, loop, listener):
        address = listener.getsockname()
        if not self.early:
            await loop.create_connection(lambda: Actor(self), *address)
            self.accept(listener)
            return
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        client.connect(address)
        self.accept(listener)
        self.peer.send(bytes(self.early))
        wire = Wire(client.getsockname(), address)
        wire.rest(lambda: acknowledge(client))
        wire.close()
        client.setblocking(False)
        await loop.create_connection(lambda: Actor(self), sock=client)

    def accept(self, listener):
        self.peer, _ = listener.accept()
        self.peer.setblocking(False)
        self.peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def step(self, name, *arguments):
        if name == "settle":
            await self.settle()
        elif name == "peer_drain":
            await self.drain()
        elif name == "peer_send":
            await self.peer_send(*arguments)
        elif name.startswith("peer_"):
            self.act_on_peer(name)
            self.rest()
        else:
            self.act(name, *arguments)

    async def peer_send(self, count):
        while more := self.send(count):
            count -= more
            if not count:
                return
            await self.settle()

    def send(self, count):
        sent = 0
        try:
            while self.peer and sent < count:
                sent += self.peer.send(bytes(count - sent))
        except OSError:
            pass
        self.rest()
        return sent

    def act_on_peer(self, name):
        if not self.peer:
            return
        if name == "peer_shutdown":
            try:
                self.peer.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return
        if name == "peer_rst":
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()
        self.peer = None

    def act(self, name, *arguments):
        self.rest()
        try:
            self.try_act(name, *arguments)
        except Exception as error:
            self.log("error", name, type(error).__name__)

    def try_act(self, name, *arguments):
        transport = self.transport
        if name == "mark":
            self.log("mark", *arguments)
        elif name == "q":
            self.log("state", {
                "closing": transport.is_closing(),
                "reading": transport.is_reading(),
                "buffered": transport.get_write_buffer_size() > 0,
            })
        elif name == "fill":
            transport.set_write_buffer_limits(high=OUT_OF_THE_WAY, low=0)
            while not transport.get_write_buffer_size() and not transport.is_closing():
                transport.write(bytes(FILLING))
        elif name == "write":
            transport.write(bytes(*arguments))
        elif name == "writelines":
            transport.writelines([bytes(count) for count in arguments[0]])
        elif name == "limits":
            transport.set_write_buffer_limits(**arguments[0])
        elif name == "limits_from_size":
            size = transport.get_write_buffer_size()
            limits = {mark: size + count for mark, count in arguments[0].items()}
            transport.set_write_buffer_limits(**limits)
        else:
            getattr(transport, name)()

    def rest(self):
        if self.wire:
            self.wire.rest(self.hurry)

    def hurry(self):
        if self.peer:
            acknowledge(self.peer)
        sock = self.transport.get_extra_info("socket")
        if sock.fileno() >= 0:
            acknowledge(sock)

    async def settle(self):
        passes, seen, since = 0, self.state(), time.monotonic()
        while True:
            self.rest()
            await asyncio.sleep(0)
            if self.state() != seen:
                passes, seen, since = 0, self.state(), time.monotonic()
                continue
            passes += 1
            if passes >= CALM_PASSES and (not self.has_work() or time.monotonic() - since > STUCK):
                return

    async def drain(self):
        since = time.monotonic()
        while True:
            await self.settle()
            if not self.peer:
                return
            try:
                data = self.peer.recv(KERNEL_BUFFER)
            except BlockingIOError:
                if not self.transport.get_write_buffer_size() or time.monotonic() - since > STUCK:
                    return
                self.hurry()
                continue
            except (ConnectionResetError, BrokenPipeError):
                self.log("peer_reset")
                return
            if not data:
                self.log("peer_eof")
                return
            since = time.monotonic()

    def state(self):
        transport = self.transport
        kept = transport.get_write_buffer_size() if transport else None
        return self.logged, kept, transport and transport.is_closing()

    def has_work(self):
        transport = self.transport
        keeps = transport.get_write_buffer_size() > 0
        if transport.is_closing() and not keeps and not self.lost:
            return True
        descriptor = transport.get_extra_info("socket").fileno()
        if descriptor < 0:
            return False
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLOUT)
        ready = sum(event for _, event in poll.poll(0))
        failed = select.POLLERR | select.POLLHUP
        # After the end of file it does not read any more, whatever is_reading() says (D-06).
        reading = transport.is_reading() and "eof" not in self.calls
        return bool(reading and ready & (select.POLLIN | failed) or keeps and ready & (select.POLLOUT | failed))

    async def end(self):
        self.over = True
        self.act_on_peer("peer_rst")
        self.rest()
        try:
            self.transport.abort()
        except AttributeError:
            # It does not bear that after a flushed close (D-12).
            pass
        await self.settle()
        self.wire.close()


def record(path):
    """The trace of each scenario in a file."""
    traces = {}
    for scenario in json.loads(path.read_text()):
        traces[scenario["name"]] = asyncio.run(Play(scenario).run())
    return traces


def write(traces, out):
    lines = [f"{json.dumps(name)}: {json.dumps(trace)}" for name, trace in traces.items()]
    print("{\n" + ",\n".join(lines) + "\n}", file=out)


def main():
    # Of writes after a loss asyncio says something in its log.
    logging.disable()
    if len(sys.argv) > 1:
        write(record(Path(sys.argv[1])), sys.stdout)
        return
    folder = Path(__file__).parent
    traces = {}
    for path in sorted((folder / "played").glob("*.json")):
        traces.update(record(path))
    version = "{}.{}".format(*sys.version_info)
    with open(folder / f"cpython-{version}.json", "w") as out:
        write(traces, out)


if __name__ == "__main__":
    main()
