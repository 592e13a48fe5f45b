"""Where a twin listens: what chapter 01 does for the Rust programs."""

import argparse
import socket


def open_listener():
    """Open the listening socket that the command line asks for, and say where it listens."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", metavar="HOST:PORT", default="127.0.0.1:8000")
    host, _, port = parser.parse_args().listen.rpartition(":")

    # SOCK_STREAM is what makes it TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Old connections in TIME_WAIT do not keep the port from us. It must be set before bind.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # One argument: a pair of host and port.
    listener.bind((host, int(port)))
    listener.listen()
    print(f"listening on {name(listener.getsockname())}")
    return listener


def name(address):
    """An address as HOST:PORT."""
    host, port = address
    return f"{host}:{port}"
