"""`python honest.py PORT`: an honest reader, who comes anew each time, in a process of his own, until its input is closed.

Prints [when it began, seconds it took] as a line of JSON; of a read that failed, what the server said instead of the seconds.
"""

import itertools
import json
import select
import socket
import sys
import time

PATHS = ("/v1/log", "/checkpoint", "/v1/sites", "/readyz")


def main(port: int) -> None:
    for path in itertools.cycle(PATHS):
        begun = time.monotonic()
        said = asked(port, path)
        taken = time.monotonic() - begun
        found = [begun, taken if said.startswith(b"HTTP/1.1 200") else said[:400].decode()]
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()
        if select.select([sys.stdin], [], [], 0.02)[0]:
            return


def asked(port: int, path: str) -> bytes:
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=300) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        while data := connection.recv(65536):
            said += data
    return said


if __name__ == "__main__":
    main(int(sys.argv[1]))
