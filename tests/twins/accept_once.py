"""Accepts one client, says so, and ends."""

from listener import name, open_listener

with open_listener() as listener:
    connection, client_address = listener.accept()
    with connection:
        print(f"I got a connection from {name(client_address)}!")
