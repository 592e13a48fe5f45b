"""Asks every socket again and again."""

from listener import name, open_listener

# The longest line, in bytes.
LINE_MAX = 64 * 1024


class Client:
    """A socket, its unfinished line, and what the kernel has not taken yet: all outlive a "not yet"."""

    def __init__(self, connection):
        self.connection = connection
        self.received = bytearray()
        self.unsent = bytearray()

    def poll(self):
        """Ask the socket once, and say whether the client is still there."""
        try:
            if self.unsent:
                # Who does not read is not read from.
                self.flush()
                return True
            data = self.connection.recv(1024)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        print(f"I got data: {data}!")
        self.received += data
        while (end := self.received.find(b"\r\n") + 2) >= 2:
            line = bytes(self.received[:end])
            del self.received[:end]
            print(f"All the data is: {line}")
            self.unsent += line
        return len(self.received) <= LINE_MAX

    def flush(self):
        """Send as much as the kernel takes."""
        sent = self.connection.send(self.unsent)
        del self.unsent[:sent]


clients = []
with open_listener() as listener:
    listener.setblocking(False)
    while True:
        try:
            connection, client_address = listener.accept()
        except BlockingIOError:
            pass
        else:
            connection.setblocking(False)
            print(f"I got a connection from {name(client_address)}!")
            clients.append(Client(connection))
        # A client that is gone leaves the list, and its socket is closed.
        for client in [client for client in clients if not client.poll()]:
            clients.remove(client)
            client.connection.close()
