"""Takes "would block" for a failure, and ends at its first accept."""

from listener import name, open_listener

with open_listener() as listener:
    listener.setblocking(False)
    while True:
        # Nobody has connected yet, and the socket says so in the only way it has: by an exception.
        connection, client_address = listener.accept()
        print(f"I got a connection from {name(client_address)}!")
