"""The NixOS module and the appliance: what they come to, and what they refuse."""

import json
import subprocess

VARIANTS = "tests/nix/variants"


def appliance(nix, docker):
    """the example and the variants evaluate to whole systems"""
    names = ["docker", "podman", "other-engine", "environment", "operated", "sealed"]
    built = dict(zip(names, nix.build(*names, flake=nix.source / VARIANTS)))
    unit = {name: unit_of(system) for name, system in built.items()}
    assert "SupplementaryGroups=docker" in unit["docker"]
    assert "After=network-online.target podman.socket" in unit["podman"]
    assert "SupplementaryGroups" not in unit["other-engine"]
    assert "EnvironmentFile=/run/keys/provost.env" in unit["environment"]
    settings = {name: json.loads((system / "etc/provost/server.yaml").read_text()) for name, system in built.items()}
    assert settings["docker"] == {
        "engine": {"docker": {"host": "unix:///run/docker.sock"}},
        "instance": "ber-1",
        "labels": {},
        "signers": [],
        "socket": "/run/provost/provost.sock",
        "source": {"git": {"url": "https://git.example.org/shop.git"}},
        "state": "/var/lib/provost",
    }, settings["docker"]
    assert settings["podman"]["engine"]["docker"]["host"] == "unix:///run/podman/podman.sock"
    assert settings["other-engine"]["engine"]["docker"]["host"] == "unix:///run/other.sock"
    operated, sealed = (json.loads((built[name] / "configuration.json").read_text()) for name in ["operated", "sealed"])
    assert operated["users"]["groups"]["provost"]["members"] == ["operator"]
    assert not operated["users"]["allowNoPasswordLogin"]
    assert "operator" not in sealed["users"]["users"] and sealed["users"]["groups"]["provost"]["members"] == []
    # The command line of the server finds it wherever it is called.
    [system] = nix.build("docker", flake=nix.source / VARIANTS)
    asked = subprocess.run([system / "sw/bin/provost", "status"], capture_output=True, text=True)
    assert asked.returncode == 5 and "/run/provost/provost.sock" in asked.stderr, asked
    return ", ".join(names)


def units(nix, docker):
    """systemd understands the unit, and judges it well"""
    [system] = nix.build("environment", flake=nix.source / VARIANTS)
    unit = system / "etc/systemd/system/provost.service"
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    # Other units of this machine are judged too; only words on ours count.
    complaints = [line for line in said.stderr.splitlines() if "provost" in line]
    assert not complaints, complaints
    broken = nix.folder / "broken.service"
    broken.write_text(unit.read_text().replace("UMask=0066", "UMask=many").replace("/bin/provost serve", "/bin/nothing"))
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", broken], capture_output=True, text=True).stderr
    assert "Failed to parse mode value" in said and "not executable" in said, f"a broken unit is not found: {said}"
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=25", unit], capture_output=True, text=True
    )
    verdict = judged.stdout.strip().splitlines()[-1]
    assert judged.returncode == 0, f"its exposure is too high:\n{judged.stdout}"
    return verdict.lstrip("→ ")


def refusals(nix, docker):
    """what is wrong is refused before there is a machine"""
    refused = {
        "wrong-type": "is not of type",
        "wrong-engine": "is not of type",
        "unknown-option": "services.provost.imagez' does not exist",
        "unknown-key": "did you mean `instance`?",
        "wrong-value": "is not a duration",
        "wrong-signer": "signers[0]",
        "no-source": "write `folder: {path: …}` or `git: {url: …}`",
        "moved-state": "read-only",
        "secret-in-store": "services.provost.environmentFile is in the Nix store",
        "locked-out": "nobody could log in to this server",
        "half-sealed": "sealed contradicts keys and console",
    }
    for name, expected in refused.items():
        nix.refuses(expected, name, flake=nix.source / VARIANTS)
    return f"{len(refused)} mistakes"


def unit_of(system):
    return (system / "etc/systemd/system/provost.service").read_text()
