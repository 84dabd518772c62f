"""Reads and writes what Provost's containers share, over its Unix socket. Nothing but Python's own library.

    shared_data.py SOCKET
"""

import http.client
import json
import socket
import sys


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def ask(method, path, value=None):
    connection = Connection(sys.argv[1])
    body = None if value is None else json.dumps(value)
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status >= 300:
        sys.exit(f"{method} {path}: {answer.status} {text}")
    return json.loads(text) if text else None


ask("PUT", "/v1/documents/shared", {"from": "python"})
vat = ask("POST", "/v1/skills/vat", {})["result"]
print(json.dumps({"vat": vat, "shared": ask("GET", "/v1/documents/shared")}))
