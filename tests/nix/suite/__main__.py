"""The tests of the flake. usage: suite FOLDER [STEP…]

FOLDER holds `source`, a copy of the repository, and takes what else is needed.
"""

import pathlib
import resource
import sys
import time
import traceback

import builds
import images
import machines
import templates
from docker import Docker
from nix import Nix

STEPS = [
    builds.outputs,
    builds.packages,
    builds.checks,
    builds.rebuild,
    builds.controls,
    images.all_images,
    images.toolbox,
    images.http_check,
    images.notify,
    images.archive,
    images.git,
    images.reconciler,
    machines.appliance,
    machines.units,
    machines.refusals,
    templates.projects,
    templates.shop,
]


def main(folder, wanted):
    nix, docker = Nix(folder), Docker()
    known = {name for step in STEPS for name in names(step)}
    if unknown := set(wanted) - known:
        sys.exit(f"there is no step {', '.join(sorted(unknown))}; there are: {', '.join(sorted(known))}")
    results = []
    for step in STEPS:
        if wanted and not names(step) & set(wanted):
            continue
        print(f"== nix: {step.__module__} {step.__name__}: {step.__doc__.splitlines()[0]}", flush=True)
        start, used = time.monotonic(), processor()
        try:
            said = step(nix, docker) or ""
            passed = True
        except Exception as error:
            traceback.print_exc()
            said, passed = str(error).strip().splitlines()[0] if str(error).strip() else repr(error), False
        results.append((passed, f"{step.__module__} {step.__name__}", time.monotonic() - start, processor() - used, said))
    docker.tidy()
    print("\n== nix: summary")
    for passed, name, seconds, used, said in results:
        print(f"{'passed' if passed else 'FAILED'}  {name:<22}{seconds:6.0f} s  {used:6.0f} s of processors  {said}")
    sys.exit(not all(passed for passed, *_ in results))


def processor():
    """How long processors have worked for what was called and has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def names(step):
    """A step goes by its module's name and by its own."""
    return {step.__module__, step.__name__}


main(pathlib.Path(sys.argv[1]), sys.argv[2:])
