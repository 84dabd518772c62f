"""Nix, with the stand-in in the place of nixpkgs."""

import json
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent.parent
SYSTEM = "x86_64-linux"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def reference(flake):
    """How Nix is told of a folder: a repository shows it what is tracked, as on a server."""
    return f"git+file://{flake}" if (flake / ".git").exists() else f"path:{flake}"


class Failed(Exception):
    """What a command said before it failed."""


class Nix:
    def __init__(self, folder):
        self.folder = folder
        self.source = folder / "source"
        self.nixpkgs = folder / "nixpkgs"
        sysroot = output("rustc", "--print", "sysroot")
        crates = sorted((pathlib.Path.home() / ".cargo/registry/cache").glob("index.crates.io-*"))[-1]
        self._stand_in(sysroot, crates)
        conf = folder / "conf"
        conf.mkdir()
        paths = f"/bin /usr /lib /lib64 /etc/alternatives /etc/ssl {sysroot} {crates}"
        (conf / "nix.conf").write_text(
            "experimental-features = nix-command flakes\n"
            "build-users-group =\n"
            # Much of a build is one compiler at a time.
            "max-jobs = 1\n"
            "sandbox = true\n"
            "sandbox-fallback = false\n"
            f"sandbox-paths = {paths}\n"
            "substituters =\n"
            "flake-registry =\n"
            "warn-dirty = false\n"
        )
        home = folder / "home"
        home.mkdir()
        self.environment = {
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "NIX_CONF_DIR": str(conf),
            "NIX_REMOTE": "local",
            "PATH": "/usr/bin:/bin",
        }

    def _stand_in(self, sysroot, crates):
        shutil.copytree(HERE / "nixpkgs", self.nixpkgs)
        # Whatever a build depends on enters its hash.
        versions = "\n".join([output("rustc", "-vV"), output("gcc", "--version"), output("ldd", "--version")])
        machine = {
            "system": SYSTEM,
            "sysroot": sysroot,
            "crates": str(crates),
            "rustVersion": output("rustc", "--version").split()[1],
            "versions": versions,
        }
        (self.nixpkgs / "machine.json").write_text(json.dumps(machine))

    def run(self, *words, cwd=None):
        """Runs a command of nix; returns what it prints."""
        done = subprocess.run(["nix", *words], env=self.environment, cwd=cwd, capture_output=True, text=True)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("error: ") and len(line) > 8]
            headline = errors[0] if errors else f"nix ended with {done.returncode}"
            raise Failed(f"{headline}\nnix {' '.join(map(str, words))}:\n{done.stderr}")
        return done.stdout.strip()

    def overrides(self, flake):
        """Where a flake's inputs come from: Provost's own has nixpkgs, another one has Provost."""
        if (flake / "Cargo.lock").exists():
            return ["--override-input", "nixpkgs", f"path:{self.nixpkgs}", "--no-write-lock-file"]
        return [
            "--override-input", "provost", f"path:{self.source}",
            "--override-input", "provost/nixpkgs", f"path:{self.nixpkgs}",
            "--no-write-lock-file",
        ]  # fmt: skip

    def build(self, *outputs, flake=None, rebuild=False):
        """Builds outputs of a flake and returns their paths."""
        flake = flake or self.source
        links = self.folder / "links"
        links.mkdir(exist_ok=True)
        link = links / str(len(list(links.iterdir())))
        words = [f"{reference(flake)}#{name}" for name in outputs]
        words += ["--rebuild"] if rebuild else ["--out-link", str(link)]
        self.run("build", "--print-build-logs", *words, *self.overrides(flake))
        # What `nix build` itself prints and links is in an order of its own.
        return self.paths(outputs, flake)

    def paths(self, outputs, flake):
        """Where outputs are in the store; evaluated together, for evaluating is most of what a small build costs."""
        found, groups = {}, {}
        for name in outputs:
            kind, _, rest = name.partition(f".{SYSTEM}.")
            groups.setdefault(kind if rest else "packages", []).append((name, rest or name))
        for kind, members in groups.items():
            wanted = " ".join(f"outputs.{member}.outPath" for _, member in members)
            values = self.eval(f"{kind}.{SYSTEM}", flake, "--apply", f"outputs: [ {wanted} ]")
            found |= {name: pathlib.Path(value) for (name, _), value in zip(members, values)}
        return [found[name] for name in outputs]

    def eval(self, name, flake=None, *words):
        """The value of an output."""
        flake = flake or self.source
        return json.loads(self.run("eval", "--json", f"{reference(flake)}#{name}", *self.overrides(flake), *words))

    def refuses(self, expected, *outputs, **options):
        """Building must fail, and say so."""
        try:
            self.build(*outputs, **options)
        except Failed as failure:
            assert expected in str(failure), f"not refused for the right reason, `{expected}`:\n{failure}"
        else:
            raise AssertionError(f"{', '.join(outputs)} was built, though it should be refused: {expected}")
