# The packages, for one name of a system. Builds are always of this machine.
{ lib, machine }:
system:
let
  base = final: {
    inherit lib;
    inherit (import ./stdenv.nix { inherit lib machine system; }) stdenv runCommand writeText writeTextDir;

    callPackage =
      file: arguments:
      let
        function = if builtins.isFunction file then file else import file;
        made = function (builtins.intersectAttrs (builtins.functionArgs function) final // arguments);
      in
      # As there, a set that is not a package gets this too.
      if builtins.isAttrs made then made // { override = changed: final.callPackage file (arguments // changed); } else made;
    extend = overlay: fix (final: base final // overlay final (base final));

    rustPlatform = final.callPackage ./rust.nix { inherit machine; };
    dockerTools = final.callPackage ./docker.nix { };

    # The C library and what links against it, so that a package in the store needs nothing outside of it.
    glibc = final.callPackage ./glibc.nix { } // {
      # For static programs the machine's own archives are used.
      static = final.runCommand "glibc-static" { } "mkdir $out";
    };
    cc = final.callPackage ./cc.nix { };

    bash = final.callPackage ./from-machine.nix { } {
      name = "bash";
      programs = [ "/bin/bash" ];
    };
    gitMinimal = final.callPackage ./from-machine.nix { } {
      name = "git";
      programs = [
        "/usr/bin/git"
        "/usr/lib/git-core/git-remote-http"
        "/usr/lib/git-core/git-remote-https"
        "/usr/bin/git-receive-pack"
        "/usr/bin/git-upload-pack"
      ];
    };
    git = final.gitMinimal;
    openssh = final.callPackage ./from-machine.nix { } {
      name = "openssh";
      programs = [ "/usr/bin/ssh" ];
    };
    cacert = final.runCommand "cacert" { } ''
      mkdir -p $out/etc/ssl/certs
      cp /etc/ssl/certs/ca-certificates.crt $out/etc/ssl/certs/ca-bundle.crt
    '';

    # All of Rust is one folder of the machine.
    cargo = final.runCommand "rust-${machine.rustVersion}" { } ''
      mkdir -p $out/bin
      ln -s ${machine.sysroot}/bin/* $out/bin
    '';
    rustc = final.cargo;
    clippy = final.cargo;
    rustfmt = final.cargo;
    just = final.runCommand "just" { } "mkdir $out";

    mkShell = { packages }: final.runCommand "shell" { nativeBuildInputs = packages; } "echo $PATH >$out";

    linkFarm =
      name: entries:
      final.runCommand name { } (
        "mkdir $out\n" + lib.concatMapStringsSep "" (entry: "ln -s ${entry.path} $out/${entry.name}\n") entries
      );
    formats.yaml = { }: {
      # JSON is YAML too.
      generate = name: value: final.writeText name (builtins.toJSON value);
      type =
        let
          inherit (lib.types) attrsOf bool float int listOf nullOr oneOf path str;
          value =
            nullOr (oneOf [
              bool
              int
              float
              str
              path
              (attrsOf value)
              (listOf value)
            ])
            // {
              description = "YAML 1.1 value";
            };
        in
        value;
    };

    writeShellScriptBin = name: text: final.writeShellApplication { inherit name text; };
    writeShellApplication =
      { name, text }:
      final.runCommand name { meta.mainProgram = name; } ''
        mkdir -p $out/bin
        cat >$out/bin/${name} <<'END'
        #!${final.bash}/bin/bash
        set -o errexit -o nounset -o pipefail
        ${text}
        END
        chmod +x $out/bin/${name}
        bash -n $out/bin/${name}
      '';

    # Evaluates the machines of a test and compiles its script; there is nothing here to boot them with.
    testers.runNixOSTest =
      {
        name,
        nodes,
        testScript,
      }:
      let
        node =
          name: module:
          (import ../nixos {
            inherit lib;
            legacyPackages.${system} = final;
          } {
            inherit system;
            modules = [
              module
              { networking.hostName = name; }
            ];
          }).config.system.build.toplevel;
      in
      final.runCommand "vm-test-${name}" { } ''
        mkdir $out
        ${lib.concatStringsSep "\n" (lib.mapAttrsToList (name: module: "ln -s ${node name module} $out/${name}") nodes)}
        python3 -c 'import sys; compile(open(sys.argv[1]).read(), "testScript", "exec")' ${final.writeText "testScript" testScript}
      '';
  };
  fix =
    f:
    let
      final = f final;
    in
    final;
in
fix base
