"""Keeps a list of clients and reads a line from each in turn, which stalls."""

from listener import name, open_listener


def echo_line(connection, received):
    """Send one line back; what has come behind it stays in the buffer."""
    while b"\r\n" not in received:
        data = connection.recv(1024)
        if not data:
            return
        received += data
    end = received.index(b"\r\n") + 2
    line = bytes(received[:end])
    del received[:end]
    print(f"All the data is: {line}")
    # send may take a part only.
    connection.sendall(line)


connections = []
with open_listener() as listener:
    while True:
        # Sleeps until somebody connects, although a client of the list may have sent something.
        connection, client_address = listener.accept()
        print(f"I got a connection from {name(client_address)}!")
        connections.append((connection, bytearray()))
        for connection, received in connections:
            # Sleeps until this one client has sent a line, although the next one may have done so long ago.
            echo_line(connection, received)
