"""The flake's outputs: what there is, that it builds, and that it builds the same again."""

import json
import shutil
import subprocess

from nix import SYSTEM

NAMES = ["archive", "git", "http-check", "notify", "reconciler", "toolbox"]
IMAGES = [f"image-{name}" for name in NAMES]


def outputs(nix, docker):
    """the flake shows all that it has, and its lock is whole"""
    shown = json.loads(nix.run("flake", "show", "--json", f"path:{nix.source}", *nix.overrides(nix.source)))
    expected = {"checks", "devShells", "lib", "nixosConfigurations", "nixosModules", "overlays", "packages", "templates"}
    assert set(shown) == expected, set(shown)
    folders = {f"image-{path.name}" for path in (nix.source / "images").iterdir() if path.is_dir()}
    assert folders == set(IMAGES), folders
    for system in ["x86_64-linux", "aarch64-linux"]:
        assert set(shown["packages"][system]) == {"appliance", "default", "provost", *IMAGES}
    assert set(shown["templates"]) == {"automation", "default", "plugin", "policy"}
    lock = json.loads((nix.source / "flake.lock").read_text())["nodes"]
    assert set(lock) == {"nixpkgs", "root"}, "one input"
    assert len(lock["nixpkgs"]["locked"]["rev"]) == 40 and lock["nixpkgs"]["locked"]["narHash"].startswith("sha256-")
    return f"{len(shown['packages'][SYSTEM])} packages, {len(shown['checks'][SYSTEM])} checks"


def packages(nix, docker):
    """every package is built"""
    provost, *_ = nix.build("provost", "appliance", *IMAGES)
    pages = list((provost / "share/man/man1").iterdir())
    assert len(pages) > 10, pages
    for name in ["bash-completion/completions/provost", "zsh/site-functions/_provost"]:
        assert (provost / "share" / name).stat().st_size > 1000
    size = (provost / "bin/provost").stat().st_size
    closure = nix.run("path-info", "--recursive", str(provost)).splitlines()
    assert not [path for path in closure if "vendor" in path or "rust" in path], closure
    return f"provost {size / 1e6:.1f} MB, {len(closure)} store paths"


def checks(nix, docker):
    """every check passes, but for lints, which the repository's other tests run"""
    names = ["appliance", "docs", "format", "machine", "manifests", "settings", "tests"]
    nix.build(*(f"checks.{SYSTEM}.{name}" for name in names), f"devShells.{SYSTEM}.default")
    nix.eval(f"checks.{SYSTEM}.clippy.drvPath")
    return ", ".join(names)


def rebuild(nix, docker):
    """what is built a second time is the same, bit for bit"""
    names = ["provost", *IMAGES, "appliance"]
    nix.build(*names, rebuild=True)
    nix.build("programs", flake=nix.source / "tests/nix/variants", rebuild=True)
    streams = [f"{image}.stream" for image in IMAGES]
    for archive, stream in zip(nix.build(*IMAGES), nix.build(*streams)):
        streamed = subprocess.run([stream], check=True, capture_output=True).stdout
        assert streamed == archive.read_bytes(), f"{archive} is not what {stream} prints"
    return f"{len(names)} outputs, and the programs of the images"


def controls(nix, docker):
    """the tests above can fail"""
    variants = nix.source / "tests/nix/variants"
    nix.build("clock", flake=variants)
    nix.refuses("may not be deterministic", "clock", flake=variants, rebuild=True)
    nix.refuses("No such file", "outside", flake=variants)
    nix.refuses("failed with exit code", "network", flake=variants)
    wrong = nix.folder / "wrong"
    shutil.copytree(nix.source, wrong)
    lock = (wrong / "Cargo.lock").read_text()
    before, after = lock.split('checksum = "', 1)
    (wrong / "Cargo.lock").write_text(f'{before}checksum = "{"0" * 64}{after[64:]}')
    nix.refuses("hash mismatch", "provost", flake=wrong)
    return "a clock, a file outside, a network, a wrong checksum"
