"""A container engine, as far as tests of images need one: its API over the Unix socket."""

import http.client
import io
import json
import os
import socket
import tarfile
import uuid


class Refused(Exception):
    """What the engine answered."""


class Docker:
    def __init__(self):
        self.socket = os.environ["PROVOST_TEST_DOCKER_HOST"].removeprefix("unix://")
        self.mark = f"provost-nix-{uuid.uuid4().hex[:8]}"

    def ask(self, method, path, body=None, kind="application/json"):
        """Sends a request; returns the bytes of the answer."""
        connection = http.client.HTTPConnection("docker", timeout=120)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.socket)
        body = json.dumps(body).encode() if kind == "application/json" and body is not None else body
        connection.request(method, path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise Refused(f"{method} {path}: {answer.status} {content.decode(errors='replace')}")
        return content

    def json(self, method, path, body=None):
        return json.loads(self.ask(method, path, body) or "null")

    def load(self, archive):
        """Loads an image; returns what the engine says of it."""
        said = self.ask("POST", "/images/load?quiet=1", archive.read_bytes(), "application/x-tar").decode()
        assert "Loaded image" in said, said
        name = json.loads(said.splitlines()[-1])["stream"].split("Loaded image: ")[1].strip()
        return self.json("GET", f"/images/{name}/json")

    def start(self, image, *args, name=None, entrypoint=None, user=None, env=(), **host):
        """Starts a container with these settings of its host; returns its id."""
        request = {"Image": image, "Cmd": list(args), "Env": list(env), "Labels": {self.mark: ""}}
        request |= {"Entrypoint": entrypoint} if entrypoint else {}
        request |= {"User": user} if user else {}
        request["HostConfig"] = {"NetworkMode": "none", **host}
        name = f"{self.mark}-{name or uuid.uuid4().hex[:8]}"
        made = self.json("POST", f"/containers/create?name={name}", request)["Id"]
        self.ask("POST", f"/containers/{made}/start")
        return made

    def output(self, container):
        """Both streams of a container, as text."""
        stream, text = self.ask("GET", f"/containers/{container}/logs?stdout=1&stderr=1"), b""
        while stream:
            size = int.from_bytes(stream[4:8], "big")
            text, stream = text + stream[8 : 8 + size], stream[8 + size :]
        return text.decode()

    def run(self, image, *args, **settings):
        """Runs a container to its end; returns its exit code and output."""
        container = self.start(image, *args, **settings)
        code = self.json("POST", f"/containers/{container}/wait")["StatusCode"]
        output = self.output(container)
        self.ask("DELETE", f"/containers/{container}?force=1")
        return code, output

    def execute(self, container, *command):
        """Runs a command in a running container; returns its exit code and output."""
        request = {"Cmd": list(command), "AttachStdout": True, "AttachStderr": True, "Tty": True}
        made = self.json("POST", f"/containers/{container}/exec", request)["Id"]
        text = self.ask("POST", f"/exec/{made}/start", {"Detach": False, "Tty": True}).decode()
        return self.json("GET", f"/exec/{made}/json")["ExitCode"], text

    def files(self, container, folder):
        """The files in a folder of a container, by name."""
        content = self.ask("GET", f"/containers/{container}/archive?path={folder}")
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}

    def volume(self, name):
        """Makes a volume; returns its name and where it is on the host."""
        made = self.json("POST", "/volumes/create", {"Name": f"{self.mark}-{name}", "Labels": {self.mark: ""}})
        return made["Name"], made["Mountpoint"]

    def network(self):
        """Makes a network, on which containers find each other by name."""
        name = f"{self.mark}-network"
        if not self.json("GET", f"/networks?filters={json.dumps({'name': [name]}).replace(' ', '')}"):
            self.json("POST", "/networks/create", {"Name": name, "Labels": {self.mark: ""}})
        return name

    def tidy(self):
        """Removes every container, network and volume that was made here."""
        marked = json.dumps({"label": [self.mark]}).replace(" ", "")
        for found in self.json("GET", f"/containers/json?all=1&filters={marked}"):
            self.ask("DELETE", f"/containers/{found['Id']}?force=1&v=1")
        for found in self.json("GET", f"/networks?filters={marked}"):
            self.ask("DELETE", f"/networks/{found['Id']}")
        for found in self.json("GET", f"/volumes?filters={marked}")["Volumes"] or []:
            self.ask("DELETE", f"/volumes/{found['Name']}?force=1")
