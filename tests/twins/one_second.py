"""Waits for its sockets for a second at a time, and says when nothing has come."""

import selectors

from listener import name, open_listener


def accept(listener):
    """Register the next client; its data is what the kernel has not taken yet."""
    try:
        connection, address = listener.accept()
    except BlockingIOError:
        # The client was gone before we came.
        return
    connection.setblocking(False)
    print(f"I got a connection from {name(address)}")
    selector.register(connection, selectors.EVENT_READ, bytearray())


def echo(connection, unsent):
    """Send back what has come, and say whether the client is still there."""
    try:
        # What waits goes first. Until it is gone, nothing is read.
        if not unsent:
            data = connection.recv(1024)
            if not data:
                return False
            print(f"I got some data: {data}")
            unsent += data
        sent = connection.send(unsent)
        del unsent[:sent]
    except BlockingIOError:
        pass
    except OSError:
        return False
    interest = selectors.EVENT_WRITE if unsent else selectors.EVENT_READ
    selector.modify(connection, interest, unsent)
    return True


selector = selectors.DefaultSelector()
with open_listener() as listener:
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        events = selector.select(timeout=1)
        if not events:
            print("No events, waiting a bit more!")
        for key, _ in events:
            if key.fileobj is listener:
                accept(listener)
            elif not echo(key.fileobj, key.data):
                # A closed client stays readable: who is not unregistered is reported without end.
                selector.unregister(key.fileobj)
                key.fileobj.close()
