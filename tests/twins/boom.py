"""Echoes lines, and fails at the line boom. With --track yes the tasks are kept, and awaited at Ctrl-C."""

import argparse
import asyncio
import signal
import sys

from listener import name, open_listener


async def echo(connection):
    """Send each line back."""
    loop = asyncio.get_running_loop()
    # Without this the failure, which remembers this frame, would keep the connection open.
    with connection:
        lines = bytearray()
        while data := await loop.sock_recv(connection, 1024):
            lines += data
            while (end := lines.find(b"\r\n") + 2) >= 2:
                line = bytes(lines[:end])
                del lines[:end]
                if line == b"boom\r\n":
                    raise Exception("Unexpected network error")
                await loop.sock_sendall(connection, line)


async def listen_and_forget(listener):
    """Give each client a task, and let the loop report what becomes of it."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(
        lambda _, context: print(f"{context['message']}: {context['exception']}", file=sys.stderr)
    )
    tasks = set()
    while True:
        connection, address = await loop.sock_accept(listener)
        print(f"Got a connection from {name(address)}")
        task = asyncio.create_task(echo(connection))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def listen_and_keep(listener):
    """Give each client a task, and await them all at Ctrl-C."""
    loop = asyncio.get_running_loop()
    tasks = []

    async def accept():
        while True:
            connection, address = await loop.sock_accept(listener)
            print(f"Got a connection from {name(address)}")
            tasks.append(asyncio.create_task(echo(connection)))

    accepting = asyncio.create_task(accept())
    loop.add_signal_handler(signal.SIGINT, accepting.cancel)
    try:
        await accepting
    except asyncio.CancelledError:
        pass
    for task in tasks:
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass


parser = argparse.ArgumentParser(add_help=False)
parser.add_argument("--track", choices=["yes", "no"], default="no")
options, sys.argv[1:] = parser.parse_known_args()
with open_listener() as listener:
    listener.setblocking(False)
    listen = listen_and_keep if options.track == "yes" else listen_and_forget
    asyncio.run(listen(listener))
