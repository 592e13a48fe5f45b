"""Reads one line, two bytes at a time, and sends it back."""

from listener import name, open_listener

with open_listener() as listener:
    connection, client_address = listener.accept()
    print(f"I got a connection from {name(client_address)}!")
    with connection:
        # The end of the line may be cut: look at all that has come, not at the last piece.
        received = b""
        while b"\r\n" not in received:
            data = connection.recv(2)
            if not data:
                print("The client has closed in mid-line.")
                break
            print(f"I got data: {data}!")
            received += data
        else:
            line = received[: received.index(b"\r\n") + 2]
            print(f"All the data is: {line}")
            connection.sendall(b"Buffer: " + line)
