# `dockerTools`: images as layers of store paths, and a last one with what is beside the store.
{ lib, stdenv, runCommand, writeText }:
let
  # The last layer: links to `contents`, and what the commands make. fakeroot lets files belong to others.
  customisation =
    {
      name,
      contents,
      extraCommands,
      fakeRootCommands,
    }:
    runCommand "${name}-customisation-layer" { } ''
      mkdir layer $out
      for content in ${lib.concatStringsSep " " contents}; do cp -rs --no-preserve=mode $content/. layer; done
      (cd layer; ${extraCommands})
      cat >fake <<'END'
      set -o errexit
      cd layer
      ${fakeRootCommands}
      tar --sort=name --mtime=@1 --numeric-owner --hard-dereference -cf $out/layer.tar .
      END
      # In a user namespace the real chown fails in a way that fakeroot does not expect.
      FAKEROOTDONTTRYCHOWN=1 fakeroot bash fake
    '';
in
rec {
  streamLayeredImage =
    {
      name,
      tag,
      contents ? [ ],
      config ? { },
      created ? "1970-01-01T00:00:01Z",
      extraCommands ? "",
      fakeRootCommands ? "",
    }:
    let
      base = baseNameOf name;
      layer = customisation {
        inherit contents extraCommands fakeRootCommands;
        name = base;
      };
      plan = writeText "${base}-plan.json" (
        builtins.toJSON {
          inherit created config;
          reference = "${name}:${tag}";
          layer = "${layer}";
        }
      );
    in
    stdenv.mkDerivation {
      name = "stream-${base}";
      # The closure of both: which store paths go into the image.
      exportReferencesGraph = [
        "graph"
        plan
      ];
      buildPhase = ''
        # A graph tells each path, its deriver, and its references by number; paths alone begin with the store's name.
        grep '^${builtins.storeDir}/.' graph | grep -v '\.drv$' | sort -u | grep -vx -e ${plan} -e ${layer} >closure || true
        cat >$out <<END
        #!/bin/bash
        exec /usr/bin/python3 ${./layered.py} ${plan} $(tr '\n' ' ' <closure)
        END
        chmod +x $out
      '';
      passthru = {
        imageName = name;
        imageTag = tag;
      };
    };

  buildLayeredImage =
    { compressor, ... }@arguments:
    let
      stream = streamLayeredImage (removeAttrs arguments [ "compressor" ]);
    in
    assert compressor == "none";
    runCommand "${baseNameOf arguments.name}.tar" { passthru = { inherit (stream) imageName imageTag; }; } "${stream} >$out";
}
