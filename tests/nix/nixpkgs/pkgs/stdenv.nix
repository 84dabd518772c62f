# Derivations: a shell script, run in Nix's sandbox with the programs of this machine.
{
  lib,
  machine,
  system,
}:
let
  # Closed, unlike the one of nixpkgs: an attribute that nobody here knows is a mistake.
  mkDerivation =
    {
      pname ? null,
      version ? null,
      name ? "${pname}-${version}",
      src ? null,
      nativeBuildInputs ? [ ],
      buildInputs ? [ ],
      env ? { },
      setup ? "",
      preBuild ? "",
      buildPhase ? "",
      checkPhase ? "",
      doCheck ? false,
      installPhase ? "",
      exportReferencesGraph ? null,
      passthru ? { },
      meta ? { },
    }@arguments:
    let
      phases = ''
        set -o errexit -o nounset -o pipefail
        # The hooks belong to the phases: whoever replaces a phase calls them, or goes without.
        runHook() { eval "''${!1}"; }
        ${lib.optionalString (src != null) "cp -r ${src} source; chmod -R u+w source; cd source"}
        ${setup}
        ${buildPhase}
        ${lib.optionalString doCheck checkPhase}
        ${installPhase}
      '';
      derivation = builtins.derivation (
        env
        // {
          inherit name buildInputs preBuild;
          inherit (machine) system;
          builder = "/bin/bash";
          args = [
            "-c"
            phases
          ];
          PATH = lib.concatStringsSep ":" (map (input: "${input}/bin") nativeBuildInputs ++ [ "/usr/bin:/bin" ]);
          # What is built depends on what it is built with.
          machine = machine.versions;
          # As in nixpkgs: time does not pass.
          SOURCE_DATE_EPOCH = "1";
          LC_ALL = "C.UTF-8";
        }
        // lib.optionalAttrs (exportReferencesGraph != null) { inherit exportReferencesGraph; }
      );
    in
    derivation
    // passthru
    // {
      inherit meta name;
      overrideAttrs = change: mkDerivation (arguments // change arguments);
    }
    // lib.optionalAttrs (pname != null) { inherit pname; }
    // lib.optionalAttrs (version != null) { inherit version; };
in
rec {
  stdenv = {
    inherit mkDerivation;
    hostPlatform = { inherit system; };
  };

  runCommand =
    name: arguments: script:
    mkDerivation (arguments // { inherit name; buildPhase = script; });

  writeText =
    name: text:
    mkDerivation {
      inherit name;
      env.text = text;
      buildPhase = ''printf %s "$text" >$out'';
    };

  writeTextDir =
    path: text:
    runCommand (baseNameOf path) { env.text = text; } ''
      mkdir -p $out/$(dirname ${path})
      printf %s "$text" >$out/${path}
    '';
}
