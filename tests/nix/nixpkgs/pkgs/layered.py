"""Writes an image to stdout: a layer for each store path, and the customisation layer.

usage: layered.py PLAN STORE_PATH…
Shape: https://github.com/moby/moby/blob/master/image/spec/v1.2.md
"""

import hashlib
import io
import json
import pathlib
import sys
import tarfile


def entry(name, **fields):
    """A tar entry without an owner, a second after the beginning of time."""
    made = tarfile.TarInfo(name)
    made.mtime = 1
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def store_layer(path):
    """A store path as a tar file."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for folder in ("nix", "nix/store"):
            tar.addfile(entry(folder, type=tarfile.DIRTYPE, mode=0o755))
        for found in [path, *sorted(path.rglob("*"))]:
            made = tar.gettarinfo(found)
            fields = {"mode": made.mode, "size": made.size, "type": made.type, "linkname": made.linkname}
            if made.islnk():
                fields |= {"type": tarfile.REGTYPE, "linkname": "", "size": found.stat().st_size}
            made = entry(str(found).lstrip("/"), **fields)
            tar.addfile(made, found.open("rb") if made.isreg() else None)
    return sink.getvalue()


def main(plan, *paths):
    plan = json.loads(pathlib.Path(plan).read_text())
    layers = [store_layer(pathlib.Path(path)) for path in sorted(paths)]
    layers.append((pathlib.Path(plan["layer"]) / "layer.tar").read_bytes())
    digests = [hashlib.sha256(layer).hexdigest() for layer in layers]
    image = {
        "created": plan["created"],
        "architecture": "amd64",
        "os": "linux",
        "config": plan["config"],
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        "history": [{"created": plan["created"]} for _ in digests],
    }
    image = json.dumps(image, sort_keys=True).encode()
    config = hashlib.sha256(image).hexdigest() + ".json"
    names = [f"{digest}/layer.tar" for digest in digests]
    manifest = [{"Config": config, "RepoTags": [plan["reference"]], "Layers": names}]
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
        for name, content in [*zip(names, layers), (config, image), ("manifest.json", json.dumps(manifest).encode())]:
            tar.addfile(entry(name, size=len(content)), io.BytesIO(content))


main(*sys.argv[1:])
