"""Sends each line of its standard input, up to the line quit, and prints the answers."""

import argparse
import asyncio
import socket
import sys

from listener import name


async def next_line(client, answers):
    """The next line that the server sends."""
    loop = asyncio.get_running_loop()
    while (end := answers.find(b"\r\n") + 2) < 2:
        data = await loop.sock_recv(client, 1024)
        if not data:
            raise ConnectionError("the server has left")
        answers += data
    line = answers[:end].rstrip().decode(errors="replace")
    del answers[:end]
    return line


async def request(host, port):
    """Talk to the server."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.setblocking(False)
        await loop.sock_connect(client, (host, port))
        print(f"connected to {host}:{port} from {name(client.getsockname())}")

        answers = bytearray()
        await loop.sock_sendall(client, b"ack from client connect success\r\n")
        print(await next_line(client, answers))
        # To read standard input blocks, so a thread does; the loop goes on meanwhile.
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            message = line.rstrip("\n")
            await loop.sock_sendall(client, f"{message}\r\n".encode())
            if message == "quit":
                break
            print(f"got message from server: {await next_line(client, answers)}")


parser = argparse.ArgumentParser()
parser.add_argument("--connect", metavar="HOST:PORT", default="127.0.0.1:8000")
host, _, port = parser.parse_args().connect.rpartition(":")
asyncio.run(request(host, int(port)))
