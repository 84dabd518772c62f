"""The templates: a fresh folder from each builds as it is."""

import json
import shutil
import subprocess

from images import until
from nix import SYSTEM


def projects(nix, docker):
    """an automation, a policy and a plugin build, check, and run"""
    for kind in ["automation", "policy", "plugin"]:
        folder = fresh(nix, kind)
        image, package, _ = nix.build("image", "default", f"checks.{SYSTEM}.manifests", flake=folder)
        packed_by_hand(nix, folder, kind, image, package)
        facts = docker.load(image)
        assert facts["RepoTags"] == [f"my-{kind}:latest"], facts["RepoTags"]
        out = {"Tmpfs": {"/provost/out": "mode=1777"}} if kind == "policy" else {}
        code, said = docker.run(f"my-{kind}", env=["PROVOST_EVENT=run.starting", "PROVOST_AUTOMATION=nightly"], **out)
        assert code == 0 and said.strip(), (code, said)
        broken = next((folder / "manifests").iterdir())
        broken.write_text(broken.read_text().replace("spec:", "spek:"))
        nix.refuses("unknown field `spek`", f"checks.{SYSTEM}.manifests", flake=folder)


def shop(nix, docker):
    """a shop's repository builds its server, whose images run without a registry"""
    folder = fresh(nix, "default")
    server, manifests, system = nix.build(
        "server-ber-1", f"checks.{SYSTEM}.manifests", f"checks.{SYSTEM}.server-ber-1", flake=folder
    )
    assert (server / "system").resolve() == system
    settings = json.loads((system / "etc/provost/server.yaml").read_text())
    assert settings["instance"] == "ber-1" and settings["source"]["git"]["path"] == "manifests"

    # The server's program with the server's images, on this machine's engine and a folder of its own.
    state = nix.folder / "shop-state"
    settings |= {
        "instance": f"{docker.mark}-shop",
        "source": {"folder": {"path": str(folder / "manifests")}},
        "state": str(state),
        "socket": str(state / "provost.sock"),
        "engine": {"docker": {"host": f"unix://{docker.socket}"}},
    }
    config = nix.folder / "shop.yaml"
    config.write_text(json.dumps(settings))
    for image in ["hello", "announce"]:
        try:
            docker.ask("DELETE", f"/images/{image}?force=1")
        except Exception:
            pass  # It was not there.
    [provost] = nix.build("provost")
    program = str(provost / "bin/provost")
    serving = subprocess.Popen([program, "serve", "--config", config], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    ask = lambda *words: subprocess.run([program, *words, "--socket", settings["socket"]], capture_output=True, text=True)
    try:
        until(lambda: "hello" in ask("get", "automations", "-o", "name").stdout, lambda: ask("status").stderr)
        ran = ask("run", "hello", "--wait")
        assert ran.returncode == 0, (ran, ask("status").stdout)
        assert "hello from hello" in ask("logs", "hello").stdout
        assert "run.starting of hello" in ask("logs", "hello").stdout, "the policy's hook ran"
    finally:
        serving.terminate()
        serving.communicate(timeout=60)
        subprocess.run(
            [program, "engine", "--host", f"unix://{docker.socket}", "--instance", settings["instance"], "--sweep"],
            capture_output=True,
        )
    return "a server, two images, a governed run"


def packed_by_hand(nix, folder, kind, image, package):
    """`provost new --nix` makes the same project, and `provost package` the same artifact of it."""
    [provost] = nix.build("provost")
    call = lambda *words: subprocess.run([provost / "bin/provost", *words], check=True, capture_output=True)
    made = nix.folder / "made"
    call("new", kind, f"my-{kind}", "--nix", "--dir", made)
    project = made / f"my-{kind}"
    files = lambda root: {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert files(project).items() <= files(folder).items(), project
    (project / "images").mkdir()
    shutil.copy(image, project / "images" / f"my-{kind}.tar")
    call("package", project, "--write", made / "package.tar")
    assert (made / "package.tar").read_bytes() == package.read_bytes(), f"not what {package} is"


def fresh(nix, template):
    """A new repository from a template."""
    folder = nix.folder / f"shop-of-{template}"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=folder, check=True)
    nix.run("flake", "init", "--template", f"path:{nix.source}#{template}", cwd=folder)
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    return folder
