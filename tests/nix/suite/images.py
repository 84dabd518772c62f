"""The images, each run on a real engine for what it is for."""

import gzip
import io
import json
import os
import tarfile
import time

from builds import NAMES

VERSION = "0.1.0"

# Folders of this machine, with which a container can be whatever the machine has a program for.
MACHINE = ["/usr:/usr:ro", "/bin:/bin:ro", "/lib:/lib:ro", "/lib64:/lib64:ro"]


def image(name):
    return f"provost/{name}:{VERSION}"


def all_images(nix, docker):
    """each is from 1970, not root's, labelled, without a shell"""
    sizes = []
    for name, archive in zip(NAMES, nix.build(*(f"image-{name}" for name in NAMES))):
        facts = docker.load(archive)
        config = facts["Config"]
        assert facts["RepoTags"] == [image(name)], facts["RepoTags"]
        assert facts["Created"].startswith("1970-01-01T00:00:0"), facts["Created"]
        assert config["User"] == "65532:65532"
        labels = {key.removeprefix("org.opencontainers.image."): value for key, value in config["Labels"].items()}
        assert labels["version"] == VERSION and labels["source"].startswith("https://")
        assert labels["revision"] == "unknown", "an overridden input hides it"
        for shell in ["/bin/sh", "/bin/bash", "sh"]:
            try:
                docker.run(image(name), entrypoint=[shell])
            except Exception as error:
                assert "no such file" in str(error) or "not found" in str(error), error
            else:
                raise AssertionError(f"{name} has a shell")
        sizes.append(f"{name} {facts['Size'] / 1e6:.1f} MB")
    [archive] = nix.build("toolbox-of-a-commit", flake=nix.source / "tests/nix/variants")
    labels = docker.load(archive)["Config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == "0123456789012345678901234567890123456789"
    return ", ".join(sizes)


def toolbox(nix, docker):
    """it runs as nobody, and its folders are writable"""
    load(nix, docker, "toolbox")
    code, said = docker.run(image("toolbox"), "id")
    assert code == 0 and said.startswith("uid=65532 gid=65532"), said
    for folder, expected in [("/data", "writable"), ("/tmp", "writable"), ("/", "denied")]:
        assert f"{folder} is {expected}" in docker.run(image("toolbox"), "ro-check", folder)[1]


def http_check(nix, docker):
    """it answers before a run, and exits elsewhere"""
    load(nix, docker, "http-check", "toolbox")
    server = receiver(docker, "web")
    for path, reply in [("/200", {"allow": True}), ("/503", {"allow": False})]:
        home = event_home(nix, {"event": "run.starting", "subject": "nightly"})
        url = f"http://{server}:8000{path}"
        code, said = docker.run(
            image("http-check"), url, "--tries", "10", Binds=[f"{home}:/provost"], NetworkMode=docker.network(), ReadonlyRootfs=True
        )
        answer = json.loads((home / "out/reply.json").read_text())
        assert code == 0 and answer.items() >= reply.items(), (code, said, answer)
    code, said = docker.run(image("http-check"), f"http://{server}:8000/503", NetworkMode=docker.network())
    assert code == 1 and "answers 503, expected 200 to 299" in said, (code, said)
    # TLS works without a file of the machine: the certificate is looked at, and refused.
    code, said = docker.run(image("http-check"), f"https://{server}:8443/", "--tries", "10", NetworkMode=docker.network())
    assert code == 1 and "certificate" in said.lower(), said


def notify(nix, docker):
    """a webhook in another container gets what happened"""
    load(nix, docker, "notify", "toolbox")
    server = receiver(docker, "hook")
    event = {"event": "run.failed", "subject": "nightly", "data": {"exitCode": 3}, "standard": {"host": "ber-1"}}
    home = event_home(nix, event)
    code, said = docker.run(
        image("notify"), "--tries", "5", env=[f"NOTIFY_URL=http://{server}:8000/200"],
        Binds=[f"{home}:/provost"], NetworkMode=docker.network(), ReadonlyRootfs=True,
    )  # fmt: skip
    assert code == 0 and said.endswith(f"told {server}: 200\n"), (code, said)
    told = json.loads(docker.output(server).splitlines()[-1])
    assert told["text"] == "ber-1: run.failed nightly" and told["data"] == {"exitCode": 3}, told


def archive(nix, docker):
    """a volume is packed into another volume"""
    load(nix, docker, "archive", "toolbox")
    (data, _), (kept, _) = docker.volume("data"), docker.volume("kept")
    assert docker.run(image("toolbox"), "write", "/data/orders.csv", "copper kettle", Binds=[f"{data}:/data"])[0] == 0
    home = event_home(nix, {"event": "run.finished", "subject": "nightly"})
    binds = [f"{data}:/data:ro", f"{kept}:/archives", f"{home}:/provost"]
    for _ in range(2):
        code, said = docker.run(image("archive"), "--keep", "1", Binds=binds, ReadonlyRootfs=True)
        assert code == 0, said
        time.sleep(1)
    told = json.loads((home / "out/locals.json").read_text())["archive"]
    reader = docker.start(image("toolbox"), "sleep", "60", Binds=[f"{kept}:/data"])
    files = docker.files(reader, "/data/.")
    assert len(files) == 1 and os.path.basename(told["path"]) in next(iter(files)), (files.keys(), told)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(next(iter(files.values()))))) as tar:
        assert tar.extractfile("orders.csv").read() == b"copper kettle\n"


def git(nix, docker):
    """a repository is pulled into a volume, changed, committed, pushed"""
    load(nix, docker, "git", "toolbox")
    url = git_server(docker)
    author = ["GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=a@example.org"]
    (volume, _), (other, _) = docker.volume("clone"), docker.volume("other")
    here = {"NetworkMode": docker.network(), "Binds": [f"{volume}:/data"], "ReadonlyRootfs": True, "env": author}

    def call(*args, **changed):
        code, said = docker.run(image("git"), *args, **(here | changed))
        assert code == 0, said
        return said

    call("pull", url, "/data/shop")
    assert docker.run(image("toolbox"), "write", "/data/shop/prices", "12", Binds=here["Binds"])[0] == 0
    assert "committed" in call("commit", "/data/shop", "Prices")
    assert "pushed" in call("push", "/data/shop")
    call("pull", url, "/data/shop", Binds=[f"{other}:/data"])
    assert docker.run(image("toolbox"), "cat", "/data/shop/prices", Binds=[f"{other}:/data"]) == (0, "12\n")
    code, said = docker.run(image("git"), "-V", entrypoint=["ssh"])
    assert code == 0 and "OpenSSH" in said, said


def reconciler(nix, docker):
    """Provost in a container runs containers beside itself; its state is in a volume"""
    load(nix, docker, "reconciler", "toolbox")
    # What it asks the engine to mount must be on the host: the volume goes to the place where it is on the host. The
    # first container gives the new volume the owner that the image's folder has.
    volume, place = docker.volume("state")
    code, said = docker.run(image("reconciler"), "version", entrypoint=["provost"], Binds=[f"{volume}:/var/lib/provost"])
    assert code == 0 and "provost 0.1.0" in said, said

    manifests = nix.folder / "reconciler"
    manifests.mkdir()
    (manifests / "server.yaml").write_text(
        json.dumps(
            {
                "instance": docker.mark,
                "state": place,
                "source": {"folder": {"path": "/etc/provost/manifests"}},
                "engine": {"docker": {"host": "unix:///run/docker.sock"}},
            }
        )
    )
    (manifests / "manifests").mkdir()
    hook = {"name": "ask", "event": "run.starting", "image": image("toolbox"), "args": ["hook", "--allow", "--set-local", "a=b"]}
    for kind, name, spec in [
        ("Automation", "hello", {"image": image("toolbox"), "args": ["env", "PROVOST_LOCAL_A"]}),
        ("Policy", "shop", {"order": 100, "hooks": [hook]}),
    ]:
        manifest = {"apiVersion": "provost/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        (manifests / "manifests" / f"{name}.yaml").write_text(json.dumps(manifest))

    server = docker.start(
        image("reconciler"), "serve", "--config", "/etc/provost/server.yaml", entrypoint=["provost"], name="reconciler",
        Binds=[f"{volume}:{place}", f"{manifests}:/etc/provost:ro", f"{docker.socket}:/run/docker.sock"],
        GroupAdd=[str(os.stat(docker.socket).st_gid)], NetworkMode=docker.network(), ReadonlyRootfs=True,
        Tmpfs={"/tmp": ""},
    )  # fmt: skip
    asked = lambda *words: docker.execute(server, "provost", *words, "--socket", f"{place}/provost.sock")
    until(lambda: asked("get", "automations", "-o", "name")[1].strip() == "hello", lambda: docker.output(server))
    code, said = asked("run", "hello", "--wait")
    assert code == 0, (said, docker.output(server))
    code, said = asked("logs", "hello")
    assert "PROVOST_LOCAL_A=b" in said, f"what the hook set: {said}"
    code, said = docker.execute(server, "git", "ls-remote", git_server(docker, "repository"))
    assert code == 0 and "HEAD" in said, said
    code, said = docker.execute(server, "provost", "engine", "--host", "unix:///run/docker.sock", "--instance", docker.mark, "--sweep")
    assert code == 0, said


def load(nix, docker, *names):
    for archive in nix.build(*(f"image-{name}" for name in names)):
        docker.load(archive)


def until(condition, complain, seconds=60):
    """Waits until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not come: {complain()}"
        time.sleep(0.2)


def event_home(nix, event):
    """A folder as Provost mounts it at /provost."""
    home = nix.folder / f"event-{len(list(nix.folder.iterdir()))}"
    (home / "out").mkdir(parents=True)
    (home / "out").chmod(0o777)
    (home / "event.json").write_text(json.dumps(event))
    home.chmod(0o711)
    nix.folder.chmod(0o711)
    return home


def receiver(docker, name):
    """A web server: the path is the status that it answers; it prints what it is sent. Returns its name."""
    program = """
import http.server, ssl, subprocess, threading
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if body: print(body.decode(), flush=True)
        self.send_response(int(self.path[1:] or 200)); self.send_header("Content-Length", "0"); self.end_headers()
    do_POST = do_GET
    def log_message(self, *_): pass
subprocess.run("openssl req -x509 -newkey rsa:2048 -nodes -keyout /tmp/key -out /tmp/cert -days 1 -subj /CN=web", shell=True, check=True, capture_output=True)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); tls.load_cert_chain("/tmp/cert", "/tmp/key")
secure = http.server.HTTPServer(("", 8443), Answer); secure.socket = tls.wrap_socket(secure.socket, server_side=True)
threading.Thread(target=secure.serve_forever, daemon=True).start()
http.server.HTTPServer(("", 8000), Answer).serve_forever()
"""
    return machine(docker, name, ["/usr/bin/python3", "-c", program])


def git_server(docker, name="origin"):
    """A git server with a repository of one commit; returns its address."""
    script = """
        cd /tmp && export HOME=/tmp && git init --quiet --bare --initial-branch=main shop.git
        git -c init.defaultBranch=main init --quiet work && cd work
        echo 11 >prices && git add . && git -c user.name=A -c user.email=a@example.org commit --quiet -m One
        git push --quiet /tmp/shop.git HEAD:main
        exec git daemon --export-all --enable=receive-pack --base-path=/tmp --reuseaddr
    """
    server = machine(docker, name, ["/bin/bash", "-ec", script])
    probe = ["/usr/bin/git", "ls-remote", "git://localhost/shop.git"]
    until(lambda: docker.execute(server, *probe)[0] == 0, lambda: docker.output(server))
    return f"git://{server}/shop.git"


def machine(docker, name, command):
    """A container that is what this machine is; returns its name, by which others find it."""
    docker.start(
        image("toolbox"), entrypoint=command, name=name, user="0:0", env=["PATH=/usr/bin:/bin"],
        Binds=[*MACHINE, "/etc/ssl:/etc/ssl:ro"], NetworkMode=docker.network(),
    )  # fmt: skip
    return f"{docker.mark}-{name}"
