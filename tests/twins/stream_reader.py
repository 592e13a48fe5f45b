"""Plays scripts with asyncio's StreamReader: JSON in, JSON out.

A script has a limit and steps: bytes come, the end comes, somebody reads or gives up. What each step says is
printed twice: "as_is", and "mended", where three defects are kept from doing harm:

D-20   Bytes that came before a loss can be read; who would have to wait for more is told of the loss.
D-38   What comes of a line that was too long, up to its newline, is kept from the reader.
RD-15  A read of everything takes nothing before the end, so that there is nothing to lose when it is given up.
"""

import asyncio
import json
import sys

LOOP = asyncio.new_event_loop()
LOOP.set_exception_handler(lambda loop, context: None)


class Player:
    """One script, and at most one read that waits."""

    def __init__(self, limit, is_mended):
        self.reader = asyncio.StreamReader(limit=limit, loop=LOOP)
        self.is_mended = is_mended
        self.is_lost = False
        self.skips = False
        self.read = None
        self.waiter = None

    def step(self, verb, *arguments):
        """Do one thing and say what it leads to: an answer, if a read is done, and whether the end is reached."""
        getattr(self, "do_" + verb)(*arguments)
        answer = None if verb == "feed_unseen" else self.answer()
        return [answer, None if self.read else self.reader.at_eof()]

    def do_feed(self, text):
        data = text.encode()
        if self.skips:
            _, newline, data = data.partition(b"\n")
            self.skips = not newline
        self.reader.feed_data(data)

    do_feed_unseen = do_feed

    def do_eof(self):
        self.reader.feed_eof()

    def do_lose(self):
        self.is_lost = True
        if not self.is_mended:
            self.reader.set_exception(ConnectionResetError())

    def do_read(self, count):
        self.begin(self.reader.read(count))

    def do_read_to_end(self):
        self.begin(self.everything() if self.is_mended else self.reader.read(-1))

    async def everything(self):
        while not self.reader._eof:
            await self.reader._wait_for_data("read")
        return await self.reader.read(-1)

    def do_readexactly(self, count):
        self.begin(self.reader.readexactly(count))

    def do_readuntil(self, separators):
        texts = tuple(text.encode() for text in separators)
        self.begin(self.reader.readuntil(texts[0] if len(texts) == 1 else texts))

    def do_readline(self):
        self.begin(self.reader.readline())

    def do_give_up(self):
        if self.read:
            try:
                self.read.throw(asyncio.CancelledError())
            except asyncio.CancelledError:
                self.read = self.waiter = None

    def begin(self, read):
        """Read, and give up what was read for before."""
        self.do_give_up()
        self.read = read

    def answer(self):
        """Let the read go on, if it waits for nothing any more."""
        if not self.read or self.waiter and not self.waiter.done() and not self.is_lost:
            return None
        try:
            # A read may find that it is not enough.
            while not self.waiter or self.waiter.done():
                self.waiter = self.read.send(None)
        except Exception as end:
            self.read = self.waiter = None
            return self.said(end)
        if not self.is_lost:
            return None
        self.do_give_up()
        return ["lost"]

    def said(self, end):
        """What a read has ended with, in a form that can be compared."""
        if isinstance(end, StopIteration):
            return ["bytes", end.value.decode()]
        if isinstance(end, asyncio.IncompleteReadError):
            return ["incomplete", end.partial.decode(), end.expected]
        if isinstance(end, asyncio.LimitOverrunError):
            return ["overrun", end.consumed, "is found" in end.args[0]]
        if isinstance(end, ConnectionResetError):
            return ["lost"]
        if isinstance(end, ValueError) and "at least one" in end.args[0]:
            return ["empty_separator"]
        if isinstance(end, ValueError) and "limit" in end.args[0]:
            self.skips = self.is_mended and "is not found" in end.args[0]
            return ["too_long"]
        raise end


def play(script, is_mended):
    player = Player(script["limit"], is_mended)
    said = [player.step(*step) for step in script["steps"]]
    player.do_give_up()
    return said


def main():
    scripts = json.load(sys.stdin)
    # Not json.dump, which writes word by word.
    print(json.dumps([{"as_is": play(script, False), "mended": play(script, True)} for script in scripts]))


main()
